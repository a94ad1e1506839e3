/** Records, and what can become of them on their way. */
import type { Message } from 'kafkajs'

/** Numbered records with everything in them that can be damaged; timestamps are given, so that both sides can be written alike. */
export function numbered(count: number, firstMs: number): readonly Required<Pick<Message, 'key' | 'value' | 'headers' | 'timestamp'>>[] {
  return Array.from({ length: count }, (_, index) => ({
    ...{ key: `key ${index % 7}`, value: `value ${index}`, headers: { trace: `trace ${index}` }, timestamp: `${firstMs + index}` },
  }))
}

type Numbered = ReturnType<typeof numbered>

const flipped = (text: unknown): string => {
  const bytes = Buffer.from(String(text))
  bytes[0] = (bytes[0] ?? 0) ^ 1
  return bytes.toString()
}

const changedAt = (records: Numbered, at: number, part: 'key' | 'value' | 'headers'): Numbered =>
  records.with(at, {
    ...records[at],
    [part]: part === 'headers' ? { trace: flipped(records[at]?.headers.trace) } : flipped(records[at]?.[part]),
  } as Numbered[number])

type Damage = (records: Numbered, at: number) => Numbered

const missing: Damage = (records, at) => records.toSpliced(at, 1)
const duplicate: Damage = (records, at) => records.toSpliced(at, 0, ...records.slice(at, at + 1))

/** Every single damage, by what it is called: what arrives instead of the records. `at` is where. */
export const damages = {
  missing,
  duplicate,
  swap: (records, at) => records.toSpliced(at, 2, ...records.slice(at, at + 2).toReversed()),
  'flip in the key': (records, at) => changedAt(records, at, 'key'),
  'flip in the value': (records, at) => changedAt(records, at, 'value'),
  'flip in a header': (records, at) => changedAt(records, at, 'headers'),
  'drop and duplicate': (records, at) => duplicate(missing(records, at), at + 5),
  'twice more': (records, at) => duplicate(duplicate(records, at), at),
} as const satisfies Readonly<Record<string, Damage>>
