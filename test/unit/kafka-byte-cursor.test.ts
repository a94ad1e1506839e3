import fc from 'fast-check'
import { expect, test } from 'vitest'
import { ByteCursor } from '../../engine/adapters/kafka/byte-cursor.ts'

/** Zig-zag and base 128, lowest group first, written down a second time. */
function encoded(value: bigint): Buffer {
  const bytes: number[] = []
  let rest = BigInt.asUintN(64, (value << 1n) ^ (value >> 63n))
  for (; rest >= 0x80n; rest >>= 7n) bytes.push(Number(rest & 0x7fn) | 0x80)
  return Buffer.from([...bytes, Number(rest)])
}

/** Whatever follows must not be read. */
const after = Buffer.from([0x80, 0x80, 0x80, 0x80])

test('reads every 64-bit integer, and stops behind it', () => {
  fc.assert(
    fc.property(fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }), (value) => {
      const bytes = encoded(value)
      const cursor = new ByteCursor(Buffer.concat([bytes, after]), 0)
      expect(cursor.varlong()).toBe(value)
      expect(cursor.position).toBe(bytes.length)
    }),
  )
})

test('reads every 32-bit integer, and stops behind it', () => {
  fc.assert(
    fc.property(fc.integer({ min: -(2 ** 31), max: 2 ** 31 - 1 }), (value) => {
      const bytes = encoded(BigInt(value))
      const cursor = new ByteCursor(Buffer.concat([bytes, after]), 0)
      expect(cursor.varint()).toBe(value)
      expect(cursor.position).toBe(bytes.length)
    }),
  )
})

test('refuses to read beyond the end', () => {
  expect(() => new ByteCursor(Buffer.from([0x80, 0x80]), 0).varint()).toThrow(RangeError)
  expect(() => new ByteCursor(Buffer.alloc(0), 0).varlong()).toThrow(RangeError)
})
