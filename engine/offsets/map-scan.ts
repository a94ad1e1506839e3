import { KbgError } from '../model/error.ts'
import { type Anchor, type BlockSpan, blockBytesAt, decodeBlock } from './map-block.ts'

/** How a file of blocks ends. `truncated`: inside a block, as after a crash; `damaged`: with one that can't be used. Neither counts, nor what lies behind. */
export type ScanEnd =
  | { readonly kind: 'complete' }
  | { readonly kind: 'truncated'; readonly ignoredBytes: number }
  | { readonly kind: 'damaged'; readonly ignoredBytes: number; readonly reason: string }

export interface BlockScan {
  readonly anchors: readonly Anchor[]
  /** Length of the good blocks: where the next one is to be appended. */
  readonly goodBytes: number
  readonly end: ScanEnd
}

/**
 * Rebuilds the anchors from concatenated blocks. Each is decoded and has to continue the one before it (offsets ascend, records add up), so that a block that
 * was lost, read twice or belongs elsewhere is told, never mistranslated.
 */
export function scanBlocks(bytes: Buffer): BlockScan {
  const anchors: Anchor[] = []
  let at = 0
  while (at < bytes.length) {
    const length = blockBytesAt(bytes, at)
    if (length === null || at + length > bytes.length) return { anchors, goodBytes: at, end: { kind: 'truncated', ignoredBytes: bytes.length - at } }
    const found = anchorOf(bytes.subarray(at, at + length), anchors.at(-1))
    if ('reason' in found) return { anchors, goodBytes: at, end: { kind: 'damaged', ignoredBytes: bytes.length - at, reason: found.reason } }
    anchors.push(found)
    at += length
  }
  return { anchors, goodBytes: at, end: { kind: 'complete' } }
}

function anchorOf(bytes: Buffer, before: BlockSpan | undefined): Anchor | { readonly reason: string } {
  try {
    const { span } = decodeBlock(bytes)
    const reason = before === undefined ? null : discontinuity(before, span)
    return reason === null ? { ...span, bytes: bytes.length } : { reason }
  } catch (thrown) {
    if (thrown instanceof KbgError && thrown.code === 'offset-map-damaged') return { reason: thrown.message }
    throw thrown
  }
}

/** Why a block can't stand behind another one; null when it can. */
export function discontinuity(before: BlockSpan, next: BlockSpan): string | null {
  if (next.first.blue < before.end.blue || next.first.green < before.end.green) return 'its offsets lie before the end of the block in front of it'
  const expected = before.recordsBefore + before.records
  return next.recordsBefore === expected ? null : `${next.recordsBefore} records lie before it, but the block in front of it ends at ${expected}`
}
