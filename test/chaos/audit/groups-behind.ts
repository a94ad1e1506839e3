import { deepStrictEqual, strictEqual } from 'node:assert/strict'
import type { PartitionOffsets } from '../../../engine/model/partition.ts'
import { systemClock } from '../../../engine/ports/clock.ts'
import type { ChaosPair } from '../support/chaos-pair.ts'
import { within } from '../support/chaos-pair.ts'
import { type Contents, contentOf } from '../support/contents.ts'
import { endWorker, startWorker } from '../support/mirror-worker.ts'
import { seeded } from '../support/seeded.ts'
import { type Scenario, topics } from './scenario.ts'

const recordsPerSend = 5_000

/** Groups from 0 to a million records behind (20,000 in the short form), in transactions and on an empty partition, over a switchover right after the mirror's worker was killed. */
export const groupsBehind: Scenario = {
  faults: 'F6, F41, F48',
  async run(chaos, { isLong, seed }) {
    const deepest = isLong ? 1_000_000 : 20_000
    await fill(chaos, deepest + 2_000)
    await writeTransactions(chaos)
    await chaos.copied(Object.values(topics), 'blue', 300)
    const blue = await chaos.contents('blue', Object.values(topics))
    const groups = groupsOn(blue, deepest, seed)
    for (const [groupId, offsets] of groups) await chaos.ports.clusters.blue.groups.commit(groupId, offsets, within(10))
    await endWorker(chaos, 'blue', 'SIGKILL')
    await startWorker(chaos, 'blue')
    await chaos.copied(Object.values(topics), 'blue', 120)
    await chaos.proven(Object.values(topics), 300)
    const movedMs: number[] = []
    let startedMs = 0
    await chaos.move('green', {
      tell: ({ step, text }) => {
        if (step === 'groups' && text.startsWith('moving')) startedMs = systemClock.monotonicMs()
        if (step === 'groups' && / moved/.test(text)) movedMs.push(systemClock.monotonicMs() - startedMs)
      },
    })
    const green = await chaos.contents('green', Object.values(topics))
    sameContents(blue, green)
    for (const [groupId, offsets] of groups) {
      const written = await chaos.ports.clusters.green.groups.committed(groupId, within(10))
      const ends = await chaos.ports.clusters.green.logs.ends(Object.values(topics), within(10))
      const endOf = new Map(ends.map(({ partition, logEndOffset }) => [partition, logEndOffset]))
      for (const [place, offset] of offsets) {
        strictEqual(
          at(green, place, written.get(place), endOf.get(place)),
          at(blue, place, offset, undefined),
          `${groupId} reads on at the same record of ${place}`,
        )
      }
      deepStrictEqual([...written.keys()].toSorted(), [...offsets.keys()].toSorted(), `${groupId} has no other positions`)
    }
    return {
      injected: `${groups.size} groups 0 to ${deepest} records behind, in committed and aborted transactions, at markers, on an empty partition; the mirror's worker killed right before the switchover`,
      observed: `each reads on at the same record of green as on blue, by a naive reading of both logs; all moved in ${Math.round(movedMs.at(-1) ?? Number.NaN)} ms`,
    }
  },
}

async function fill(chaos: ChaosPair, records: number): Promise<void> {
  for (let sent = 0; sent < records; sent += recordsPerSend) {
    const count = Math.min(recordsPerSend, records - sent)
    await chaos.send(
      'blue',
      topics.deep,
      Array.from({ length: count }, (_, index) => ({ key: `k${(sent + index) % 101}`, value: `${sent + index}` })),
    )
  }
}

async function writeTransactions(chaos: ChaosPair): Promise<void> {
  const producer = chaos.clients.blue.producer({ transactionalId: 'chaos', maxInFlightRequests: 1, idempotent: true })
  await producer.connect()
  for (const [turn, end] of ['commit', 'abort', 'commit', 'abort', 'commit'].entries()) {
    const transaction = await producer.transaction()
    const messages = Array.from({ length: 20 }, (_, index) => ({ partition: 0, key: 'k', value: `${turn} ${index}` }))
    await transaction.send({ topic: topics.transactions, acks: -1, messages })
    await (end === 'commit' ? transaction.commit() : transaction.abort())
  }
  await producer.disconnect()
}

/** Named by how far behind they are; those with a letter are where the seed has put them. */
function groupsOn(blue: Contents, deepest: number, seed: number): ReadonlyMap<string, PartitionOffsets> {
  const random = seeded(seed)
  const deep = `${topics.deep}-0`
  const end = (blue.get(deep)?.at(-1)?.offset ?? -1n) + 1n
  const behind = [0, 1_000, deepest / 10, deepest].map((records) => [`behind-${records}`, new Map([[deep, end - BigInt(records)]])] as const)
  const anywhere = Array.from({ length: 10 }, (_, index) => [`anywhere-${index}`, new Map([[deep, BigInt(random(Number(end)))]])] as const)
  const transactional = Array.from(
    { length: 10 },
    (_, index) => [`transactional-${index}`, new Map([[`${topics.transactions}-0`, BigInt(random(105))]])] as const,
  )
  const onEmpty = ['on-empty', new Map([[`${topics.empty}-0`, 0n], [deep, end]])] as const // biome-ignore format: one line
  return new Map([...behind, ...anywhere, ...transactional, onEmpty])
}

function sameContents(blue: Contents, green: Contents): void {
  for (const [place, records] of blue) {
    const copies = green.get(place) ?? []
    strictEqual(copies.length, records.length, `as many records of ${place}`)
    for (const [index, record] of records.entries()) {
      const copy = copies[index]
      if (copy === undefined || contentOf(copy) !== contentOf(record)) throw new Error(`${place}: record ${index} differs`)
    }
  }
}

/** Which record of the partition is read first from an offset: its number; the count of all when none is left. An offset beyond the end is none. */
function at(contents: Contents, place: string, offset: bigint | undefined, end: bigint | undefined): number | string {
  if (offset === undefined || offset < 0n || (end !== undefined && offset > end)) return `no position: ${offset} of ${end}`
  const records = contents.get(place) ?? []
  const index = records.findIndex((record) => record.offset >= offset)
  return index === -1 ? records.length : index
}
