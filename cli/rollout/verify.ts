import { KbgError } from '../../engine/model/error.ts'
import type { JournalEntry } from '../../engine/model/journal.ts'
import type { Wiring } from '../../engine/model/wiring.ts'
import { Deadline, systemClock } from '../../engine/ports/clock.ts'
import { sampleLag } from '../../engine/run/lag.ts'
import { withPorts } from '../../engine/run/ports.ts'
import { mirrorRecord } from '../../engine/switchover/journal-reading.ts'
import { type ClientVerdict, judge } from './demo-load.ts'
import type { Run } from './run.ts'

/** Ends the load, lets every group read everything, and judges the histories. */
export async function verify(run: Run, wiring: Wiring): Promise<ClientVerdict> {
  const { workload } = run
  if (!workload) throw new KbgError('rollout', 'There is no load to verify.')
  await workload.stopProducers()
  run.loadSeconds = (systemClock.monotonicMs() - run.loadStartedMs) / 1_000
  workload.resumeGroups()
  const lag = await workload.drain(120)
  const behind = Object.entries(lag).filter(([, records]) => records > 0)
  run.screen.event(
    'verify',
    behind.length === 0 ? 'every group has read everything' : `not read: ${behind.map(([group, records]) => `${group} ${records}`).join(', ')}`,
  )
  await workload.end()
  run.workload = null
  await standbyHasAll(wiring)
  await run.auditWatch?.end(30_000)
  const verdict = await judge(wiring, 'green', run.outDir)
  for (const line of verdict.lines) run.screen.event('verify', line)
  return verdict
}

/** The reverse mirror has to be at the end before both colours are read as a whole: a standby that is read too early lacks records. */
async function standbyHasAll(wiring: Wiring): Promise<void> {
  const deadline = new Deadline(systemClock, 60_000, 'the standby to hold everything')
  await withPorts(wiring, systemClock, async (ports) => {
    const { journal } = await ports.store.read(deadline)
    const mirror = mirrorRecord(journal, 'green')
    if (mirror === null) throw new KbgError('rollout', 'No mirror runs from green to blue.')
    const subject = {
      clock: systemClock,
      source: ports.clusters.green,
      target: ports.clusters.blue,
      mirror: ports.mirrors.green,
      connector: mirror.connector,
      topics: wiring.topics,
    }
    await deadline.poll(200, async () => ((await sampleLag(subject, 5_000)).kind === 'caught-up' ? true : undefined))
  })
}

/** Every entry that the fleet's journal keeps. */
export async function journalOf(wiring: Wiring): Promise<readonly JournalEntry[]> {
  return await withPorts(wiring, systemClock, async (ports) => await ports.store.history(new Deadline(systemClock, 10_000, 'the journal')))
}
