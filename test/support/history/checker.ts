import type { Colour } from '../../../engine/model/colour.ts'
import { KbgError } from '../../../engine/model/error.ts'
import type { History, HistoryEvent } from './events.ts'
import { Ledger } from './ledger.ts'
import { ColourLogs, TruthOrder } from './order.ts'
import { GroupCheck, ViewCheck } from './reading.ts'
import { wholeHistory } from './truncated.ts'
import { errorTally, Faults, type Verdict } from './verdict.ts'
import { coloursReadWhole, type View, Views } from './views.ts'

/** What the checker can't know from the histories. */
export interface CheckOptions {
  /** Colours that have to hold every acknowledged record at the end, the live one first. Each needs a full read. Empty: groups alone are believed. */
  readonly wholeColours: readonly Colour[]
  /** Groups that were meant to stay behind: what they have not reached is no fault (what they jump over is). */
  readonly groupsBehind?: readonly string[]
}

/**
 * Whether what clients saw is what a single Kafka cluster would have shown them, though there were two: compares what senders were told with what groups, and
 * independent reads of whole clusters, saw. It believes values' order, never offsets, so it carries over a switch. After Jepsen's `jepsen.tests.kafka`.
 *
 * Takes a few seconds and about 100 bytes for each value and 12 for each position read.
 *
 * @throws KbgError `history-truncated` when a history has no end record or a wrong count; `history-empty` when nothing would be checked; `history-incomplete`
 * when a colour that has to be whole was not read
 */
export function check(histories: Iterable<History>, options: CheckOptions): Verdict {
  const ledger = new Ledger()
  const views = new Views(ledger)
  for (const history of histories) for (const event of wholeHistory(history)) take(event, ledger, views)
  ledger.settle()
  views.settle()
  const readers = views.all()
  refuseUnread(readers, options)
  const inOrder = truthFirst(readers, options.wholeColours)
  const order = new TruthOrder(ledger, views, inOrder)
  const faults = new Faults()
  const checks = readers.map((view) => new ViewCheck(view, { ledger, views, order, faults }))
  const damaged = new Set<string>()
  for (const one of checks) one.run(damaged)
  const redeliveredAfterCommit = checkGroups(checks, new ColourLogs(inOrder, views, order), options, faults, { ledger, views, order })
  checkFates(checks, options, faults, ledger, order)
  const checked = countChecked(ledger, order, checks, views, redeliveredAfterCommit)
  const tallies = faults.tallies()
  return {
    ok: Object.values(tallies).every((tally) => tally.count === 0),
    faults: tallies,
    checked,
    errors: { sends: errorTally(ledger.sendErrors), transactions: errorTally(ledger.transactionErrors), commits: errorTally(views.commitErrors) },
  }
}

function take(event: HistoryEvent, ledger: Ledger, views: Views): void {
  switch (event.type) {
    case 'start':
      views.start(event)
      return
    case 'send':
      ledger.send(event)
      return
    case 'sendResult':
      ledger.sendResult(event)
      return
    case 'txn':
      ledger.transaction(event)
      return
    case 'poll':
      views.poll(event)
      return
    case 'commit':
      views.commit(event)
      return
    case 'finalRead':
      views.finalRead(event)
      return
    case 'assigned':
    case 'revoked':
    case 'end':
      return
  }
}

function refuseUnread(readers: readonly View[], options: CheckOptions): void {
  const read = coloursReadWhole(readers)
  const missing = options.wholeColours.filter((colour) => !read.includes(colour))
  if (missing.length > 0) {
    throw new KbgError('history-incomplete', 'A colour that has to hold every record was not read.', { facts: { missing, read } })
  }
  if (readers.every((view) => view.stories.size === 0)) {
    throw new KbgError('history-empty', 'Nobody read anything, so there is nothing to check.', { facts: { readers: readers.map((view) => view.name) } })
  }
}

/** The live colour's full read orders the truth; then the other full reads, then groups. */
function truthFirst(readers: readonly View[], wholeColours: readonly Colour[]): View[] {
  const place = (view: View) => {
    if (view.colour === null) return wholeColours.length + 1
    const index = wholeColours.indexOf(view.colour)
    return index < 0 ? wholeColours.length : index
  }
  return [...readers].sort((a, b) => place(a) - place(b))
}

