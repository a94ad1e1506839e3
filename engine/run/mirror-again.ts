import { type Colour, otherColour } from '../model/colour.ts'
import { firstFive, KbgError } from '../model/error.ts'
import { divergedBecause, divergences } from '../model/loss.ts'
import { mirrorRecord } from '../switchover/journal-reading.ts'
import type { Execution } from './execution.ts'
import { ensureCanaries, ensureFirstMirror } from './mirrors.ts'

const endsMs = 10_000

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
  if (known === null) await refuseFilled(run, target)
  run.tell({ step: 'create', text: `mirror ${source} -> ${target} from the earliest record` })
  await ensureFirstMirror(run, source, target)
  await ensureCanaries(run)
}

/** From the earliest record on, all that is there already would come a second time. */
async function refuseFilled(run: Execution, target: Colour): Promise<void> {
  const deadline = run.untilCancelled(endsMs, `the ends of ${target}`)
  const filled = (await run.ports.clusters[target].logs.ends(run.wiring.topics, deadline)).filter(({ logEndOffset }) => logEndOffset > 0n)
  if (filled.length === 0) return
  throw new KbgError('standby-filled', `${target} gets no mirror: it holds records already, which would all be copied again.`, {
    facts: { observed: firstFive(filled.map(({ partition, logEndOffset }) => `${partition} end ${logEndOffset}`)), required: 'empty topics' },
    remedy: `Give ${target} a fresh cluster: retire it, destroy it and bring it up again.`,
  })
}
