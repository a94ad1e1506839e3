import type { Colour } from '../../engine/model/colour.ts'
import { otherColour } from '../../engine/model/colour.ts'
import type { JournalEntry } from '../../engine/model/journal.ts'
import { Deadline, systemClock } from '../../engine/ports/clock.ts'
import { sampleLag } from '../../engine/run/lag.ts'
import { mirrorRecord } from '../../engine/switchover/journal-reading.ts'
import type { Pair } from '../support/pair.ts'

/** Waits until the standby holds all that the live colour holds, so that both can be read whole. Nobody may be writing. @throws KbgError `deadline` */
export async function standbyHasAll(pair: Pair, live: Colour, journal: readonly JournalEntry[]): Promise<void> {
  const connector = mirrorRecord(journal, live)?.connector ?? ''
  const { clusters, mirrors } = pair.ports
  const subject = {
    clock: systemClock,
    source: clusters[live],
    target: clusters[otherColour(live)],
    mirror: mirrors[live],
    connector,
    topics: pair.wiring.topics,
  }
  await new Deadline(systemClock, 60_000, 'the standby to hold everything').poll(200, async () =>
    (await sampleLag(subject, 5_000)).kind === 'caught-up' ? true : undefined,
  )
}
