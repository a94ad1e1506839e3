import { describe, expect, it } from 'vitest'
import { assess } from '../../engine/gate/assess.ts'
import { type CheckVerdict, refusals, verdictOf, worst } from '../../engine/gate/check.ts'
import { noGuardian } from '../../engine/gate/guardians.ts'
import { Limits } from '../../engine/model/limits.ts'
import type { Snapshot } from '../../engine/model/snapshot.ts'
import { guardianRegistration } from '../../engine/run/guardian/keeper.ts'
import { acl, probes, quorum, seen, soundColour, soundRoute, soundSnapshot, topic, transaction, unseen } from '../support/sample-snapshot.ts'

const limits = Limits.parse({})

/** The names of the checks that refuse, with their verdicts. */
function refused(snapshot: Snapshot, attempt = 0) {
  return refusals(assess(snapshot, limits, attempt, limits.lagSamples).checks).map((check) => `${check.name}: ${check.verdict}`)
}

const blue = (over: Parameters<typeof soundColour>[1]) => soundSnapshot({ colours: { blue: soundColour('blue', over), green: soundColour('green') } })
const green = (over: Parameters<typeof soundColour>[1]) => soundSnapshot({ colours: { blue: soundColour('blue'), green: soundColour('green', over) } })
const mirror = (over: Partial<Snapshot['mirror']>) => soundSnapshot({ mirror: { ...soundSnapshot().mirror, ...over } })
const route = (over: Partial<typeof soundRoute>) => soundSnapshot({ route: seen({ route: { ...soundRoute, ...over }, journal: [] }) })

