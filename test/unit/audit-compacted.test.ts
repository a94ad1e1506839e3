import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { alignmentConfig } from '../../engine/audit/alignment.ts'
import type { AuditRecord } from '../../engine/audit/record.ts'
import { colours } from '../../engine/model/colour.ts'
import { compactedLog, compactedLogs, tableOf, type Write } from '../support/audit-history/compaction.ts'
import { compare, happenings, pairsOf } from '../support/audit-history/drive.ts'
import type { Log } from '../support/audit-history/logs.ts'

const config = { ...alignmentConfig(true), lookaheadRecords: 64, recentRecords: 64 }

/** `a1 b1 a2` as a log: a letter is the key, the rest the value; `-` is a tombstone. */
function log(text: string): Log {
  const records = text.split(' ').flatMap((word, index): AuditRecord[] => {
    if (word === '') return []
    const [key, value] = [word.charCodeAt(0), word.slice(1)]
    return [{ offset: BigInt(index), digest: BigInt(key * 1_000 + (value === '-' ? 999 : Number(value))), key: BigInt(key), tombstone: value === '-' }]
  })
  return { start: 0n, end: BigInt(text.split(' ').length), records }
}

const compareText = (blue: string, green: string, limits = config) => compare({ blue: log(blue), green: log(green) }, [], true, limits)

