/**
 * What a write window is made of, each part measured alone on the same pair, one after the other, under the load. Their sum is a yardstick and no bound: a
 * switchover's own later parts run while the producers wait, so the load doesn't slow them, and some of them overlap.
 */
import { Etcd3 } from 'etcd3'
import { etcdTransport, readPassword } from '../../../engine/adapters/etcd/etcd-connection.ts'
import { canaryTopic } from '../../../engine/model/cluster-access.ts'
import { type Colour, otherColour } from '../../../engine/model/colour.ts'
import { topicPartition } from '../../../engine/model/partition.ts'
import type { RouteStoreAccess } from '../../../engine/model/wiring.ts'
import { Deadline, systemClock } from '../../../engine/ports/clock.ts'
import { openColour, proveFence } from '../../../engine/run/steps/fences.ts'
import type { Pair } from '../../support/pair.ts'

/** One measurement of every part but the flush, which the clients' histories tell. Milliseconds. */
export interface PartsAlone {
  /** Raising the fence until every broker of the colour refuses. */
  readonly fenceMs: number
  /** From a record's acknowledgement on the live colour until it is readable on the other: the exactly-once mirror. */
  readonly mirrorHopMs: number
  /** Lifting the fence until every broker of the colour accepts a real record: its acknowledgement is in it. */
  readonly liftMs: number
  /** From a write to the store until a watcher has it. */
  readonly watchMs: number
  /** One acknowledged record on every leader, connections warm. */
  readonly ackMs: number
}

const within = (what: string) => new Deadline(systemClock, 30_000, what)

async function timed(work: () => Promise<unknown>): Promise<number> {
  const startedMs = systemClock.monotonicMs()
  await work()
  return systemClock.monotonicMs() - startedMs
}

/**
 * Measures on the standby, where no client writes: its fence is lifted and raised again at once. Only a bench may do that: nobody has a right to write to
 * a standby, and while both are open nothing but this process could.
 */
export async function measurePartsAlone(pair: Pair, live: Colour, store: WatchProbe): Promise<PartsAlone> {
  const standby = pair.ports.clusters[otherColour(live)]
  await standby.warmUp(within('the standby to be connected'))
  const liftMs = await timed(() => openColour(standby, within('the standby to open')))
  const ackMs = await timed(() => standby.fence.canary(within('a record on every leader')))
  const fenceMs = await timed(async () => {
    await standby.fence.raise(within('the fence to be raised'))
    await proveFence(standby, 'fenced', within('the standby to be fenced'))
  })
  return { fenceMs, liftMs, ackMs, mirrorHopMs: await mirrorHop(pair, live), watchMs: await store.roundTrip() }
}

/** The canary connector is an exactly-once mirror of its own with one quiet topic: the hop without any load before it. */
async function mirrorHop(pair: Pair, live: Colour): Promise<number> {
  const { clusters } = pair.ports
  const deadline = within('the canary to cross')
  const partition = topicPartition(canaryTopic(live), 0)
  const offset = await clusters[live].logs.append(partition, `bench ${systemClock.monotonicMs()}`, deadline)
  return await timed(async () => {
    const [sent] = await clusters[live].logs.visible(partition, offset, offset + 1n, deadline)
    await deadline.poll(1, async () => {
      const ends = await clusters[otherColour(live)].logs.ends([canaryTopic(live)], deadline)
      const end = ends.find((one) => one.partition === partition)
      const newest = end ? await clusters[otherColour(live)].logs.lastVisible(partition, end.lastStableOffset, 3, deadline) : []
      return newest.some((record) => record.digest === sent?.digest) ? true : undefined
    })
  })
}

/** A watcher of one key beside the route: how long the store takes to tell what was written. */
export class WatchProbe {
  readonly #etcd: Etcd3
  readonly #key: string

  constructor(access: RouteStoreAccess, fleet: string) {
    this.#etcd = new Etcd3({ ...etcdTransport, hosts: [...access.endpoints], auth: { username: access.username, password: readPassword(access) } })
    this.#key = `/kbg/${fleet}/bench`
  }

  async roundTrip(): Promise<number> {
    const watcher = await this.#etcd.watch().key(this.#key).create()
    try {
      const told = new Promise((resolve) => watcher.once('put', resolve))
      return await timed(async () => {
        await this.#etcd.put(this.#key).value('x')
        await within('the watcher to be told').race(told)
      })
    } finally {
      await watcher.cancel()
    }
  }

  close(): void {
    this.#etcd.close()
  }
}