describe('the gate', () => {
  it('says why no fence is possible', () => {
    const found = (snapshot: Snapshot) => assess(snapshot, limits, 0, 5).checks.find(({ name }) => name === 'fence possible on blue')
    expect(found(soundSnapshot())?.observed).toBe('3 of 3 brokers have one')
    const without = found(blue({ authorizers: seen([{ brokerId: 2, className: '' }]) }))
    expect(without).toMatchObject({ observed: 'broker 2 has none', remedy: expect.stringContaining('authorizer.class.name') })
  })

  it('passes a fleet in which nothing is wrong', () => {
    expect(assess(soundSnapshot(), limits, 0, 5).verdict).toBe('pass')
    expect(refused(blue({ quorum: quorum({ firstLeaderEpoch: 2 }) }))).toEqual([]) // one election is nothing
  })

  it.each<[string, Snapshot, string]>([
    ['an unreadable route', soundSnapshot({ route: unseen('connection refused') }), 'route: inconclusive'],
    ['no route', soundSnapshot({ route: seen({ route: null, journal: [] }) }), 'route: fail'],
    ['an open switch', route({ state: 'held', target: 'green' }), 'route: fail'],
    ['a latch', route({ latch: { attempt: 0, reason: 'slow', atWallClock: '2026-01-01T00:00:00Z' } }), 'route: fail'],
    ['another cluster', green({ cluster: seen({ clusterId: 'other', controllerId: 1, brokers: [] }) }), 'identity of green: fail'],
    ['an unreachable colour', green({ cluster: unseen('timed out') }), 'identity of green: inconclusive'],
    ['a quorum without leader', blue({ quorum: quorum({ leaderId: -1 }) }), 'controller quorum of blue: fail'],
    ['leaders one after the other while the gate looks', blue({ quorum: quorum({ firstLeaderEpoch: 1 }) }), 'controller quorum of blue: fail'],
    ['a silent voter', blue({ quorum: quorum({ silent: [2] }) }), 'controller quorum of blue: fail'],
    ['no topic seen', soundSnapshot({ topics: [] }), 'replicas of blue: inconclusive'],
    [
      'a replica out of sync',
      green({
        topics: seen([topic('orders', { partitions: [{ partition: 0, leader: 1, leaderEpoch: 0, replicas: [1, 2, 3], isr: [1, 2] }] }), topic('payments')]),
      }),
      'replicas of green: fail',
    ],
    ['a missing topic', green({ topics: seen([topic('orders')]) }), 'catalog parity: fail'],
    ['an undeclared topic', blue({ topics: seen([topic('orders'), topic('payments'), topic('surprise')]) }), 'catalog parity: fail'],
    ['another config', green({ topics: seen([topic('orders', { config: { 'retention.ms': '1' } }), topic('payments')]) }), 'catalog parity: fail'],
    ['an ACL on one side only', green({ acls: seen([]) }), 'catalog parity: fail'],
    ['a quota on one side only', green({ quotas: seen([]) }), 'catalog parity: fail'],
    ['another quota', green({ quotas: seen([{ entity: 'user orders-app', limits: { producer_byte_rate: 1 } }]) }), 'catalog parity: fail'],
    ['a SCRAM user on one side only', blue({ scramUsers: seen([]) }), 'catalog parity: fail'],
    ['SCRAM users that were not seen', blue({ scramUsers: unseen('no answer') }), 'catalog parity: inconclusive'],
    [
      'a broker without an authorizer',
      blue({ authorizers: seen(['StandardAuthorizer', '', ''].map((className, index) => ({ brokerId: index + 1, className }))) }),
      'fence possible on blue: fail',
    ],
    ['authorizers that were not seen', green({ authorizers: unseen('no answer') }), 'fence possible on green: inconclusive'],
    ['no broker that was asked for its authorizer', green({ authorizers: seen([]) }), 'fence possible on green: inconclusive'],
    ['a fenced live colour', blue({ probes: seen(probes('open', 'fenced', 'open')) }), 'fence of blue: fail'],
    ['an open standby', green({ probes: seen(probes('fenced', 'open', 'fenced')) }), 'fence of green: fail'],
    ['a broker that does not answer', green({ probes: seen(probes('fenced', 'unreachable', 'fenced')) }), 'fence of green: inconclusive'],
    ['no mirror', mirror({ forward: seen(null) }), 'mirror connector: fail'],
    ['a mirror both ways', mirror({ runningBackwards: seen(['by-hand (RUNNING)']) }), 'mirror connector: fail'],
    ['Connect unreachable', mirror({ forward: unseen('refused') }), 'mirror connector: inconclusive'],
    [
      'a failed task under a running connector',
      mirror({ forward: seen({ name: 'm', state: 'RUNNING', tasks: [{ id: 0, state: 'FAILED', trace: 'x' }], config: {} }) }),
      'mirror connector: fail',
    ],
    ['a paused mirror that lags', mirror({ lag: [{ kind: 'behind', waitedMs: 2_000, lagRecords: 900, where: ['orders-0'] }] }), 'mirror lag: fail'],
    ['lag that was not seen', mirror({ lag: [{ kind: 'unseen', why: 'no answer' }] }), 'mirror lag: inconclusive'],
    ['too few samples', mirror({ lag: [{ kind: 'caught-up', lagMs: 1, lagRecords: 0 }] }), 'mirror lag: inconclusive'],
    [
      'a sample that is no number',
      mirror({ lag: Array.from({ length: 5 }, () => ({ kind: 'caught-up', lagMs: Number.NaN, lagRecords: 0 }) as const) }),
      'mirror lag: inconclusive',
    ],
    [
      'one slow sample of five',
      mirror({ lag: [40, 40, 1_001, 40, 40].map((lagMs) => ({ kind: 'caught-up', lagMs, lagRecords: 0 }) as const) }),
      'mirror lag: fail',
    ],
    ['a transaction that hangs', blue({ openTransactions: seen([transaction({ ageMs: 5_001 })]) }), 'open transactions on blue: fail'],
    [
      'a transaction whose end not every partition has',
      blue({ openTransactions: seen([transaction({ state: 'PrepareCommit', ageMs: 5_001 })]) }),
      'open transactions on blue: fail',
    ],
    [
      'a transaction that has written nothing for long',
      blue({ openTransactions: seen([transaction({ ageMs: 5_001, partitions: [] })]) }),
      'open transactions on blue: fail',
    ],
    ['a transaction of unknown age', blue({ openTransactions: seen([transaction({ ageMs: null })]) }), 'open transactions on blue: inconclusive'],
    ['a group of the new protocol', blue({ groups: seen([{ groupId: 'g', state: 'Stable', type: 'consumer', memberCount: 1 }]) }), 'consumer groups: fail'],
    [
      'a listed group that looks dead',
      blue({ groups: seen([{ groupId: 'g', state: 'Dead', type: 'classic', memberCount: 1 }]) }),
      'consumer groups: inconclusive',
    ],
    ['members on both sides', green({ groups: seen([{ groupId: 'billing', state: 'Stable', type: 'classic', memberCount: 1 }]) }), 'consumer groups: fail'],
  ])('refuses %s', (_what, snapshot, expected) => {
    expect(refused(snapshot)).toContain(expected)
  })

  it('lets a transaction be whose end every partition has, however long its coordinator takes to say so', () => {
    for (const state of ['PrepareCommit', 'PrepareAbort']) {
      const { checks } = assess(blue({ openTransactions: seen([transaction({ state, ageMs: 180_000, partitions: [] })]) }), limits, 0, limits.lagSamples)
      expect(checks.find(({ name }) => name === 'open transactions on blue')).toMatchObject({ verdict: 'pass', observed: '0 open' })
    }
  })

  it('names an old transaction by id, producer, age and partitions, five of them', () => {
    const old = Array.from({ length: 7 }, (_, index) => transaction({ transactionalId: `t${index}`, ageMs: 6_000, partitions: ['orders-0', 'payments-1'] }))
    const { checks } = assess(blue({ openTransactions: seen(old) }), limits, 0, limits.lagSamples)
    const observed = checks.find(({ name }) => name === 'open transactions on blue')?.observed
    expect(observed).toMatch(/^t0 \(producer 7 epoch 2, Ongoing for 6000 ms, writing to orders-0, payments-1\), t1 .*, t4 .* and 2 more$/)
  })

  it('refuses a routed client that does not follow the epoch, by name', () => {
    const client = {
      version: 1,
      clientId: 'shop',
      instanceId: 'i',
      kind: 'producer',
      groupId: null,
      transactionalId: null,
      ackedEpoch: 6,
      state: 'running',
      colour: 'blue',
      software: 'x',
    } as const
    const { checks } = assess(soundSnapshot({ clients: seen([client]) }), limits, 0, 5)
    expect(refusals(checks).map((check) => check.observed)).toEqual(['shop on epoch 6'])
  })

  it('wants every declared guardian to be there and on the newest epoch, and names the one that is not', () => {
    const guardian = (colour: 'blue' | 'green', ackedEpoch: number) => ({ ...guardianRegistration(colour, 1), ackedEpoch })
    const told = (clients: Snapshot['clients'], guardians: Snapshot['guardians'] = ['blue', 'green']) => {
      const { checks } = assess(soundSnapshot({ clients, guardians }), limits, 0, 5)
      return refusals(checks).map(({ name, verdict, observed }) => `${name} ${verdict}: ${observed}`)
    }
    expect(told(seen([guardian('blue', 7), guardian('green', 7)]))).toEqual([])
    // one that was restarted may be there twice until its old registration ends
    expect(told(seen([guardian('blue', 7), guardian('green', 3), guardian('green', 7)]))).toEqual([])
    expect(told(seen([guardian('blue', 7)]))).toEqual(['guardians fail: none beside green'])
    expect(told(seen([guardian('blue', 6), guardian('green', 7)]))).toEqual(['guardians fail: the one beside blue on epoch 6'])
    expect(told(unseen('refused'))).toContain('guardians inconclusive: refused')
    expect(told(seen([]), [])).toEqual([])
  })

  it('says of a fleet without guardians what that means, and does not count them as clients', () => {
    const { checks } = assess(soundSnapshot({ clients: seen([guardianRegistration('blue', 1)]) }), limits, 0, 5)
    expect(checks.find(({ name }) => name === 'guardians')).toMatchObject({ verdict: 'pass', observed: noGuardian })
    expect(checks.find(({ name }) => name === 'routed clients')).toMatchObject({ verdict: 'pass', observed: '0 clients' })
  })

  it('lets a higher attempt through a latch', () => {
    expect(refused(route({ latch: { attempt: 0, reason: 'slow', atWallClock: '2026-01-01T00:00:00Z' } }), 1)).toEqual([])
  })

  it('leaves the fence and its nudge out of parity', () => {
    const nudge = acl('User:kbg-nudge')
    const fence = { ...acl('User:*'), permission: 'deny' } as const
    const snapshot = soundSnapshot({
      colours: {
        blue: soundColour('blue', { acls: seen([acl('User:orders-app'), nudge]) }),
        green: soundColour('green', { acls: seen([acl('User:orders-app'), fence]) }),
      },
      fenceBindings: [fence],
    })
    expect(refused(snapshot)).toEqual([])
  })

  it('leaves users of one colour alone out of parity, and what is theirs; everybody else’s counts', () => {
    const quota = { entity: 'user mm2', limits: { producer_byte_rate: 1 } }
    const theirs = { acls: seen([acl('User:mm2')]), quotas: seen([quota]), scramUsers: seen([{ user: 'mm2', mechanisms: ['SCRAM-SHA-512'] }]) }
    const snapshot = (ownUsers: Snapshot['ownUsers']) =>
      soundSnapshot({
        colours: { blue: soundColour('blue', theirs), green: soundColour('green', { acls: seen([]), quotas: seen([]), scramUsers: seen([]) }) },
        ownUsers,
      })
    expect(refused(snapshot({ blue: ['mm2'], green: [] }))).toEqual([])
    expect(refused(snapshot({ blue: [], green: ['mm2'] }))).toEqual(['catalog parity: fail'])
  })
})

