/** Records that come behind a cut: found by the ends alone, carried over once whatever crashes, and a bar to the way back. */
import { describe, expect, test } from 'vitest'
import { checkLateRecords } from '../../engine/gate/late-records.ts'
import { KbgError } from '../../engine/model/error.ts'
import type { JournalEntry, JournalFact } from '../../engine/model/journal.ts'
import { firstBase, nextBase } from '../../engine/model/journal-base.ts'
import { lateRecords } from '../../engine/model/late-records.ts'
import { Limits } from '../../engine/model/limits.ts'
import type { Ports } from '../../engine/run/ports.ts'
import { describeStatus } from '../../engine/run/status.ts'
import { moveLive } from '../../engine/run/switchover.ts'
import { seen, soundColour, soundRoute, soundSnapshot, topic } from '../support/sample-snapshot.ts'
import { FakeFleet, orders } from '../support/watched-fleet.ts'

const never = new AbortController().signal

function up(fleet: FakeFleet, live: 'blue' | 'green', ports: Ports = fleet.ports) {
  const request = { wiring: fleet.wiring, limits: Limits.parse({}), holder: 'pulumi up', tell: () => undefined, cancelled: never }
  return moveLive(ports, { ...request, intent: { live, attempt: 0, consumers: {} }, gateEpoch: fleet.route.epoch })
}

/** Ports on which records come on blue behind the decided cut: with the lifting of green's fence. */
function withLate(fleet: FakeFleet, values: readonly string[]): Ports {
  const { ports } = fleet
  const lift = async () => {
    for (const value of values) fleet.colours.blue.append(orders, value)
    fleet.colours.green.fenced = false
  }
  return { ...ports, clusters: { ...ports.clusters, green: { ...ports.clusters.green, fence: { ...ports.clusters.green.fence, lift } } } } as Ports
}

/** Ports on which appending to green ends the run, before it was done or behind it. */
function dying(ports: Ports, when: 'before' | 'behind'): Ports {
  const { green } = ports.clusters
  const appendCopies: typeof green.logs.appendCopies = async (...given) => {
    if (when === 'behind') await green.logs.appendCopies(...given)
    throw new KbgError('test', 'The orchestrator ends here.')
  }
  return { ...ports, clusters: { ...ports.clusters, green: { ...green, logs: { ...green.logs, appendCopies } } } }
}

/** A fleet with some records. */
async function fleetWithRecords(work: (fleet: FakeFleet) => Promise<void>): Promise<FakeFleet> {
  const fleet = new FakeFleet()
  await fleet.withApp(async () => {
    await fleet.clock.sleep(1_000)
    await work(fleet)
  })
  return fleet
}

const lateOf = (fleet: FakeFleet) => fleet.journal.flatMap((entry) => (entry.kind === 'late' ? [`${entry.what} ${entry.records}`] : []))
const swept = (fleet: FakeFleet) => fleet.journal.flatMap((entry) => (entry.kind === 'step' && entry.step === 'reverse' ? [entry.detail] : []))
const times = (fleet: FakeFleet, value: string) => fleet.colours.green.values().filter((one) => one === value).length

