import { crc32 } from 'node:zlib'

/** What a record's value carries: who sent it, as which number, under which key, and a check sum over everything. */
export interface RecordIdentity {
  readonly producer: string
  readonly seq: number
  readonly key: string | null
}

/** Bytes that a value is filled up with; taken from a different place for each record, so that swapped paddings are noticed. */
const padding = Buffer.from(Array.from({ length: 128 * 1024 }, (_, index) => 33 + ((index * 7 + (index >> 6)) % 90)))

/** The id under which histories know a record. Producers' names have no colon. */
export function valueId(producer: string, seq: number): string {
  return `${producer}:${seq}`
}

/**
 * A record's value: `<value id>|<key>|<CRC-32, 8 hex digits>|<padding>`, at least `bytes` long unless its head is longer already.
 * The sum covers everything else in it.
 */
export function encodeValue(identity: RecordIdentity, bytes: number): Buffer {
  const head = `${valueId(identity.producer, identity.seq)}|${identity.key ?? ''}|`
  const fill = Math.max(0, bytes - head.length - 9)
  const from = (identity.seq * 97) % Math.max(1, padding.length - fill)
  const tail = padding.subarray(from, from + fill)
  const sum = crc32(tail, crc32(head)).toString(16).padStart(8, '0')
  const value = Buffer.allocUnsafe(head.length + 9 + tail.length)
  value.write(`${head}${sum}|`, 'latin1')
  tail.copy(value, head.length + 9)
  return value
}

/**
 * The value id of a record as it was read; one that starts with `!` says what is wrong with it: no such value, another sum, another key.
 */
export function decodeValue(key: Buffer | null, value: Buffer | null): string {
  if (value === null) return '!null'
  const idEnd = value.indexOf('|')
  const keyEnd = idEnd < 0 ? -1 : value.indexOf('|', idEnd + 1)
  if (keyEnd < 0 || value[keyEnd + 9] !== 124) return `!foreign ${value.toString('latin1', 0, 40)}`
  const id = value.toString('latin1', 0, idEnd)
  const sum = crc32(value.subarray(keyEnd + 10), crc32(value.subarray(0, keyEnd + 1)))
  if (sum !== Number.parseInt(value.toString('latin1', keyEnd + 1, keyEnd + 9), 16)) return `!sum ${id}`
  const keyInside = value.toString('latin1', idEnd + 1, keyEnd)
  return keyInside === (key?.toString('latin1') ?? '') ? id : `!key ${id}`
}
