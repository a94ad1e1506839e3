import { systemClock } from '../engine/ports/clock.ts'
import { withPorts } from '../engine/run/ports.ts'
import { describeStatus } from '../engine/run/status.ts'
import { limitsOf, openStacks, wiringOf } from './fleet-stacks.ts'

/** `kbg status`: explains any state in words. */
export async function runStatus(fleet: string): Promise<number> {
  const stacks = openStacks(fleet)
  const [wiring, limits] = [await wiringOf(stacks), await limitsOf(stacks)]
  console.log(await withPorts(wiring, systemClock, (ports) => describeStatus(ports, wiring, limits)))
  return 0
}
