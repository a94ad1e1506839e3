import type { BenchResult } from './result.ts'
import type { Goal, Row } from './row.ts'

/** A result as lines for a terminal: the rows as a table, then what each number is, the machine's noise, and what the rows say together. */
export function tableLines(result: BenchResult): readonly string[] {
  const { rows, machine, noise, refused, refusedBefore } = result
  const header = ['measure', 'ours', 'baseline', 'limit', 'ratio [95 %]', 'goal', 'holds']
  const cells = rows.map((row) => [
    row.measure,
    quantity(row.ours, row.unit),
    quantity(row.baseline, row.unit),
    quantity(row.limit, row.unit),
    ratioText(row),
    goalText(row.goal, row.unit),
    holdsText(row),
  ])
  const widths = header.map((title, column) => Math.max(title.length, ...cells.map((line) => (line[column] ?? '').length)))
  const aligned = (line: readonly string[]) =>
    line.map((text, column) => (column === 0 ? text.padEnd(widths[0] ?? 0) : text.padStart(widths[column] ?? 0))).join('  ')
  const { stalls, ownShare, foreignShare, stealShare } = noise.observed
  return [
    `${result.bench}: ${result.question}`,
    '',
    aligned(header).trimEnd(),
    ...cells.map((line) => aligned(line).trimEnd()),
    '',
    ...meanings(rows),
    ...pairing(rows),
    `machine: ${machine.cores} cores, ${machine.memoryGiB} GiB, ${machine.system}, Node ${machine.versions.node}, commit ${machine.versions.commit}`,
    `noise: stalls ${stalls.medianMs.toFixed(2)} ms median, ${stalls.p99Ms.toFixed(1)} ms p99, ${stalls.maximumMs.toFixed(0)} ms maximum; this bench ${share(ownShare)} of the processors' time, other processes ${share(foreignShare)}, hypervisor ${share(stealShare)}`,
    ...result.notes.map((note) => `note: ${note}`),
    ...refused.map((reason) => `too noisy to tell: ${reason}`),
    ...(refusedBefore > 0 ? [`refused before this run: ${refusedBefore} times in a row`] : []),
  ]
}

function meanings(rows: readonly Row[]): readonly string[] {
  const said = rows.flatMap(({ figures }) =>
    (['ours', 'baseline', 'limit'] as const).flatMap((side) => {
      const figure = figures[side]
      return figure ? [`${side}: ${figure.what}${figure.statistic === 'single value' ? '' : ` (${figure.statistic} of ${figure.n})`}`] : []
    }),
  )
  return [...new Set(said)]
}

/** Which ratios can't be had from the numbers beside them. */
function pairing(rows: readonly Row[]): readonly string[] {
  const paired = rows.filter((row) => row.pairedRatios !== null).map((row) => row.measure)
  return paired.length === 0 ? [] : [`ratio: the median of the rounds' own ratios, for ${[...new Set(paired)].join('; ')}`]
}

function quantity(value: number | null, unit: string): string {
  return value === null ? '-' : `${short(value)} ${unit}`
}

/** Three significant digits, never in exponents. */
function short(value: number): string {
  const size = Math.abs(value)
  return size >= 100 || Number.isInteger(value) ? String(Math.round(value)) : value.toFixed(size >= 10 ? 1 : size >= 1 ? 2 : 3)
}

function ratioText({ ratio, ratioTo, ratioInterval, goal }: Row): string {
  if (ratio === null) return '-'
  const interval = ratioInterval ? ` [${short(ratioInterval[0])}, ${short(ratioInterval[1])}]` : ''
  const to = ratioTo === 'limit' && (goal === null || goal.of === 'ours') ? ' to limit' : ''
  return `${ratio.toFixed(ratio < 0.1 ? 4 : 2)}${interval}${to}`
}

function goalText(goal: Goal | null, unit: string): string {
  if (goal === null) return '-'
  switch (goal.of) {
    case 'ours':
      return `<= ${goal.atMost} ${unit}`
    case 'ratio':
      return `<= ${goal.atMost} x ${goal.to}`
    case 'share':
      return `>= ${goal.atLeast} x ${goal.to}`
  }
}

/** With a question mark where it is open. */
function holdsText({ holds, goal, open }: Row): string {
  if (goal === null) return '-'
  if (holds === null) return 'not told'
  return `${holds ? 'yes' : 'no'}${open ? '?' : ''}`
}

function share(value: number | null): string {
  return value === null ? 'not observed' : `${(value * 100).toFixed(1)} %`
}