describe('the gate of a way back off a colour that has failed its watch', () => {
  /** blue is left for green: the checks that keep it shut. */
  const leaving = (snapshot: Snapshot) => refusals(assess(snapshot, limits, 0, 5, 'way back').checks).map((check) => `${check.name}: ${check.verdict}`)
  const partition = (over: { readonly leader?: number; readonly isr?: readonly number[] }) =>
    seen([topic('orders', { partitions: [{ partition: 0, leader: 1, leaderEpoch: 0, replicas: [1, 2, 3], isr: [1, 2, 3], ...over }] }), topic('payments')])

  it.each<[string, Snapshot]>([
    ['a latch of the same attempt, which it set itself', route({ latch: { attempt: 0, reason: 'slow', atWallClock: '2026-01-01T00:00:00Z' } })],
    ['a right that is gone there', blue({ acls: seen([acl('User:orders-app'), { ...acl('User:orders-app'), permission: 'deny' }]) })],
    ['another config there', blue({ topics: seen([topic('orders', { config: { 'min.insync.replicas': '3' } }), topic('payments')]) })],
    ['one voter of three silent there', blue({ quorum: quorum({ silent: [3] }) })],
    ['a transaction that is open for long there', blue({ openTransactions: seen([transaction({ ageMs: 60_000 })]) })],
    ['groups that nobody has looked at', soundSnapshot({ groups: unseen('not asked') })],
    ['producer ids that nobody has looked at', blue({ producers: unseen('not asked') })],
    ['a guardian that has ended there', soundSnapshot({ guardians: ['blue', 'green'], clients: seen([guardianRegistration('green', 1)]) })],
  ])('lets %s through', (_what, snapshot) => {
    expect(leaving(snapshot)).toEqual([])
    expect(refused(snapshot)).not.toEqual([])
  })

  it('lets replicas out of sync there through, as long as each partition has a leader', () => {
    const other = soundColour('green', { topics: partition({}) })
    const sick = (over: Parameters<typeof partition>[0]) => soundSnapshot({ colours: { blue: soundColour('blue', { topics: partition(over) }), green: other } })
    expect(leaving(sick({ isr: [1] }))).toEqual([])
    expect(leaving(sick({ leader: -1 }))).toEqual(['replicas of blue: fail'])
  })

  it('lets it keep silent about rights, quotas and users, but not the other side', () => {
    const silences: readonly Parameters<typeof soundColour>[1][] = [
      { acls: unseen('no answer') },
      { quotas: unseen('no answer') },
      { scramUsers: unseen('no answer') },
    ]
    for (const silent of silences) {
      expect(leaving(blue(silent))).toEqual([])
      expect(leaving(green(silent))).toEqual(['catalog parity: inconclusive'])
      expect(refused(blue(silent))).toEqual(['catalog parity: inconclusive'])
    }
  })

  it('lets a broker there keep silent about its authorizer, but not the other side’s', () => {
    expect(leaving(blue({ authorizers: unseen('no answer') }))).toEqual([])
    expect(leaving(green({ authorizers: unseen('no answer') }))).toEqual(['fence possible on green: inconclusive'])
  })

  it.each<[string, Snapshot, string]>([
    ['two voters of three silent there: it could not be fenced', blue({ quorum: quorum({ silent: [2, 3] }) }), 'controller quorum of blue: fail'],
    ['a topic that only one side has', green({ topics: seen([topic('orders')]) }), 'catalog parity: fail'],
    ['a sick colour to go to', green({ quorum: quorum({ silent: [3] }) }), 'controller quorum of green: fail'],
    ['a mirror that does not copy', mirror({ lag: [{ kind: 'behind', waitedMs: 2_000, lagRecords: 9, where: ['orders-0'] }] }), 'mirror lag: fail'],
    ['an open standby', green({ probes: seen(probes('fenced', 'open', 'fenced')) }), 'fence of green: fail'],
  ])('refuses %s', (_what, snapshot, expected) => {
    expect(leaving(snapshot)).toContain(expected)
  })
})