describe('the sweep behind a cut', () => {
  test('finds nothing after a graceful switchover, and reads nothing but ends', async () => {
    const fleet = await fleetWithRecords(async (one) => {
      const { ports } = one
      const copies = async () => Promise.reject(new Error('nothing is to be read'))
      await up(one, 'green', {
        ...ports,
        clusters: { ...ports.clusters, blue: { ...ports.clusters.blue, logs: { ...ports.clusters.blue.logs, copies } } },
      } as Ports)
    })
    expect([lateOf(fleet), swept(fleet)]).toEqual([[], ['nothing came behind the cut']])
  })

  test('appends what came late to the target, journaled before and behind', async () => {
    const fleet = await fleetWithRecords(async (one) => void (await up(one, 'green', withLate(one, ['late-1', 'late-2']))))
    expect([lateOf(fleet), swept(fleet)]).toEqual([['found 2', 'appended 2'], ['late: orders-0 (2)']])
    expect([times(fleet, 'late-1'), times(fleet, 'late-2')]).toEqual([1, 1])
    const appended = fleet.journal.findLast((entry) => entry.kind === 'late')
    expect(fleet.colours.green.values()[Number(appended?.targetOffset)]).toBe('late-1')
    expect(await describeStatus(fleet.ports, fleet.wiring, Limits.parse({}))).toMatch(
      /late {6}2 of orders-0 came on blue at \d+, behind the cut; appended to the other colour at \d+\. blue can't be live again/,
    )
  })

  test.each(['before', 'behind'] as const)('appends nothing twice when it dies %s the effect', async (when) => {
    const fleet = await fleetWithRecords(async (one) => {
      await expect(up(one, 'green', dying(withLate(one, ['late-1', 'late-2']), when))).rejects.toThrow(/unfinished/)
      expect(lateOf(one)).toEqual(['found 2'])
      await one.clock.sleep(500) // the application goes on writing to green
      expect(await up(one, 'green')).toMatchObject({ live: 'green', unfinished: false })
    })
    expect([lateOf(fleet), times(fleet, 'late-1'), times(fleet, 'late-2')]).toEqual([['found 2', 'appended 2'], 1, 1])
  })

  test('that the target refuses for good hold up neither mirror nor groups: they are told, and stay journaled as found', async () => {
    const fleet = await fleetWithRecords(async (one) => {
      const ports = withLate(one, ['late-1'])
      const { green } = ports.clusters
      const appendCopies = async () => Promise.reject(new KbgError('kafka', 'Too large.', { facts: { error: 'MESSAGE_TOO_LARGE' } }))
      const refusing = { ...ports, clusters: { ...ports.clusters, green: { ...green, logs: { ...green.logs, appendCopies } } } } as Ports
      expect(await up(one, 'green', refusing)).toMatchObject({ live: 'green', unfinished: false })
    })
    expect([lateOf(fleet), times(fleet, 'late-1')]).toEqual([['found 1'], 0])
    expect(await describeStatus(fleet.ports, fleet.wiring, Limits.parse({}))).toMatch(/late {6}1 of orders-0 came on blue .*it isn't known yet/)
  })

  test('carries over more that came while it was dead, each once', async () => {
    const fleet = await fleetWithRecords(async (one) => {
      await expect(up(one, 'green', dying(withLate(one, ['late-1']), 'behind'))).rejects.toThrow(/unfinished/)
      one.colours.blue.append(orders, 'late-2')
      await up(one, 'green')
    })
    expect([lateOf(fleet), times(fleet, 'late-1'), times(fleet, 'late-2')]).toEqual([['found 1', 'appended 1', 'found 1', 'appended 1'], 1, 1])
  })

  test('takes no copy of the reverse mirror for a late record: what is journaled before its resume is never swept again', async () => {
    const fleet = await fleetWithRecords(async (one) => {
      const { ports } = one
      const resume = async (name: string, deadline: Parameters<Ports['mirrors']['green']['resume']>[1]) => {
        await ports.mirrors.green.resume(name, deadline)
        if (name.startsWith('kbg-mirror-')) throw new KbgError('test', 'The orchestrator ends here.')
      }
      const dies = { ...ports, mirrors: { ...ports.mirrors, green: { ...ports.mirrors.green, resume } } } as Ports
      await expect(up(one, 'green', dies)).rejects.toThrow(/unfinished/)
      await one.clock.sleep(1_000) // what the application writes to green is copied to blue
      await up(one, 'green')
    })
    expect([lateOf(fleet), swept(fleet)]).toEqual([[], ['nothing came behind the cut']])
    expect(new Set(fleet.colours.green.values()).size).toBe(fleet.colours.green.values().length)
  })

  test('keeps the gate of the way back shut', async () => {
    await fleetWithRecords(async (one) => {
      await up(one, 'green', withLate(one, ['late-1']))
      await one.clock.sleep(500)
      await expect(up(one, 'blue')).rejects.toThrow(
        /late records: fail; observed orders-0 \(1 at \d+\); required no partition of blue that holds some -> Give blue a fresh cluster/,
      )
      expect(one.route).toMatchObject({ live: 'green', state: 'open' })
    })
  })
})

const late = (over: Partial<Extract<JournalFact, { kind: 'late' }>> = {}): JournalFact => ({
  ...{
    kind: 'late',
    what: 'appended',
    colour: 'green',
    partition: 'orders-0',
    topicId: 'id-orders',
    sourceOffset: '7',
    sourceEnd: '9',
    records: 2,
    targetOffset: '30',
  },
  ...over,
})
const journal = (...facts: readonly JournalFact[]): readonly JournalEntry[] =>
  facts.map((fact, index) => ({ ...fact, number: index + 1, term: '1', atWallClock: '2026-01-01T00:00:00Z', atMonotonicMs: 0 }) as JournalEntry)

describe('what is known of late records', () => {
  test('is by colour, topic and partition; not appended yet is not known', () => {
    const entries = journal(
      late(),
      late({ sourceOffset: '9', records: 1, targetOffset: '40' }),
      late({ partition: 'orders-1', what: 'found' }),
      late({ colour: 'blue' }),
    )
    expect(
      lateRecords(entries).map(({ colour, partition, records, sourceOffset, targetOffset }) => [colour, partition, records, sourceOffset, targetOffset]),
    ).toEqual([
      ['green', 'orders-0', 3, '7', '30'],
      ['green', 'orders-1', 2, '7', null],
      ['blue', 'orders-0', 2, '7', '30'],
    ])
  })

  test('outlives the switchover in which they came', () => {
    const opened = { kind: 'opened', source: 'blue', target: 'green', attempt: 1, epoch: 9 } as const
    const entries = journal(late({ what: 'found' }), late(), late({ colour: 'blue' }), opened)
    expect(lateRecords(nextBase(firstBase, entries, 4).carried).map(({ colour, targetOffset }) => `${colour} ${targetOffset}`)).toEqual(['green 30', 'blue 30'])
  })

  const check = (facts: readonly JournalFact[], topics = soundColour('green').topics) =>
    checkLateRecords(
      soundSnapshot({
        route: seen({ route: soundRoute, journal: journal(...facts) }),
        colours: { blue: soundColour('blue'), green: soundColour('green', { topics }) },
      }),
    )

  test('refuses the colour that holds them, until the topic is made anew there', () => {
    expect(check([late()])).toMatchObject({ verdict: 'fail', observed: 'orders-0 (2 at 7)' })
    expect(check([late()], seen([topic('orders', { topicId: 'another' })])).verdict).toBe('pass')
    expect(check([late()], { seen: false, why: 'timed out' })).toMatchObject({ verdict: 'inconclusive', observed: 'timed out' })
    expect([check([late({ colour: 'blue' })]).verdict, check([]).verdict]).toEqual(['pass', 'pass'])
  })
})
