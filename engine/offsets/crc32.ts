/**
 * CRC-32 of zlib and gzip (reflected polynomial 0xedb88320), written out because this room has no effects and so no Node modules. Four tables, so that
 * four bytes are taken at a time: a lookup's cost is mostly this.
 */
const tables = new Uint32Array(4 * 256)
for (let byte = 0; byte < 256; byte++) {
  let crc = byte
  for (let bit = 0; bit < 8; bit++) crc = crc & 1 ? (crc >>> 1) ^ 0xedb88320 : crc >>> 1
  tables[byte] = crc
}
for (let at = 256; at < tables.length; at++) tables[at] = (entry(at - 256) >>> 8) ^ entry(entry(at - 256) & 0xff)

function entry(at: number): number {
  return tables[at] ?? 0
}

/** The checksum of some bytes, as an unsigned 32 bit number; the same as `node:zlib`'s. Against accident, not against an adversary. */
export function crc32(bytes: Uint8Array): number {
  const byFours = bytes.length - (bytes.length % 4)
  let crc = 0xffffffff
  for (let at = 0; at < byFours; at += 4) {
    crc ^= (bytes[at] ?? 0) | ((bytes[at + 1] ?? 0) << 8) | ((bytes[at + 2] ?? 0) << 16) | ((bytes[at + 3] ?? 0) << 24)
    crc = entry(768 + (crc & 0xff)) ^ entry(512 + ((crc >>> 8) & 0xff)) ^ entry(256 + ((crc >>> 16) & 0xff)) ^ entry(crc >>> 24)
  }
  for (let at = byFours; at < bytes.length; at++) crc = (crc >>> 8) ^ entry((crc ^ (bytes[at] ?? 0)) & 0xff)
  return (crc ^ 0xffffffff) >>> 0
}
