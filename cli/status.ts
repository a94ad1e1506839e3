import { systemClock } from '../engine/ports/clock.ts'
import { withPorts } from '../engine/run/ports.ts'
import { describeStatus } from '../engine/run/status.ts'
import { openStacks, wiringOf } from './fleet-stacks.ts'

/** `kbg status`: explains any state in words. */
export async function runStatus(fleet: string): Promise<number> {
  const wiring = await wiringOf(openStacks(fleet))
  console.log(await withPorts(wiring, systemClock, (ports) => describeStatus(ports, wiring.waves)))
  return 0
}
