/** The routed producer's state machine, with a fake lane for each colour that keeps a log as a broker does. */
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { Dispatcher } from '../../client/dispatcher.ts'
import type { Lane, LaneAnswer, ProducerIdentity, ShippedBatch } from '../../client/lane.ts'
import type { Parcel, ParcelOutcome, SendOptions } from '../../client/outbox.ts'
import { errorCodes } from '../../client/outcome.ts'
import type { Timing } from '../../client/timing.ts'
import type { Colour } from '../../engine/model/colour.ts'

/** Time that passes in one turn each sleep, so that nothing really waits. */
class FakeTiming implements Timing {
  nowMs = 0

  monotonicMs(): number {
    return this.nowMs
  }

  async sleep(ms: number): Promise<void> {
    await new Promise((resolve) => setImmediate(resolve))
    this.nowMs += ms
  }
}

type Behaviour = 'write' | 'deny' | 'lose-answer' | 'lose-request' | 'not-leader' | 'too-large-together'

/** A colour with one leader for each partition; its log refuses nothing but what `behaviour` says, and deduplicates by producer id and sequence. */
class FakeLane implements Lane {
  readonly colour: Colour
  readonly log: { partition: number; value: string }[] = []
  readonly requests: number[] = []
  behaviour: (request: number) => Behaviour = () => 'write'
  gate: Promise<void> = Promise.resolve()
  #requests = 0
  #producers = 0
  #identity: ProducerIdentity | undefined
  readonly #appended = new Set<string>()

  constructor(colour: Colour) {
    this.colour = colour
  }

  leaderOf(_topic: string, partition: number): number {
    return partition % 2
  }

  async refresh(): Promise<void> {
    await this.gate
  }

  async identity(): Promise<ProducerIdentity> {
    this.#producers += 1
    this.#identity ??= { producerId: String(this.#producers), producerEpoch: 0, sequences: new Map() }
    return this.#identity
  }

