import { afterEach, describe, expect, test, vi } from 'vitest'
import { lookUntilDone } from '../../cli/audit/command.ts'
import { auditLines, outcomeOf, progressLine } from '../../cli/audit/lines.ts'
import type { AuditedPartition, AuditFacts } from '../../engine/model/audit-facts.ts'
import type { Audit } from '../../engine/ports/audit.ts'
import type { Clock } from '../../engine/ports/clock.ts'

const side = { visible: 10, extra: 0, retention: 0, compacted: 0, digest: 'd' }

function audited(over: Partial<AuditedPartition> = {}): AuditedPartition {
  const watermark = { blue: '10', green: '12' }
  const differences = { total: 0, shown: [] }
  return {
    ...{
      partition: 'orders-0',
      state: { kind: 'equal' },
      alignedRecords: 10,
      blue: side,
      green: side,
      watermark,
      watermarkAgeMs: 5,
      differences,
      runs: 1,
      lost: { blue: 0, green: 0 },
      emptied: null,
      trouble: '',
    },
    ...over,
  }
}

const differing = audited({
  state: { kind: 'differs', reason: '7 differences' },
  differences: {
    total: 7,
    shown: [
      { kind: 'changed', on: null, blue: '3', green: '4', what: ['value'] },
      { kind: 'missing', on: 'green', blue: '9', green: null, what: [] },
    ],
  },
})

const facts = (...partitions: AuditedPartition[]): AuditFacts => ({ partitions, unreachable: [] })

describe('what a look comes to', () => {
  test('equal only with a watermark from after the look began', () => {
    expect(outcomeOf(facts(audited()), ['orders'], 5)).toBe('equal')
    expect(outcomeOf(facts(audited()), ['orders'], 4)).toBe('open')
    expect(outcomeOf(facts(audited({ watermarkAgeMs: null })), ['orders'], 1_000)).toBe('open')
    expect(outcomeOf(facts(audited({ trouble: 'no leader' })), ['orders'], 1_000)).toBe('open')
    expect(outcomeOf(facts(audited({ state: { kind: 'undecided', reason: 'x' } })), ['orders'], 1_000)).toBe('open')
    expect(outcomeOf({ partitions: [audited()], unreachable: ['worker 1'] }, ['orders'], 1_000)).toBe('open')
    expect(outcomeOf(facts(audited()), ['orders', 'payments'], 1_000)).toBe('open')
    expect(outcomeOf(facts(), ['orders'], 1_000)).toBe('open')
  })

  test('a difference is one, whatever else is open', () => {
    expect(outcomeOf({ partitions: [differing], unreachable: ['worker 1'] }, ['orders'], 0)).toBe('differs')
  })

  test('a partition that retention emptied before it was compared is not equal, and what a side has deleted is told', () => {
    const emptied = audited({ state: { kind: 'undecided', reason: 'no record has been compared yet' }, emptied: 'blue', lost: { blue: 20, green: 0 } })
    expect(outcomeOf(facts(emptied), ['orders'], 1_000)).toBe('open')
    expect(auditLines(facts(emptied), 'open')[1]).toContain('blue has deleted up to 20 records that green still holds')
  })

  test('is told with what differs, where, and how many more', () => {
    expect(auditLines(facts(audited(), differing), 'differs')).toEqual([
      'DIFFERS  20 records equal in 2 partitions, at both ends 5 ms ago',
      '  orders-0: 7 differences',
      '    changed (value) at blue 3, green 4',
      '    missing on green at blue 9, green end',
      '    and 5 more',
    ])
    expect(progressLine({ partitions: [audited({ watermarkAgeMs: null })], unreachable: ['http://a: refused'] })).toBe(
      '10 records equal in 1 partitions, 1 of 1 partitions not at their ends yet; unreachable: http://a: refused',
    )
  })
})

describe('looking until there is an answer', () => {
  afterEach(() => vi.restoreAllMocks())

  function scripted(...answers: AuditFacts[]): { readonly audit: Audit; readonly clock: Clock; readonly asked: () => number } {
    let [nowMs, asked] = [0, 0]
    const clock: Clock = {
      monotonicMs: () => nowMs,
      wallClock: () => new Date(0),
      sleep: (ms, signal) => {
        if (signal === undefined) nowMs += ms
        return signal === undefined ? Promise.resolve() : new Promise(() => undefined)
      },
    }
    const next = () => answers[Math.min(asked++, answers.length - 1)] ?? facts()
    const unused = () => Promise.reject(new Error('not asked here'))
    return { audit: { facts: async () => next(), hurry: unused, prove: unused, translate: unused, close: async () => undefined }, clock, asked: () => asked }
  }
  const options = { follow: false, json: false, timeout: '3' }

  test('asks again while nothing is shown, and ends with the answer as exit code', async () => {
    const printed = vi.spyOn(console, 'log').mockReturnValue(undefined)
    vi.spyOn(console, 'error').mockReturnValue(undefined)
    const { audit, clock, asked } = scripted(facts(audited({ watermarkAgeMs: null })), facts(audited()))
    expect(await lookUntilDone(audit, ['orders'], options, clock)).toBe(0)
    expect(asked()).toBe(2)
    expect(printed).toHaveBeenCalledWith(expect.stringContaining('EQUAL'))
    expect(await lookUntilDone(scripted(facts(differing)).audit, ['orders'], options, clock)).toBe(1)
  })

  test('gives up at its time: not shown is not equal', async () => {
    vi.spyOn(console, 'error').mockReturnValue(undefined)
    const printed = vi.spyOn(console, 'log').mockReturnValue(undefined)
    const { audit, clock, asked } = scripted(facts(audited({ watermarkAgeMs: null })))
    expect(await lookUntilDone(audit, ['orders'], { ...options, json: true }, clock)).toBe(2)
    expect(asked()).toBe(4)
    expect(JSON.parse(String(printed.mock.calls[0]?.[0]))).toMatchObject({ outcome: 'open', partitions: [{ partition: 'orders-0' }] })
  })
})
