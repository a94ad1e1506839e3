import { firstFive } from '../model/error.ts'
import type { ColourSnapshot } from '../model/snapshot.ts'
import { type Check, judged } from './check.ts'

/** Does every registered broker of a colour answer the probe as the route says: the live one open, the standby fenced? */
export function checkFence(colour: ColourSnapshot, wanted: 'open' | 'fenced'): Check {
  const name = `fence of ${colour.colour}`
  const required = `every broker answers the probe as ${wanted}`
  const remedy =
    wanted === 'open'
      ? 'Something fences the live colour: pulumi up with live as it is opens it again; kbg status tells more.'
      : 'The standby must not accept application writes: pulumi up with live as it is fences it again.'
  if (!colour.probes.seen) return judged(name, 'inconclusive', colour.probes.why, required, remedy)
  const probes = colour.probes.value
  if (probes.length === 0) return judged(name, 'inconclusive', 'no broker asked', required, remedy)
  const others = probes.filter((probe) => probe.answer !== wanted)
  if (others.length === 0) return judged(name, 'pass', `${probes.length} of ${probes.length} brokers ${wanted}`, required, '')
  const observed = firstFive(others.map((probe) => `broker ${probe.brokerId} ${probe.answer}${probe.detail ? ` (${probe.detail})` : ''}`))
  return judged(name, others.some((probe) => probe.answer !== 'unreachable') ? 'fail' : 'inconclusive', observed, required, remedy)
}
