import { describe, expect, test } from 'vitest'
import type { JournalFact } from '../../engine/model/journal.ts'
import { nothingCompared, startsUnknown, unconfirmed } from '../../engine/model/momentary-reason.ts'
import { runWaves } from '../support/fake-waves.ts'

const wave = (what: Extract<JournalFact, { kind: 'wave' }>['what'], reason = ''): JournalFact => ({
  ...{ kind: 'wave', wave: 'wave-1', source: 'blue', target: 'green', what, groups: ['ledger'], reason },
  pace: what === 'moving' ? { ledger: { members: 2, offsetsPerSecond: 100 } } : {},
})
const released: JournalFact = { kind: 'groups', wave: 'wave-1', positions: [], positionEntriesBefore: 0, moved: ['ledger'], stayed: [] }
const held = (colour: 'blue' | 'green') => ({ ledger: { colour, state: 'held' } as const })
const running = (colour: 'blue' | 'green') => ({ ledger: { colour, state: 'running' } as const })

describe('a wave that a run left', () => {
  test('held where it is wanted now is released there: the other side’s old commits overwrite nothing', async () => {
    const { actual, route, offsets } = await runWaves({ groups: held('blue'), committed: { blue: 5_000n, green: 100n } })
    expect(actual).toMatchObject({ consumers: { 'wave-1': 'blue' }, unfinished: false })
    expect(route.groups.ledger).toEqual({ colour: 'blue', state: 'running' })
    expect(offsets).toEqual({ blue: 5_000n, green: 100n })
  })

  test('held on the standby, where it is still wanted, is released there', async () => {
    const { route, offsets } = await runWaves({ groups: held('green'), committed: { blue: 10n, green: 9_000n }, consumers: { 'wave-1': 'green' } })
    expect(route.groups.ledger).toEqual({ colour: 'green', state: 'running' })
    expect(offsets).toEqual({ blue: 10n, green: 9_000n })
  })

  test('held before a move that is wanted still: it is released at once, and the move waits for a gate of its own', async () => {
    const { thrown, route } = await runWaves({ groups: held('blue'), committed: { blue: 5_000n }, consumers: { 'wave-1': 'green' } })
    expect(thrown).toMatchObject({ code: 'finished-earlier' })
    expect(route.groups.ledger).toEqual({ colour: 'blue', state: 'running' })
  })

  test('released and not judged is judged: without members it goes back, latched', async () => {
    const journal = [wave('moving'), released]
    const { thrown, route, waves } = await runWaves({
      groups: running('green'),
      journal,
      committed: { blue: 10n, green: 10n },
      consumers: { 'wave-1': 'green' },
    })
    expect(thrown).toMatchObject({ code: 'wave-returned', message: expect.stringContaining('none of its 2 members has joined') })
    expect(route).toMatchObject({ groups: { ledger: { colour: 'blue', state: 'running' } }, latch: { attempt: 3 } })
    expect(waves).toEqual(['returning', 'returned'])
  })

  test('on its way back goes on: what is still on the standby comes back, what is back stays', async () => {
    const journal = [wave('moving'), released, wave('moved'), wave('returning', 'ledger: slow')]
    const more = { journal, committed: { blue: 10n, green: 12n }, consumers: { 'wave-1': 'green' as const } }
    const still = await runWaves({ groups: running('green'), ...more })
    expect(still.thrown).toMatchObject({ code: 'wave-returned' })
    expect([still.route.groups.ledger, still.offsets.blue]).toEqual([{ colour: 'blue', state: 'running' }, 12n])
    const back = await runWaves({ groups: running('blue'), ...more })
    expect([back.route.groups.ledger, back.offsets.blue, back.waves]).toEqual([{ colour: 'blue', state: 'running' }, 10n, ['returning', 'returned']])
    expect(back.route.latch).toMatchObject({ attempt: 3 })
  })
})

describe('a wave whose positions the audit can’t prove at the moment', () => {
  const late = { groups: running('green'), committed: { blue: 10n, green: 60n }, comparedPerQuestion: 12n }

  test.each([undefined, unconfirmed, startsUnknown, nothingCompared])('is moved a moment later (%s)', async (lateBecause) => {
    const { thrown, offsets } = await runWaves({ ...late, ...(lateBecause === undefined ? {} : { lateBecause }) })
    expect(thrown).toBeNull()
    expect(offsets.blue).toBe(60n)
  })

  test('is refused at once for what a moment doesn’t mend', async () => {
    const { thrown, offsets } = await runWaves({ ...late, lateBecause: 'the group would still read where the sides differ' })
    expect(thrown).toMatchObject({ code: 'wave-refused' })
    expect(offsets.blue).toBe(10n)
  })

  test('is refused at the deadline when they never can be', async () => {
    const { thrown, offsets } = await runWaves({ ...late, comparedPerQuestion: 0n })
    expect(thrown).toMatchObject({ code: 'wave-refused', message: expect.stringContaining('lies beyond what the audit has compared') })
    expect(offsets.blue).toBe(10n)
  })
})

describe('a wave on its way back', () => {
  test('of which the standby lists nothing though it has committed there is not sent to old positions', async () => {
    const { thrown, route, offsets } = await runWaves({ groups: running('green'), committed: { blue: 10n, green: 9_000n }, unlisted: 'green' })
    expect(thrown).toMatchObject({ code: 'wave-refused', message: expect.stringContaining('it came up while it was moved') })
    expect([route.groups.ledger?.colour, offsets.blue]).toEqual(['green', 10n])
  })

  test('whose live side has a commit ahead of its position is refused, and nothing is overwritten', async () => {
    const { thrown, offsets } = await runWaves({ groups: running('green'), committed: { blue: 500n, green: 40n } })
    expect(thrown).toMatchObject({ code: 'wave-refused', message: expect.stringContaining('ahead of its translation') })
    expect(offsets.blue).toBe(500n)
  })

  test('from a standby that is lost reads on from what was written back; without that it stays', async () => {
    const kept = await runWaves({ groups: running('green'), committed: { blue: 480n, green: 500n }, unreachable: 'green' })
    expect([kept.route.groups.ledger, kept.offsets.blue]).toEqual([{ colour: 'blue', state: 'running' }, 480n])
    const none = await runWaves({ groups: running('green'), committed: { green: 500n }, unreachable: 'green' })
    expect(none.thrown).toMatchObject({ code: 'wave-refused', message: expect.stringContaining('nothing of it was written back') })
    expect(none.route.groups.ledger).toEqual({ colour: 'green', state: 'running' })
  })
})
