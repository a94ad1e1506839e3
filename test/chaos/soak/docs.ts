/** The soak's part of `docs/faults.md`, between its markers. */
import { readFileSync, writeFileSync } from 'node:fs'
import { momentMeanings } from '../../support/moments.ts'
import { faultKinds } from './plan.ts'
import { killTable, type SoakReport, summaryFigures } from './report.ts'

const begin = '<!-- soak: written by the run itself, with --write-docs -->'
const end = '<!-- /soak -->'

export function soakSection(report: SoakReport): string {
  const median = (numbers: readonly number[]) => numbers.toSorted((one, other) => one - other)[Math.floor(numbers.length / 2)] ?? 0
  const row = ({ kind, rounds, notHere }: SoakReport['kinds'][number]) => {
    const own = report.rounds.filter((round) => round.kind === kind)
    const outcomes = (['finished', 'taken back', 'untouched'] as const).flatMap((outcome) => {
      const count = own.filter((round) => round.outcome === outcome).length
      return count === 0 ? [] : [`${count} ${outcome}`]
    })
    const recoveries = own.map(({ recoveryMs }) => recoveryMs)
    const stalls = own.map(({ stallMs }) => stallMs)
    const seconds = (ms: number) => (ms / 1_000).toFixed(1)
    const times = own.length === 0 ? ['', ''] : [recoveries, stalls].map((all) => `${seconds(median(all))} / ${seconds(Math.max(...all))}`)
    return `| ${faultKinds[kind]} | ${notHere ?? rounds} | ${outcomes.join(', ')} | ${times.join(' | ')} |`
  }
  const meanings = Object.entries(momentMeanings).map(([step, { before, after }]) => `| ${step} | ${before} | ${after} |`)
  return [
    begin,
    '',
    ...summaryFigures(report),
    '',
    '| injected | times | what the switchovers came to | at rest after (s, median / longest) | no acknowledgement for (s, median / longest) |',
    '|---|---|---|---|---|',
    ...report.kinds.map(row),
    '',
    'What a kill -9 at a moment came to:',
    '',
    ...killTable(report),
    '',
    'What the moments are (S: source, T: target):',
    '',
    '| step | before | after |',
    '|---|---|---|',
    ...meanings,
    '',
    end,
  ].join('\n')
}

/** @throws Error when the file has no place for it */
export function intoDocs(report: SoakReport, file: string): void {
  const text = readFileSync(file, 'utf8')
  const [from, to] = [text.indexOf(begin), text.indexOf(end)]
  if (from < 0 || to < from) throw new Error(`${file} has no place for the soak's part: ${begin} ... ${end}`)
  writeFileSync(file, text.slice(0, from) + soakSection(report) + text.slice(to + end.length))
}
