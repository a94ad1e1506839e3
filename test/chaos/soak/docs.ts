/** What runs write into `docs/faults.md`, each between its markers: the soak's faults of every kind, its kills alone, and the kills of Pulumi's processes. */
import { readFileSync, writeFileSync } from 'node:fs'
import { momentMeanings } from '../../support/moments.ts'
import { faultKinds } from './plan.ts'
import { killTable, type SoakReport, summaryFigures } from './report.ts'

const marks = {
  soak: { begin: '<!-- soak: written by the run itself, with --write-docs -->', end: '<!-- /soak -->' },
  kills: { begin: '<!-- kills: written by a run of kills only, with --write-docs -->', end: '<!-- /kills -->' },
  pulumi: { begin: '<!-- pulumi: written by the run itself, with --write-docs -->', end: '<!-- /pulumi -->' },
} as const

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
  return [
    ...summaryFigures(report),
    '',
    '| injected | times | what the switchovers came to | at rest after (s, median / longest) | no acknowledgement for (s, median / longest) |',
    '|---|---|---|---|---|',
    ...report.kinds.map(row),
    '',
  ].join('\n')
}

/** kill -9 at every moment. */
export function killsSection(report: SoakReport): string {
  const meanings = Object.entries(momentMeanings).map(([step, { before, after }]) => `| ${step} | ${before} | ${after} |`)
  return [
    ...[...summaryFigures(report), '', ...killTable(report), ''],
    ...['What the moments are (S: source, T: target):', '', '| step | before | after |', '|---|---|---|', ...meanings],
  ].join('\n')
}

/** Every kind of fault into its place, unless the run was of kills only; and the kills into theirs. @throws Error when the file has no such place */
export function intoDocs(report: SoakReport, file: string): void {
  const isKills = report.kinds.every(({ kind, rounds }) => rounds === 0 || kind.startsWith('kill-'))
  if (!isKills) writeSection('soak', soakSection(report), file)
  writeSection('kills', killsSection(report), file)
}

/** @throws Error when the file has no place for it */
export function writeSection(name: keyof typeof marks, section: string, file: string): void {
  const text = readFileSync(file, 'utf8')
  const { begin, end } = marks[name]
  const [from, to] = [text.indexOf(begin), text.indexOf(end)]
  if (from < 0 || to < from) throw new Error(`${file} has no place for this run: ${begin} ... ${end}`)
  writeFileSync(file, `${text.slice(0, from)}${begin}\n\n${section}\n\n${text.slice(to)}`)
}
