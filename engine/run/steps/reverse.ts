import type { Colour } from '../../model/colour.ts'
import { KbgError } from '../../model/error.ts'
import type { Cut } from '../../model/journal.ts'
import { offsetsFromJson } from '../../model/offset-json.ts'
import { mirrorRecord } from '../../switchover/journal-reading.ts'
import type { Execution } from '../execution.ts'
import { refuseOtherDirection, stopForward } from '../mirrors.ts'

const reverseMs = 60_000

/**
 * Step 9: the forward connector is stopped; the reverse one is seeded once with `cut - 1` for every partition, compared and resumed, so that it begins
 * with the first record that is native to the target. Before the groups, so that the target's new records have a copy at once.
 */
export async function reverse(run: Execution, source: Colour, target: Colour, cut: Cut): Promise<void> {
  await stopForward(run, source, target)
  const known = mirrorRecord(run.journal, target)
  if (known === null) throw new KbgError('reverse', `No reverse connector ${target} -> ${source} was armed.`, { remedy: 'The way back needs one: kbg status.' })
  const mirror = run.ports.mirrors[target]
  const deadline = run.untilLockLost(reverseMs, `connector ${known.connector} to run`)
  await refuseOtherDirection(run.ports, source, target, deadline)
  if (known.what === 'created') {
    // MirrorMaker continues behind the offset that it is given; an empty partition gets none and starts at its earliest record, which is the cut.
    const lastCopied = new Map([...offsetsFromJson(cut.targetEnds)].flatMap(([partition, end]) => (end > 0n ? [[partition, end - 1n] as const] : [])))
    await mirror.seed(known.connector, lastCopied, deadline)
    await run.record({ kind: 'mirror', connector: known.connector, source: target, target: source, what: 'seeded' })
  }
  if (known.what !== 'running') {
    await mirror.resume(known.connector, deadline)
    await run.record({ kind: 'mirror', connector: known.connector, source: target, target: source, what: 'running' })
  }
  run.mark('reversed')
}