type Parts = { ledger: Ledger; views: Views; order: TruthOrder }

function checkGroups(checks: readonly ViewCheck[], logs: ColourLogs, options: CheckOptions, faults: Faults, parts: Parts): number {
  let afterCommit = 0
  for (const one of checks) {
    if (one.view.kind !== 'group') continue
    const mayBeBehind = options.groupsBehind?.includes(one.view.name) ?? false
    afterCommit += new GroupCheck(one, logs, { ...parts, faults }).run(mayBeBehind)
  }
  return afterCommit
}

/** Holds every value's fate against who saw it. */
function checkFates(checks: readonly ViewCheck[], options: CheckOptions, faults: Faults, ledger: Ledger, order: TruthOrder): void {
  const whole = checks.filter((one) => one.view.colour !== null && options.wholeColours.includes(one.view.colour))
  const behind = new Set(options.groupsBehind)
  const groups = checks.filter((one) => one.view.kind === 'group' && !behind.has(one.view.name))
  for (let value = 0; value < ledger.size; value++) {
    const fate = ledger.fateOf(value)
    const visible = order.rankOf(value) >= 0
    if (fate === 'acked') checkAcked(value, whole, groups, faults, ledger)
    else if (!visible || ledger.id(value).startsWith('!')) continue
    else if (fate === 'aborted') faults.add('abortedVisible', () => ledger.id(value))
    else if (fate === 'denied') faults.add('deniedVisible', () => ledger.id(value))
    else if (fate === 'unsent') faults.add('phantom', () => ledger.id(value))
  }
  for (const [transaction, values] of ledger.unknownTransactions()) {
    const seen = values.filter((value) => order.rankOf(value) >= 0).length
    if (seen > 0 && seen < values.length) faults.add('tornTransaction', () => `${transaction}: ${seen} of ${values.length} records are visible`)
  }
}

function checkAcked(value: number, whole: readonly ViewCheck[], groups: readonly ViewCheck[], faults: Faults, ledger: Ledger): void {
  const topic = ledger.topics.name(ledger.topicOf(value))
  const mustHave = whole.filter((one) => one.view.topics.has(topic))
  const mayHave = groups.filter((one) => one.view.topics.has(topic))
  const lacking = mustHave.filter((one) => !one.saw(value))
  if (lacking.length > 0) {
    faults.add('lost', () => `${ledger.id(value)} of ${topic}: acknowledged, not in ${lacking.map((one) => one.view.name).join(', ')}`)
  } else if (mustHave.length === 0 && mayHave.length === 0) {
    faults.add('unchecked', () => `${ledger.id(value)} of ${topic}: nobody had to read it`)
  } else if (mustHave.length === 0 && mayHave.every((one) => !one.saw(value))) {
    faults.add('lost', () => `${ledger.id(value)} of ${topic}: acknowledged, not polled by ${mayHave.map((one) => one.view.name).join(', ')}`)
  }
}

function countChecked(ledger: Ledger, order: TruthOrder, checks: readonly ViewCheck[], views: Views, redeliveredAfterCommit: number): Verdict['checked'] {
  const fates = { acked: 0, unknown: 0, aborted: 0, denied: 0, unsent: 0 }
  let unknownVisible = 0
  for (let value = 0; value < ledger.size; value++) {
    const fate = ledger.fateOf(value)
    fates[fate]++
    if (fate === 'unknown' && order.rankOf(value) >= 0) unknownVisible++
  }
  const rows = (kind: View['kind']) => checks.filter((one) => one.view.kind === kind).reduce((sum, one) => sum + one.rows, 0)
  const { unsent, ...sentFates } = fates
  return {
    sent: ledger.size - unsent,
    ...sentFates,
    unknownVisible,
    polled: rows('group'),
    fullyRead: rows('fullRead'),
    groups: checks.filter((one) => one.view.kind === 'group').length,
    partitions: views.partitions,
    redeliveredAfterCommit,
  }
}
