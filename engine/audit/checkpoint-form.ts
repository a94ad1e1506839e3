import { AlignmentCheckpoint } from './checkpoint.ts'
import type { FindingsState } from './findings.ts'
import { Ledger, type LedgerLimits } from './ledger.ts'
import type { Block } from './paired-runs.ts'
import type { Difference, OffsetPair } from './record.ts'
import type { Removal, RemovalsState } from './removals.ts'
import { Side } from './side.ts'

type Form = AlignmentCheckpoint

/** The checkpoint of a ledger. */
export function takeCheckpoint(ledger: Ledger, end: OffsetPair | null, reachedEnd: OffsetPair | null): AlignmentCheckpoint {
  const { findings, removals, block } = ledger
  return {
    version: 1,
    blue: sideForm(ledger.blue),
    green: sideForm(ledger.green),
    copiedFrom: ledger.copiedFrom,
    alignedRecords: ledger.alignedRecords,
    ambiguousRanges: ledger.ambiguousRanges,
    end: end === null ? null : pairForm(end),
    reachedEnd: reachedEnd === null ? null : pairForm(reachedEnd),
    block: block === null ? null : { ...block, digest: block.digest.toString(), from: pairForm(block.from), to: pairForm(block.to) },
    recent: ledger.recent,
    findings: findingsForm(findings.state),
    removals: removalsForm(removals?.state),
  }
}

/** The ledger of a checkpoint; without one, that of a comparison that begins. @throws ZodError when it isn't one */
export function ledgerFrom(limits: LedgerLimits, checkpoint: AlignmentCheckpoint | undefined): Ledger {
  if (checkpoint === undefined) {
    const nothing = { alignedRecords: 0, ambiguousRanges: 0, block: null, recent: '', findings: undefined, removals: undefined }
    return new Ledger(limits, { blue: new Side(), green: new Side(), ...nothing })
  }
  const form = AlignmentCheckpoint.parse(checkpoint)
  const ledger = new Ledger(limits, {
    blue: sideFrom(form.blue),
    green: sideFrom(form.green),
    alignedRecords: form.alignedRecords,
    ambiguousRanges: form.ambiguousRanges,
    block: blockFrom(form.block),
    recent: form.recent,
    findings: findingsFrom(form.findings),
    removals: removalsFrom(form.removals),
  })
  ledger.copiedFrom = form.copiedFrom
  return ledger
}

function sideForm(side: Side): Form['blue'] {
  return { next: side.next.toString(), headless: side.headless, counts: { ...side.counts }, digest: side.digest.toString() }
}

function sideFrom(form: Form['blue']): Side {
  return new Side({ next: BigInt(form.next), headless: form.headless, counts: form.counts, digest: form.digest })
}

function pairForm(pair: OffsetPair): { blue: string; green: string } {
  return { blue: pair.blue.toString(), green: pair.green.toString() }
}

function blockFrom(form: Form['block']): Block | null {
  if (form === null) return null
  const pair = ({ blue, green }: { blue: string; green: string }) => ({ blue: BigInt(blue), green: BigInt(green) })
  return { ...form, digest: BigInt(form.digest), from: pair(form.from), to: pair(form.to) }
}

function findingsForm({ counts, shown, lone }: FindingsState): Form['findings'] {
  const both = <T extends Pick<Difference, 'blue' | 'green'>>(it: T) => ({ ...it, blue: textOf(it.blue), green: textOf(it.green) })
  return { counts: { ...counts }, shown: shown.map(both), lone: lone.map(both) }
}

function findingsFrom({ counts, shown, lone }: Form['findings']): FindingsState {
  const both = <T extends { blue: string | null; green: string | null }>(it: T) => ({ ...it, blue: bigintOf(it.blue), green: bigintOf(it.green) })
  return { counts, shown: shown.map(both), lone: lone.map(both) }
}

function removalsForm(state: RemovalsState | undefined): Form['removals'] {
  if (state === undefined) return { open: [], keys: '', unproven: null }
  const open = state.open.map(({ heldBy, record, before, records }) => ({
    heldBy,
    offset: record.offset.toString(),
    digest: record.digest.toString(),
    key: (record.key ?? 0n).toString(),
    tombstone: record.tombstone === true,
    before: textOf(before),
    records,
  }))
  return { ...state, open }
}

function removalsFrom(form: Form['removals']): RemovalsState {
  const open = form.open.map(
    ({ heldBy, offset, digest, key, tombstone, before, records }): Removal => ({
      heldBy,
      record: { offset: BigInt(offset), digest: BigInt(digest), key: BigInt(key), tombstone },
      before: bigintOf(before),
      records,
    }),
  )
  return { ...form, open }
}

function textOf(value: bigint | null): string | null {
  return value === null ? null : value.toString()
}

function bigintOf(text: string | null): bigint | null {
  return text === null ? null : BigInt(text)
}
