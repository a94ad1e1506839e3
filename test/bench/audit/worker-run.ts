import { readFileSync } from 'node:fs'
import { connectAudit } from '../../../engine/adapters/audit/audit-client.ts'
import { destroyAudit, observeAudit, provisionAudit } from '../../../engine/adapters/local/audit-process.ts'
import { firstFive, KbgError } from '../../../engine/model/error.ts'
import type { Audit } from '../../../engine/ports/audit.ts'
import { Deadline, systemClock } from '../../../engine/ports/clock.ts'
import type { Pair } from '../../support/pair.ts'
import { cleaningUp, interrupted } from '../harness/index.ts'
import { parseProcessStat } from '../harness/processor-time.ts'

/** What one worker did with one topic that it had never seen. */
export interface AuditRun {
  /** Records of both sides for each second between the first records that it had compared and the last. */
  readonly recordsPerSecond: number
  readonly memory: WorkerMemory
}

/** Of the worker's process, in MiB. */
export interface WorkerMemory {
  /** The most that it ever had (VmHWM). */
  readonly peakMiB: number
}

const pollMs = 25
const quiet = (): void => undefined
const within = (seconds: number, what: string) => new Deadline(systemClock, seconds * 1_000, what, interrupted)

/** A worker that stands, over a topic that it compares from its first record on; it forgets everything at the end. */
export async function withWorker<T>(pair: Pair, topic: string, work: (audit: Audit, pid: number) => Promise<T>): Promise<T> {
  const { fleet, clusters } = pair.wiring
  const at = { projectRoot: pair.root, fleet }
  return await cleaningUp(
    async () => {
      const audit = connectAudit(await provisionAudit(pair.root, { fleet, clusters, topics: [topic] }, quiet, within(60, 'the audit')), systemClock)
      const pid = observeAudit(at)[0]?.pid
      if (pid === null || pid === undefined) throw new KbgError('bench', 'The audit worker has ended.')
      return await work(audit, pid)
    },
    () => destroyAudit(at, 'remove', new Deadline(systemClock, 30_000, 'the audit to end')),
  )
}

/** Has a fresh worker compare a topic of so many records on each side. @throws KbgError `bench` when it finds both sides unequal */
export async function auditOnce(pair: Pair, topic: string, records: number, seconds: number): Promise<AuditRun> {
  return await withWorker(pair, topic, async (audit, pid) => {
    const deadline = within(seconds, `${records} records to be compared`)
    let first: { readonly atMs: number; readonly records: number } | undefined
    for (;;) {
      const aligned = await alignedRecords(audit, deadline)
      const atMs = systemClock.monotonicMs()
      if (aligned > 0) first ??= { atMs, records: aligned }
      if (aligned > records) throw new KbgError('bench', 'The audit compared more records than there are.', { facts: { observed: aligned, required: records } })
      if (first !== undefined && aligned === records) {
        return { recordsPerSecond: (2 * (aligned - first.records) * 1_000) / Math.max(1, atMs - first.atMs), memory: memoryOf(pid) }
      }
      await systemClock.sleep(pollMs)
      deadline.check()
    }
  })
}

async function alignedRecords(audit: Audit, deadline: Deadline): Promise<number> {
  const { partitions } = await audit.facts(deadline)
  const unequal = partitions.filter(({ state }) => state.kind === 'differs')
  if (unequal.length > 0)
    throw new KbgError('bench', 'The audit calls equal topics unequal.', { facts: { partitions: firstFive(unequal.map((one) => one.partition)) } })
  return partitions.reduce((sum, { alignedRecords: own }) => sum + own, 0)
}

/** Linux' own account of a process. */
export function memoryOf(pid: number): WorkerMemory {
  const kib = Number(/^VmHWM:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1])
  if (!(kib > 0)) throw new KbgError('bench', 'The operating system does not tell how much memory a process had.', { facts: { pid } })
  return { peakMiB: kib / 1024 }
}

const ticksPerSecond = 100

/** Processor time that a process has taken until now, in seconds (its own ticks, of which Linux counts a hundred a second). */
export function processorSeconds(pid: number): number {
  const stat = parseProcessStat(readFileSync(`/proc/${pid}/stat`, 'utf8'))
  if (stat === undefined) throw new KbgError('bench', 'The operating system does not tell how much time a process took.', { facts: { pid } })
  return stat.ticks / ticksPerSecond
}