describe('compacted topics', () => {
  test('each side cleaned on its own: no difference, and only copies are paired', () => {
    fc.assert(
      fc.property(compactedLogs(80), happenings(true), (logs, script) => {
        const { runs, differences, facts } = compare(logs, script, true, config)
        expect(differences).toEqual([])
        expect(facts.state).toEqual({ kind: 'equal' })
        expect(facts.blue.digest).toBe(facts.green.digest)
        expect(pairsOf(runs).filter((pair) => pair.green !== pair.blue * 2n)).toEqual([])
        expect(tableOf(logs.blue)).toEqual(tableOf(logs.green))
        for (const colour of colours) expect(facts.alignedRecords + facts[colour].compacted).toBe(logs[colour].records.length)
      }),
      { numRuns: 500 },
    )
  })

  test('a value that the other side has no newer one for is never called equal: by the tables that both logs make', () => {
    fc.assert(
      fc.property(
        compactedLogs(60),
        fc.nat(),
        fc.constantFrom('drop', 'flip'),
        fc.constantFrom(...colours),
        happenings(true),
        (logs, nth, kind, colour, script) => {
          const records = logs[colour].records
          if (records.length === 0) return
          const at = nth % records.length
          const record = records[at] as AuditRecord
          const damaged = kind === 'drop' ? records.toSpliced(at, 1) : records.with(at, { ...record, digest: record.digest ^ 0x9e3779b97f4a7c15n })
          const now = { ...logs, [colour]: { ...logs[colour], records: damaged } }
          const { facts } = compare(now, script, true, config)

          if (!sameTables(now.blue, now.green)) expect(facts.state.kind).not.toBe('equal')
        },
      ),
      { numRuns: 1_000 },
    )
  })

  test('what is lacking on one side needs a newer record of its key there', () => {
    expect(compareText('a1 b1 a2', '  b1 a2')).toMatchObject({ differences: [], facts: { blue: { compacted: 1 }, state: { kind: 'equal' } } })
    expect(compareText('a1 b1 a2', ' b1 ')).toMatchObject({
      differences: [{ kind: 'missing', on: 'green', blue: 2n, green: null }],
      facts: { blue: { compacted: 1 } },
    })
    expect(compareText('a1 b1', ' b1').differences).toEqual([{ kind: 'missing', on: 'green', blue: 0n, green: 1n }])
    expect(compareText('a1 b1 c1', 'a2 b1 c1').differences).toEqual([{ kind: 'changed', on: null, blue: 0n, green: 0n }])
    expect(compareText('a1 b1 c1', 'b1 a1 c1').facts.differences.byKind).toMatchObject({ swapped: 1 })
  })

  test('before the end it is undecided while a key waits for its newer record', () => {
    const { facts } = compare({ blue: log('a1 b1 c1'), green: log(' b1 c1') }, [], false, config)
    expect(facts).toMatchObject({ waitingKeys: 1, state: { kind: 'undecided', reason: '1 keys have a record on one side only, and no newer one yet' } })
  })

  test('a tombstone may be gone with its values; one whose value may still be there is not proven', () => {
    expect(compareText('a1 a- b1', '  b1').facts.state).toEqual({ kind: 'equal' })
    expect(compareText('  a- b1', '   b1').facts.state).toEqual({ kind: 'equal' })
    expect(compareText('a1 a- b1', 'a1  b1').facts.state).toMatchObject({ kind: 'undecided', reason: expect.stringContaining('tombstone at offset 1 of blue') })
    expect(compareText('a1 a2 a- b1', 'a1   b1').facts.state).toMatchObject({
      kind: 'undecided',
      reason: expect.stringContaining('tombstone at offset 2 of blue'),
    })
    expect(compareText('a1   b1', 'a1 a2 a- b1').facts.state).toMatchObject({ kind: 'undecided', reason: expect.stringContaining('of green') })
  })

  test('what both sides held is still known after a restart', () => {
    const [blue, green] = [log('a1 b1 c1 a- d1'), log('a1 b1 c1  d1')]
    const script = [
      { kind: 'read', colour: 'blue', records: 3 },
      { kind: 'read', colour: 'green', records: 3 },
      { kind: 'advance' },
      { kind: 'restart' },
    ] as const
    expect(compare({ blue, green }, script, true, config).facts.state).toMatchObject({
      kind: 'undecided',
      reason: expect.stringContaining('tombstone at offset 3'),
    })
  })

  test('a copy right behind, and a record without a key, are not for compaction to remove', () => {
    expect(compareText('a1 b1 c1', 'a1 b1 b1 c1').differences).toEqual([{ kind: 'duplicate', on: 'green', blue: 2n, green: 2n }])
    const keyless = { ...log('a1 b1'), records: log('a1 b1').records.map((record) => ({ ...record, key: null })) }
    expect(compare({ blue: keyless, green: { ...keyless, records: keyless.records.slice(1) } }, [], true, config).differences).toMatchObject([
      { kind: 'missing', on: 'green', blue: 0n },
    ])
  })

  test('more keys that wait than may: undecided, not forgotten', () => {
    const blue = Array.from({ length: 10 }, (_, index) => `${String.fromCharCode(97 + index)}1`).join(' ')
    expect(compareText(`${blue} z1`, '          z1', { ...config, openRemovals: 4 }).facts.state).toMatchObject({ kind: 'differs' })
    const { facts } = compare({ blue: log(`${blue} z1`), green: log('          z1') }, [], false, { ...config, openRemovals: 4 })
    expect(facts.state).toMatchObject({ kind: 'undecided', reason: expect.stringContaining('more than 4 keys') })
  })

  test('a side cleaned far more than the lookahead holds: the other is passed in steps', () => {
    const all = Array.from({ length: 2_000 }, (_, index): Write => ({ key: BigInt(index % 3), digest: BigInt(index + 1), tombstone: false }))
    const { facts, differences } = compare({ blue: compactedLog(all, 1_990, true, 1n), green: compactedLog(all, 0, false, 1n) }, [], false, config)
    expect(differences).toEqual([])
    expect(facts).toMatchObject({ alignedRecords: 13, green: { compacted: 1_987 }, state: { kind: 'equal' } })
  })
})

function sameTables(blue: Log, green: Log): boolean {
  const [left, right] = [tableOf(blue), tableOf(green)]
  return left.size === right.size && [...left].every(([key, digest]) => right.get(key) === digest)
}