describe('the gate of an operator’s own way back off a colour that has failed its watch', () => {
  const leaving = (snapshot: Snapshot) => refusals(assess(snapshot, limits, 0, 5, 'way back by hand').checks).map((check) => `${check.name}: ${check.verdict}`)
  const stand = (...beside: readonly ('blue' | 'green')[]) =>
    soundSnapshot({
      guardians: ['blue', 'green'],
      clients: seen(beside.map((colour, index) => ({ ...guardianRegistration(colour, index + 1), ackedEpoch: 7 }))),
    })

  it.each<[string, Snapshot]>([
    ['a right that is gone there', blue({ acls: seen([]) })],
    ['a broker there that keeps silent about its authorizer', blue({ authorizers: unseen('no answer') })],
    ['a transaction that is open for long there', blue({ openTransactions: seen([transaction({ ageMs: 60_000 })]) })],
    ['groups that nobody has looked at', soundSnapshot({ groups: unseen('not asked') })],
    ['a guardian that has ended there', stand('green')],
  ])('lets %s through', (_what, snapshot) => {
    expect(leaving(snapshot)).toEqual([])
    expect(refused(snapshot)).not.toEqual([])
  })

  it.each<[string, Snapshot, string]>([
    ['a latch of the same attempt', route({ latch: { attempt: 0, reason: 'slow', atWallClock: '2026-01-01T00:00:00Z' } }), 'route: fail'],
    ['producer ids that nobody could tell', blue({ producers: unseen('no answer') }), 'producer ids: inconclusive'],
    ['a fleet whose guardians have both ended', stand(), 'guardians: fail'],
    ['a mirror that does not copy', mirror({ lag: [{ kind: 'behind', waitedMs: 2_000, lagRecords: 9, where: ['orders-0'] }] }), 'mirror lag: fail'],
    ['a colour to go to whose broker keeps silent', green({ authorizers: unseen('no answer') }), 'fence possible on green: inconclusive'],
  ])('refuses %s', (_what, snapshot, expected) => {
    expect(leaving(snapshot)).toEqual([expected])
  })
})

describe('verdicts', () => {
  const all: readonly CheckVerdict[] = ['pass', 'inconclusive', 'fail', 'error']

  it('fold to the worst, in any order', () => {
    for (const a of all) {
      expect(worst('pass', a)).toBe(a)
      for (const b of all) {
        expect(worst(a, b)).toBe(worst(b, a))
        for (const c of all) expect(worst(worst(a, b), c)).toBe(worst(a, worst(b, c)))
      }
    }
  })

  it('over no check prove nothing', () => {
    expect(verdictOf([])).toBe('inconclusive')
  })
})
