/** What a history can be found guilty of. */
export const faultKinds = [
  /** Acknowledged (and committed), but a full read of a colour lacks it, or no reader has it at all. Counts values. */
  'lost',
  /** At two positions of one cluster. Counts values. */
  'duplicated',
  /** A group was given it more than once. Counts deliveries beyond the first. */
  'redelivered',
  /** A reader saw it behind a later record of the same producer and key. Counts values. */
  'reorderedInKey',
  /** A reader saw it behind a record that others saw after it in that partition, of another key. Counts values. */
  'reorderedInPartition',
  /** A group never got it but went on, or committed, past it. Counts pairs of group and value. */
  'skipped',
  /** A group never got it and has not come that far. Counts pairs of group and value. */
  'unseen',
  /** Of an aborted transaction, and visible. Counts values. */
  'abortedVisible',
  /** The sender was told a definite no, and it is visible. Counts values. */
  'deniedVisible',
  /** Only a part of a transaction with an unknown outcome is visible. Counts transactions. */
  'tornTransaction',
  /** Nobody sent it (to this topic). Counts values. */
  'phantom',
  /** It arrived with other bytes than it was sent with. Counts deliveries. */
  'corrupted',
  /** Acknowledged, but no reader of this history had to read its topic. Counts values. */
  'unchecked',
] as const
export type FaultKind = (typeof faultKinds)[number]

/** How many there are, and the first five of them. */
export interface Tally {
  readonly count: number
  readonly examples: readonly string[]
}

/** What was checked, in numbers: a verdict without faults is worth as much as these are high. */
export interface CheckedCounts {
  /** Values that were sent (each once, however often it was tried). */
  readonly sent: number
  readonly acked: number
  readonly unknown: number
  readonly aborted: number
  readonly denied: number
  /** Values with an unknown outcome that are visible. */
  readonly unknownVisible: number
  /** Positions that groups were given, and that full reads read. */
  readonly polled: number
  readonly fullyRead: number
  readonly groups: number
  readonly partitions: number
  /** Redelivered ones that the group had committed past before. */
  readonly redeliveredAfterCommit: number
}

/** The checker's answer. `ok` means no fault; errors that clients were told are no faults (see `errors`). */
export interface Verdict {
  readonly ok: boolean
  readonly faults: Readonly<Record<FaultKind, Tally>>
  readonly checked: CheckedCounts
  /** What clients were told instead of success: the text and how often. */
  readonly errors: { readonly sends: Tally; readonly transactions: Tally; readonly commits: Tally }
}

const shownExamples = 5

/** Collects a verdict's faults. */
export class Faults {
  readonly #counts = new Map<FaultKind, number>()
  readonly #examples = new Map<FaultKind, string[]>()

  /** `describe` is only called for those that are shown. */
  add(kind: FaultKind, describe: () => string): void {
    const count = (this.#counts.get(kind) ?? 0) + 1
    this.#counts.set(kind, count)
    if (count > shownExamples) return
    const examples = this.#examples.get(kind) ?? []
    this.#examples.set(kind, examples)
    examples.push(describe())
  }

  tallies(): Record<FaultKind, Tally> {
    const tally = (kind: FaultKind): Tally => ({ count: this.#counts.get(kind) ?? 0, examples: this.#examples.get(kind) ?? [] })
    return Object.fromEntries(faultKinds.map((kind) => [kind, tally(kind)])) as Record<FaultKind, Tally>
  }
}

/** Errors by their text, the most frequent first. */
export function errorTally(errors: ReadonlyMap<string, number>): Tally {
  const sorted = [...errors].sort((a, b) => b[1] - a[1])
  return {
    count: sorted.reduce((sum, [, count]) => sum + count, 0),
    examples: sorted.slice(0, shownExamples).map(([text, count]) => `${text} (${count})`),
  }
}

/** What the clients of a run saw, as reports state it. */
export interface ClientStatistics {
  readonly acked: number
  /** Lost, skipped and unseen together: for a group they are the same. */
  readonly lost: number
  readonly duplicated: number
  readonly redelivered: number
  readonly reordered: number
  readonly errors: number
}

/** The verdict in the words of `report.json`. */
export function clientStatistics(verdict: Verdict): ClientStatistics {
  const count = (kind: FaultKind) => verdict.faults[kind].count
  return {
    acked: verdict.checked.acked,
    lost: count('lost') + count('skipped') + count('unseen') + count('unchecked') + count('corrupted'),
    duplicated: count('duplicated') + count('abortedVisible') + count('deniedVisible') + count('phantom') + count('tornTransaction'),
    redelivered: count('redelivered'),
    reordered: count('reorderedInKey') + count('reorderedInPartition'),
    errors: verdict.errors.sends.count + verdict.errors.transactions.count + verdict.errors.commits.count,
  }
}

/** The verdict as lines for people: what was checked, then each fault with its first five examples. */
export function verdictLines(verdict: Verdict): string[] {
  const { checked } = verdict
  const found = faultKinds.filter((kind) => verdict.faults[kind].count > 0)
  return [
    `${verdict.ok ? 'PASS' : 'FAIL'}: ${checked.acked} acknowledged of ${checked.sent} sent (${checked.aborted} aborted, ${checked.denied} denied, ` +
      `${checked.unknown} unknown of which ${checked.unknownVisible} visible), ${checked.polled} polled by ${checked.groups} groups, ` +
      `${checked.fullyRead} read independently, ${checked.partitions} partitions`,
    ...found.flatMap((kind) => tallyLines(kind, verdict.faults[kind])),
    ...Object.entries(verdict.errors).flatMap(([name, tally]) =>
      tally.count > 0 ? [`errors of ${name}: ${tally.count}`, ...tally.examples.map((example) => `  ${example}`)] : [],
    ),
  ]
}

function tallyLines(name: string, tally: Tally): string[] {
  const more = tally.count - tally.examples.length
  return [`${name}: ${tally.count}`, ...tally.examples.map((example) => `  ${example}`), ...(more > 0 ? [`  and ${more} more`] : [])]
}
