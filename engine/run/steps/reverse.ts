import type { Colour } from '../../model/colour.ts'
import { KbgError } from '../../model/error.ts'
import type { Cut } from '../../model/journal.ts'
import { offsetsFromJson } from '../../model/offset-json.ts'
import { type MirrorRecord, mirrorRecord } from '../../switchover/journal-reading.ts'
import { mirrorConnectorName } from '../connector-names.ts'
import type { Execution } from '../execution.ts'
import { sweepLate } from '../late-records.ts'
import { refuseOtherDirection, stopForward } from '../mirrors.ts'

const sweepAndSeedMs = 30_000
const createMs = 15_000

/**
 * Step 9: the forward connector is stopped; the reverse one is seeded once with `cut - 1` for every partition, compared and, when records that came late are carried over, resumed: it begins
 * with the first record that is native to the target. Before the groups, so that the target's new records have a copy at once.
 *
 * @returns null; on the way off a colour that has failed its watch why that colour takes no mirror, because its groups must not wait for that
 */
export async function reverse(run: Execution, source: Colour, target: Colour, cut: Cut): Promise<KbgError | null> {
  await stopForward(run, source, target)
  try {
    await startReverse(run, source, target, cut)
    return null
  } catch (thrown) {
    if (run.sick === null || run.lock.lost.aborted || !(thrown instanceof KbgError)) throw thrown
    run.tell({ step: 'reverse', text: `${source} takes no mirror now: ${thrown.message}` })
    return thrown
  }
}

async function startReverse(run: Execution, source: Colour, target: Colour, cut: Cut): Promise<void> {
  const known = await armed(run, source, target)
  const mirror = run.ports.mirrors[target]
  const deadline = run.untilLockLost(sweepAndSeedMs + mirror.changeMs, `connector ${known.connector} to run`)
  await refuseOtherDirection(run.ports, source, target, deadline)
  if (known.what === 'created') {
    // MirrorMaker continues behind the offset that it is given; an empty partition gets none and starts at its earliest record, which is the cut.
    const lastCopied = new Map([...offsetsFromJson(cut.targetEnds)].flatMap(([partition, end]) => (end > 0n ? [[partition, end - 1n] as const] : [])))
    await mirror.seed(known.connector, lastCopied, deadline)
    await run.record({ kind: 'mirror', connector: known.connector, source: target, target: source, what: 'seeded' })
  }
  if (known.what !== 'running') {
    await sweepLate(run, known.connector, cut)
    await mirror.resume(known.connector, deadline)
    await run.record({ kind: 'mirror', connector: known.connector, source: target, target: source, what: 'running' })
  }
  run.mark('reversed')
}

/** The connector that was armed; on the way off a colour that has failed its watch none was, so that it is made now. */
async function armed(run: Execution, source: Colour, target: Colour): Promise<MirrorRecord> {
  const known = mirrorRecord(run.journal, target)
  if (run.sick === null) {
    if (known !== null) return known
    throw new KbgError('reverse', `No reverse connector ${target} -> ${source} was armed.`, { remedy: 'The way back needs one: kbg status.' })
  }
  const connector = known?.connector ?? mirrorConnectorName(target, source, run.term)
  const deadline = run.untilLockLost(createMs, `connector ${connector} to be created`)
  if (known === null) await run.record({ kind: 'mirror', connector, source: target, target: source, what: 'created' })
  const mirror = run.ports.mirrors[target]
  if ((await mirror.facts(connector, deadline)).state === 'absent') await mirror.createStopped(connector, run.wiring.topics, deadline)
  return known ?? { connector, source: target, target: source, what: 'created' }
}
