import { z } from 'zod'
import { Colour } from '../model/colour.ts'
import { OffsetText } from '../model/offset-json.ts'

const Count = z.number().int().nonnegative()
const DigestText = z.string().regex(/^\d+$/, 'a digest is a decimal number as text')

const OffsetPairText = z.strictObject({ blue: OffsetText, green: OffsetText })

const SideCheckpoint = z.strictObject({
  /** Where reading goes on. */
  next: OffsetText,
  headless: z.boolean(),
  counts: z.strictObject({ visible: Count, extra: Count, retention: Count, compacted: Count }),
  digest: z.string().regex(/^[0-9a-f]{16}$/, '16 hexadecimal digits'),
})

const Kind = z.enum(['missing', 'duplicate', 'foreign', 'changed', 'swapped'])

const ShownDifference = z.strictObject({ kind: Kind, on: Colour.nullable(), blue: OffsetText.nullable(), green: OffsetText.nullable() })

const LoneRecord = z.strictObject({ kind: Kind, blue: DigestText.nullable(), green: DigestText.nullable(), shown: z.number().int() })

const OpenRemoval = z.strictObject({
  heldBy: Colour,
  offset: OffsetText,
  digest: DigestText,
  key: DigestText,
  tombstone: z.boolean(),
  before: OffsetText.nullable(),
  records: Count,
})

/**
 * The state of one partition's comparison as JSON, offsets and digests as decimal text: some hundred bytes, six for each kept recent digest, and on a compacted topic those of the key
 * filter and of the open removals. Records that were read and not aligned aren't in it: they are read again from `next` on.
 */
export const AlignmentCheckpoint = z.strictObject({
  version: z.literal(1),
  blue: SideCheckpoint,
  green: SideCheckpoint,
  copiedFrom: Colour.nullable(),
  alignedRecords: Count,
  ambiguousRanges: Count,
  /** What was asked for as the end; null when nothing was, or when it was reached. */
  end: OffsetPairText.nullable(),
  /** The last end that was asked for and reached. */
  reachedEnd: OffsetPairText.nullable(),
  /** The block of equal neighbours that the last aligned record belongs to. */
  block: z
    .strictObject({
      digest: DigestText,
      from: OffsetPairText,
      to: OffsetPairText,
      beside: z.strictObject({ blue: z.boolean(), green: z.boolean() }),
      isAmbiguous: z.boolean(),
    })
    .nullable(),
  /** Base64. */
  recent: z.string(),
  findings: z.strictObject({ counts: z.record(Kind, Count), shown: z.array(ShownDifference), lone: z.array(LoneRecord) }),
  removals: z.strictObject({ open: z.array(OpenRemoval), keys: z.string(), unproven: z.string().nullable() }),
})
export type AlignmentCheckpoint = z.infer<typeof AlignmentCheckpoint>
