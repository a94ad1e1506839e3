import { bindingText } from '../../gate/catalog-parity.ts'
import type { Colour } from '../../model/colour.ts'
import type { Execution } from '../execution.ts'
import { proveFence } from './fences.ts'

/** Step 5: fences the source and proves it on every broker. The bindings are journaled before the effect. */
export async function fence(run: Execution, source: Colour): Promise<void> {
  const { fence: port } = run.ports.clusters[source]
  await run.record({ kind: 'fence', colour: source, what: 'raising', bindings: port.bindings.map(bindingText) })
  const deadline = run.untilCancelled(run.limits.fenceDeadlineMs, `every broker of ${source} to refuse`)
  await port.raise(deadline)
  await proveFence(run.ports.clusters[source], 'fenced', deadline)
  run.mark('fenced')
}
