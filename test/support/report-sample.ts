import { readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { RolloutReport } from '../../cli/report/report.ts'

/** Where the sample report and the golden pictures made from it stand. */
export const goldenDir: string = join(dirname(fileURLToPath(import.meta.url)), 'golden')

/** The sample's file. */
export const sampleFile: string = join(goldenDir, 'report.json')

/** The report of a real rollout on a busy machine with two cores, as it was written. */
export function sampleReport(): RolloutReport {
  return RolloutReport.parse(JSON.parse(readFileSync(sampleFile, 'utf8')))
}

/** The same run as a version wrote it that knew no pictures. */
export function earlierReport(): unknown {
  const { perSecond: _, configuration: _1, notObserved: _2, startedAt: _3, clientJudged: _4, ...kept } = sampleReport()
  const switchovers = kept.switchovers.map(({ from, to, epoch, graceful, writeWindowMs, parts, dueThroughout }) => ({
    ...{ from, to, epoch, graceful, writeWindowMs, parts, dueThroughout },
  }))
  const groups = kept.groups.map(({ group, topic, partition, method, verdict, lagRecords }) => ({ group, topic, partition, method, verdict, lagRecords }))
  return { ...kept, switchovers, groups }
}

/** A run whose clients lost records, and whose gate refused twice before one switchover. */
export function failedReport(): RolloutReport {
  const sample = sampleReport()
  return {
    ...sample,
    verdict: 'fail',
    reasons: ['the history checker found faults', 'blue -> green was not graceful'],
    client: { ...sample.client, lost: 3, redelivered: 41 },
    switchovers: sample.switchovers.map((one, index) => (index === 2 ? { ...one, graceful: false, dueThroughout: false } : one)),
    groups: sample.groups.map((one, index) =>
      index === 5 ? { ...one, verdict: 'not provable', reason: 'equal neighbours around a gap', targetOffset: null, lagRecords: null } : one,
    ),
  }
}

/** Text that breaks a page that doesn't escape it, put wherever a report holds text, with lengths that no picture expects. */
export const hostileText = `</title><script>alert(1)</script><img src=x onerror="alert('2')">&amp;\u202egnp.exe\u0000 ${'very-long-name-without-a-break'.repeat(8)}`

/** The sample with hostile text in every place that is text, and numbers at their limits. */
export function hostileReport(): RolloutReport {
  const sample = sampleReport()
  const series = Object.values(sample.perSecond?.groupLagRecords ?? {})[0] ?? []
  return RolloutReport.parse({
    ...sample,
    verdict: 'fail',
    reasons: [hostileText, `${hostileText}\nsecond line`],
    versions: { blue: hostileText, green: hostileText },
    phases: [{ phase: hostileText, seconds: 1e9 }],
    switchovers: sample.switchovers.map((one) => ({
      ...one,
      writeWindowMs: 29_999,
      producers: [...one.producers, { producer: hostileText, fromMs: (one.fromMs ?? 0) - 500, windowMs: 29_999, dueInsideRecords: 1e12 }],
      gate: {
        epoch: 1,
        updates: 3,
        checks: [{ name: hostileText, verdict: 'inconclusive', observed: hostileText, required: hostileText, remedy: hostileText }],
      },
    })),
    groups: [{ ...sample.groups[0], group: hostileText, topic: hostileText, method: hostileText, verdict: hostileText, reason: hostileText }],
    perSecond: sample.perSecond && {
      ...sample.perSecond,
      groupLagRecords: { ...sample.perSecond.groupLagRecords, [hostileText]: series.map((lag) => lag * 1_000_000) },
    },
    notObserved: [hostileText],
  })
}
