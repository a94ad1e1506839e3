import { otherColour } from '../model/colour.ts'
import { divergedBecause, divergences } from '../model/loss.ts'
import { mirrorRecord } from '../switchover/journal-reading.ts'
import type { Execution } from './execution.ts'
import { ensureCanaries, ensureFirstMirror } from './mirrors.ts'

/** Behind a move that left records behind there is no mirror. Once the colour that has diverged is a fresh cluster, it gets one from the earliest record on, as the first one was. */
export async function mirrorAgain(run: Execution): Promise<void> {
  const source = run.route.live
  const target = otherColour(source)
  const known = mirrorRecord(run.journal, source)
  if (divergences(run.journal).length === 0 || (known !== null && known.what !== 'created')) return
  const why = divergedBecause(run.journal, target, run.wiring.clusters[target].clusterId)
  if (why !== null) {
    run.tell({ step: 'create', text: `no mirror: ${why}` })
    return
  }
  run.tell({ step: 'create', text: `mirror ${source} -> ${target} from the earliest record` })
  await ensureFirstMirror(run, source, target)
  await ensureCanaries(run)
}