  dropIdentity(identity: ProducerIdentity): void {
    if (this.#identity === identity) this.#identity = undefined
  }

  async ship(leader: number, _options: SendOptions, batches: readonly ShippedBatch[]): Promise<readonly LaneAnswer[]> {
    const request = this.#requests
    this.#requests += 1
    this.requests.push(leader)
    const behaviour = this.behaviour(request)
    await this.gate
    await new Promise((resolve) => setImmediate(resolve))
    return batches.map((batch) => this.#answer(batch, behaviour))
  }

  #answer(shipped: ShippedBatch, behaviour: Behaviour): LaneAnswer {
    const says = (errorCode: number): LaneAnswer => ({
      attempt: { kind: 'answered', errorCode },
      answer: { partition: shipped.batch.partition, errorCode, baseOffset: '0' },
      error: undefined,
    })
    const lost: LaneAnswer = { attempt: { kind: 'lost' }, answer: undefined, error: new Error('connection closed') }
    switch (behaviour) {
      case 'write':
        this.#append(shipped)
        return says(errorCodes.none)
      case 'deny':
        return says(errorCodes.topicAuthorizationFailed)
      case 'not-leader':
        return says(6)
      case 'lose-answer':
        this.#append(shipped)
        return lost
      case 'lose-request':
        return lost
      case 'too-large-together':
        if (shipped.batch.parcels.length > 1 || shipped.batch.parcels[0]?.messages[0]?.value === 'huge') return says(10)
        this.#append(shipped)
        return says(errorCodes.none)
    }
  }

  #append({ batch, identity, firstSequence }: ShippedBatch): void {
    const id = `${identity?.producerId}/${batch.partition}/${firstSequence}`
    if (this.#appended.has(id)) return
    this.#appended.add(id)
    for (const parcel of batch.parcels) for (const message of parcel.messages) this.log.push({ partition: batch.partition, value: String(message.value) })
  }
}

function setUp() {
  const lanes = { blue: new FakeLane('blue'), green: new FakeLane('green') }
  const timing = new FakeTiming()
  const retry = { retries: 5, initialRetryTime: 10, maxRetryTime: 100, multiplier: 2 }
  return { lanes, timing, dispatcher: new Dispatcher(lanes, { idempotent: true, retry, denialPatienceMs: 5_000, timing }) }
}

/** Sends one value to a partition; the outcome as text. */
function send(dispatcher: Dispatcher, partition: number, value: string): Promise<string> {
  const { promise, resolve } = Promise.withResolvers<ParcelOutcome>()
  const parcel: Parcel = {
    ...{ topic: 'orders', partition, messages: [{ value }], bytes: 100, settle: resolve },
    ...{ options: { acks: -1, timeout: undefined, compression: undefined } },
    history: { tries: 0, firstTryAtMs: undefined, deniedAtMs: undefined, alone: false },
  }
  dispatcher.add([parcel])
  return promise.then((outcome) => (outcome.kind === 'written' ? outcome.colour : `${outcome.error.name} ${'code' in outcome.error ? outcome.error.code : ''}`))
}

async function turns(count: number): Promise<void> {
  for (let turn = 0; turn < count; turn += 1) await new Promise((resolve) => setImmediate(resolve))
}

const values = (lane: FakeLane) => lane.log.map((each) => each.value)

describe('holding', () => {
  test('nothing is started while held; what waits goes to the colour that opens, in order', async () => {
    const { lanes, dispatcher } = setUp()
    const sent = [send(dispatcher, 0, 'a'), send(dispatcher, 0, 'b')]
    await dispatcher.flushed()
    expect(lanes.blue.requests).toEqual([])
    dispatcher.release('green')
    expect(await Promise.all(sent)).toEqual(['green', 'green'])
    expect(values(lanes.green)).toEqual(['a', 'b'])
    expect(lanes.blue.log).toEqual([])
  })

  test('what is on its way ends before the hold is flushed, and later sends wait', async () => {
    const { lanes, dispatcher } = setUp()
    const door = Promise.withResolvers<void>()
    lanes.blue.gate = door.promise
    dispatcher.release('blue')
    const first = send(dispatcher, 0, 'a')
    await new Promise((resolve) => setImmediate(resolve))
    dispatcher.hold()
    let flushed = false
    const flush = dispatcher.flushed().then(() => {
      flushed = true
    })
    const second = send(dispatcher, 0, 'b')
    await new Promise((resolve) => setImmediate(resolve))
    expect(flushed).toBe(false)
    door.resolve()
    await flush
    expect(await first).toBe('blue')
    dispatcher.release('green')
    expect(await second).toBe('green')
    expect(values(lanes.blue)).toEqual(['a'])
  })
})

describe('refusals', () => {
  test('what the fence refused is sent again, whole and first, on the next colour; later sends never overtake it', async () => {
    const { lanes, dispatcher } = setUp()
    lanes.blue.behaviour = () => 'deny'
    dispatcher.release('blue')
    const sent = ['a', 'b', 'c'].map((value) => send(dispatcher, 1, value))
    await turns(6) // denied, asked again, denied: far from patience's end
    dispatcher.hold()
    await dispatcher.flushed()
    sent.push(send(dispatcher, 1, 'd'))
    dispatcher.release('green')
    expect(await Promise.all(sent)).toEqual(['green', 'green', 'green', 'green'])
    expect(values(lanes.green)).toEqual(['a', 'b', 'c', 'd'])
    expect(lanes.blue.log).toEqual([])
  })

  test('a denial that no hold explains is the application’s, after a while', async () => {
    const { lanes, dispatcher } = setUp()
    lanes.blue.behaviour = () => 'deny'
    dispatcher.release('blue')
    expect(await send(dispatcher, 0, 'a')).toBe('KafkaJSProtocolError 29')
  })

  test('nobody fails for another’s message: a refused batch goes again one by one', async () => {
    const { lanes, dispatcher } = setUp()
    lanes.blue.behaviour = () => 'too-large-together'
    dispatcher.release('blue')
    const sent = ['a', 'huge', 'b'].map((value) => send(dispatcher, 0, value))
    expect(await Promise.all(sent)).toEqual(['blue', 'KafkaJSProtocolError 10', 'blue'])
    expect(values(lanes.blue)).toEqual(['a', 'b'])
  })

  test('a moved leader is asked again', async () => {
    const { lanes, dispatcher } = setUp()
    lanes.blue.behaviour = (request) => (request === 0 ? 'not-leader' : 'write')
    dispatcher.release('blue')
    expect(await send(dispatcher, 0, 'a')).toBe('blue')
  })
})

describe('unknown outcomes', () => {
  test.each(['lose-answer', 'lose-request'] as const)('%s: the same batch asks the same colour again, and stands there once', async (fault) => {
    const { lanes, dispatcher } = setUp()
    lanes.blue.behaviour = (request) => (request < 2 ? fault : 'write')
    dispatcher.release('blue')
    expect(await Promise.all([send(dispatcher, 0, 'a'), send(dispatcher, 0, 'b')])).toEqual(['blue', 'blue'])
    expect(values(lanes.blue)).toEqual(['a', 'b'])
  })

  test('a lost answer and then the fence: the caller is told that it is unknown, and it is never sent elsewhere', async () => {
    const { lanes, dispatcher } = setUp()
    lanes.blue.behaviour = (request) => (request === 0 ? 'lose-answer' : 'deny')
    dispatcher.release('blue')
    const first = send(dispatcher, 0, 'a')
    expect(await first).toBe('KbgError outcome-unknown')
    dispatcher.release('green')
    expect(await send(dispatcher, 0, 'b')).toBe('green')
    expect(values(lanes.green)).toEqual(['b'])
  })

  test('after an unknown outcome its sequence is not used for another batch', async () => {
    const { lanes, dispatcher } = setUp()
    lanes.blue.behaviour = (request) => (request === 0 ? 'lose-answer' : request <= 6 ? 'lose-request' : 'write')
    dispatcher.release('blue')
    expect(await send(dispatcher, 0, 'a')).toBe('KbgError outcome-unknown')
    expect(await send(dispatcher, 0, 'b')).toBe('blue')
    expect(values(lanes.blue)).toEqual(['a', 'b'])
  })

  test('ending fails what waits, unwritten', async () => {
    const { dispatcher } = setUp()
    const waiting = send(dispatcher, 0, 'a')
    await dispatcher.end(new Error('over'))
    expect(await waiting).toBe('Error ')
    expect(() => send(dispatcher, 0, 'b')).toThrow('over')
  })
})

test('whatever happens around moves: acknowledged records stand once where they were acknowledged, in order, and denied ones nowhere twice', async () => {
  const behaviours: Behaviour[] = ['write', 'write', 'deny', 'not-leader', 'lose-answer', 'lose-request']
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.constantFrom(...behaviours), { maxLength: 12 }),
      fc.array(fc.integer({ min: 0, max: 3 }), { minLength: 1, maxLength: 20 }),
      async (faults, sends) => {
        const { lanes, dispatcher } = setUp()
        lanes.blue.behaviour = (request) => faults[request] ?? 'deny'
        dispatcher.release('blue')
        const sent = sends.map((partition, index) => send(dispatcher, partition, String(index)))
        await turns(3)
        dispatcher.hold()
        await dispatcher.flushed()
        dispatcher.release('green')
        const outcomes = await Promise.all(sent)
        const all = [...lanes.blue.log.map((each) => ({ ...each, colour: 'blue' })), ...lanes.green.log.map((each) => ({ ...each, colour: 'green' }))]
        outcomes.forEach((outcome, index) => {
          const found = all.filter((each) => each.value === String(index))
          if (outcome === 'blue' || outcome === 'green') expect(found.map((each) => each.colour)).toEqual([outcome])
          else expect(found.length).toBeLessThanOrEqual(1)
        })
        for (const lane of [lanes.blue, lanes.green]) {
          for (const partition of [0, 1, 2, 3]) {
            const numbers = lane.log.filter((each) => each.partition === partition).map((each) => Number(each.value))
            expect(numbers).toEqual(numbers.toSorted((a, b) => a - b))
          }
        }
      },
    ),
    { numRuns: 200 },
  )
})
