import { Deadline, systemClock } from '../engine/ports/clock.ts'
import { withPorts } from '../engine/run/ports.ts'
import { openStacks, wiringOf } from './fleet-stacks.ts'

/** `kbg ack`: after a latch, sets the config key `attempt` of the traffic stack one higher than the latched one. It moves nothing. */
export async function runAck(fleet: string): Promise<number> {
  const stacks = openStacks(fleet)
  const wiring = await wiringOf(stacks)
  const latch = await withPorts(
    wiring,
    systemClock,
    async (ports) => (await ports.store.read(new Deadline(systemClock, 5_000, 'the route store'))).route?.latch,
  )
  if (!latch) {
    console.log('Nothing is latched: a move is allowed as it is.')
    return 0
  }
  if (process.env.KBG_STACK !== undefined || process.env.KBG_WIRED !== undefined) {
    console.log(`Latched at attempt ${latch.attempt}: ${latch.reason}. Give the fleet's Traffic \`attempt: ${latch.attempt + 1}\`, and pulumi up moves again.`)
    return 0
  }
  await stacks.setConfig('traffic', { attempt: String(latch.attempt + 1) })
  console.log(`attempt is ${latch.attempt + 1} now (latched was ${latch.attempt}: ${latch.reason}). pulumi up on the traffic stack moves again.`)
  return 0
}
