/** How an auto-rollback bench reads the journal and the clients' histories. */
import { describe, expect, test } from 'vitest'
import { Limits } from '../../engine/model/limits.ts'
import { findings } from '../bench/auto-rollback/findings.ts'
import { type Round, watchEnd, wayBack } from '../bench/auto-rollback/rounds.ts'

type Entry = Parameters<typeof watchEnd>[0][number]
const at = (atMonotonicMs: number, fact: Record<string, unknown>) =>
  ({ number: atMonotonicMs, term: '1', atWallClock: '', atMonotonicMs, ...fact }) as unknown as Entry
const forward = at(10, { kind: 'opened', source: 'blue', target: 'green', attempt: 4 })
const begun = at(20, { kind: 'watch', what: 'begun', colour: 'green', reason: '' })
const failed = at(30, { kind: 'watch', what: 'failed', colour: 'green', reason: 'slow' })
const back = at(40, { kind: 'opened', source: 'green', target: 'blue', attempt: 4, automatic: 'slow' })
const held = at(50, { kind: 'step', step: 'hold', what: 'begin', detail: '' })
const released = at(55, { kind: 'step', step: 'release', what: 'done', detail: '' })
const closed = (outcome: string) => at(60, { kind: 'closed', outcome, reason: '', timeline: [] })
const halted = at(70, { kind: 'watch', what: 'halted', colour: 'green', reason: 'the drain' })

describe('the end of a watch', () => {
  test('is not there while it looks, and while traffic goes back', () => {
    for (const history of [[], [forward, begun], [forward, begun, failed], [forward, begun, failed, back]]) expect(watchEnd(history, 4)).toBeNull()
    expect(watchEnd([forward, begun, failed, back, closed('aborted')], 4)).toBeNull()
    expect(watchEnd([forward, begun, halted], 5)).toBeNull()
  })

  test('is that traffic went back, or that it halted, also behind a way back that was taken back', () => {
    const times = { failedAtMs: 30, openedAtMs: 40 }
    expect(watchEnd([forward, begun, failed, back, held, released, closed('switched')], 4)).toEqual({
      outcome: 'moved back',
      reason: '',
      ...times,
      heldAtMs: 50,
    })
    expect(watchEnd([forward, begun, failed, back, closed('aborted'), halted], 4)).toEqual({ outcome: 'halted', reason: 'the drain', ...times, heldAtMs: null })
  })
})

test('blue is live behind the release of the way back, not of the way there', () => {
  expect(wayBack([forward, held, released, begun, failed, back, held], 4)).toBeNull()
  expect(wayBack([forward, held, released, begun, failed, back, held, released], 4)).toBe('blue is live')
  expect(wayBack([forward, begun, failed, back, held, released], 5)).toBeNull()
})

describe('what a bench finds', () => {
  const round: Round = {
    ...{ kind: 'refused writes', outcome: 'moved back', reason: '', injectedAtMs: 1_000, failedAtMs: 6_000, openedAtMs: 6_500, heldAtMs: 7_000 },
    gateRefusals: 0,
  }
  const producer = (name: string, ...blueAtMs: readonly number[]) => ({
    ...{ producer: name, topics: [], intendedAtNs: [] },
    ackedAtNs: [900, 1_500, ...blueAtMs].map((ms) => ms * 1e6),
    ackedBy: ['blue', 'green', ...blueAtMs.map(() => 'blue')] as ('blue' | 'green')[],
  })
  const found = (rounds: readonly Round[], ...traces: readonly ReturnType<typeof producer>[]) => {
    const statistics = { acked: 9, lost: 0, duplicated: 0, redelivered: 0, reordered: 0, errors: 0 }
    const checked = { redeliveredAfterCommit: 0 } as Parameters<typeof findings>[0]['verdict']['checked']
    const verdict = { statistics, checked, lines: [], traces: { producers: traces, groups: [], originNs: 0 } }
    return new Map(findings({ rounds, limits: Limits.parse({}), verdict, missing: ['No compiler.'], problems: [] }).rows.map((row) => [row.measure, row]))
  }

  test('is counted from the injection to the first acknowledgement of blue behind it', () => {
    const rows = found([round], producer('a', 8_000, 8_100), producer('b', 9_500))
    const of = (name: string) => rows.get(`refused writes: ${name}`)?.ours
    expect([of('watch failed'), of('held'), of('first write on blue'), of('all write on blue')]).toEqual([5_000, 6_000, 7_000, 8_500])
    expect(rows.get('held until first write, maximum')).toMatchObject({ ours: 1_000, limit: 126_000, holds: true })
    expect(rows.get('rounds that did not go back by themselves')).toMatchObject({ ours: 0, holds: true })
  })

  test('is an error where the journal of a way back tells of no hold', () => {
    expect(() => found([{ ...round, heldAtMs: null }], producer('a', 8_000))).toThrow('without its failure or its hold')
  })

  test('is that a round which halted misses the goal, and has no time', () => {
    const rows = found([round, { ...round, outcome: 'halted', reason: 'gate', injectedAtMs: 20_000 }], producer('a', 8_000, 30_000))
    expect(rows.get('refused writes: first write on blue')?.figures.ours.n).toBe(1)
    expect(rows.get('rounds that did not go back by themselves')).toMatchObject({ ours: 1, holds: false })
  })
})
