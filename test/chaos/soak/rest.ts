/** Whether a pair has come to rest: exactly one colour writable, nothing open, mirrored one way, every part there. */
import { observeGuardian } from '../../../engine/adapters/local/guardian-process.ts'
import { checkControllerQuorum } from '../../../engine/gate/controller-quorum.ts'
import { checkReplicaHealth } from '../../../engine/gate/replica-health.ts'
import { type Colour, colours, otherColour } from '../../../engine/model/colour.ts'
import { firstFive, messageOf } from '../../../engine/model/error.ts'
import type { Reading } from '../../../engine/model/snapshot.ts'
import { systemClock } from '../../../engine/ports/clock.ts'
import { guardianRegistration } from '../../../engine/run/guardian/keeper.ts'
import { mirrorRecord } from '../../../engine/switchover/journal-reading.ts'
import { leftOpen } from '../../../engine/switchover/resume.ts'
import type { Pair } from '../../support/pair.ts'
import { type Part, type Parts, partText, within } from './parts.ts'

/** What is still missing, for people; `traffic` counts for the time until rest, `parts` only for the next round. Both empty: at rest. */
export interface Unrest {
  readonly traffic: readonly string[]
  readonly parts: readonly string[]
  readonly live: Colour | null
}

/** An operator looks this long at tasks that stay FAILED before he restarts them. */
const operatorLooksMs = 3_000
const askSeconds = 3

export class Rest {
  readonly #pair: Pair
  readonly #parts: Parts
  #failedSinceMs: number | null = null
  /** What a person had to do, because the product leaves it to one. */
  readonly operator: string[] = []

  constructor(pair: Pair, parts: Parts) {
    this.#pair = pair
    this.#parts = parts
  }

  /** Never throws for what is away: that is what it tells. */
  async look(): Promise<Unrest> {
    try {
      const { route, journal, lock } = await this.#pair.ports.store.read(within(askSeconds))
      if (route === null) return { traffic: ['there is no route'], parts: [], live: null }
      const open = [
        ...(route.state === 'open' ? [] : [`the route is ${route.state}`]),
        ...(leftOpen(route, journal) === null ? [] : ['something is left open in the journal']),
        ...(lock === null ? [] : [`${lock.holder} holds the lock`]),
      ]
      const [fences, mirror, parts] = await Promise.all([
        this.#fences(route.live),
        this.#mirror(route.live, mirrorRecord(journal, route.live)?.connector ?? null, open.length === 0),
        this.#missingParts(),
      ])
      return { traffic: [...open, ...fences, ...mirror], parts, live: route.live }
    } catch (thrown) {
      return { traffic: [messageOf(thrown).split('\n')[0] ?? ''], parts: [], live: null }
    }
  }

  async #fences(live: Colour): Promise<readonly string[]> {
    const wrong = async (colour: Colour, wanted: 'open' | 'fenced') => {
      const probes = await this.#pair.ports.clusters[colour].fence.probe(within(askSeconds))
      const others = probes.filter(({ answer }) => answer !== wanted).map(({ brokerId, answer }) => `broker ${brokerId} of ${colour} is ${answer}`)
      return probes.length === this.#parts.nodeIds(colour).length ? others : [...others, `${probes.length} brokers of ${colour} are registered`]
    }
    return (await Promise.all([wrong(live, 'open'), wrong(otherColour(live), 'fenced')])).flat()
  }

  async #mirror(live: Colour, connector: string | null, isElseAtRest: boolean): Promise<readonly string[]> {
    if (connector === null) return [`no mirror from ${live} is known`]
    const mirror = this.#pair.ports.mirrors[live]
    const { state, tasks } = await mirror.facts(connector, within(askSeconds))
    if (state !== 'RUNNING' || tasks.length === 0) return [`the mirror from ${live} is ${state} with ${tasks.length} tasks`]
    const ill = tasks.filter((task) => task.state !== 'RUNNING')
    const isFailed = isElseAtRest && ill.some((task) => task.state === 'FAILED')
    this.#failedSinceMs = isFailed ? (this.#failedSinceMs ?? systemClock.monotonicMs()) : null
    if (this.#failedSinceMs !== null && systemClock.monotonicMs() - this.#failedSinceMs > operatorLooksMs) {
      this.operator.push(`restarted FAILED tasks of ${connector}`)
      this.#failedSinceMs = null
      await mirror.restartTasks(connector, within(askSeconds))
    }
    return ill.map((task) => `a task of the mirror from ${live} is ${task.state}`)
  }

  async #missingParts(): Promise<readonly string[]> {
    const ill = await Promise.all(colours.map((colour) => this.#illReplicas(colour)))
    return [...ill.flat(), ...(await this.#missingGuardians())]
  }

  async #illReplicas(colour: Colour): Promise<readonly string[]> {
    const { inventory } = this.#pair.ports.clusters[colour]
    const [topics, quorum] = await Promise.all([inventory.topics(within(askSeconds)), inventory.quorum(within(askSeconds))])
    const seen = <T>(value: T): Reading<T> => ({ seen: true, value })
    const nothing = { seen: false, why: 'not asked' } as const
    const rights = { acls: nothing, quotas: nothing, scramUsers: nothing, authorizers: nothing }
    const others = { expectedClusterId: '', cluster: nothing, ...rights, groups: nothing, openTransactions: nothing, probes: nothing, producers: nothing }
    const snapshot = { colour, topics: seen(topics), quorum: seen({ ...quorum, firstLeaderEpoch: quorum.leaderEpoch }), ...others }
    const checks = [checkReplicaHealth(snapshot, this.#pair.wiring.topics), checkControllerQuorum(snapshot)]
    return checks.flatMap(({ name, verdict, observed }) => (verdict === 'pass' ? [] : [`${name}: ${observed}`]))
  }

  async #missingGuardians(): Promise<readonly string[]> {
    const { root, wiring, ports } = this.#pair
    const clients = await ports.store.clients(within(askSeconds))
    return colours.flatMap((colour) => {
      const guardian = observeGuardian({ projectRoot: root, fleet: wiring.fleet }, colour)
      const isThere = guardian !== null && clients.some(({ instanceId }) => instanceId === guardianRegistration(colour, guardian.pid).instanceId)
      return isThere ? [] : [`the guardian beside ${colour} isn't registered`]
    })
  }
}

/** Parts that nobody of the soak has ended and that don't run: a supervisor starts them again, and that is told. */
export async function startWhoDied(parts: Parts, isExpected: (part: Part) => boolean): Promise<readonly string[]> {
  const brokers = colours.flatMap((colour) => parts.nodeIds(colour).map((nodeId): Part => ({ kind: 'broker', colour, nodeId })))
  const others: readonly Part[] = [
    ...colours.flatMap((colour): Part[] => [
      { kind: 'connect', colour },
      { kind: 'guardian', colour },
    ]),
    { kind: 'etcd' },
  ]
  const dead = [...brokers, ...others].filter((part) => !isExpected(part) && parts.pidOf(part) === null)
  for (const part of dead) await parts.start(part)
  return dead.map(partText)
}

export function unrestText({ traffic, parts }: Unrest): string {
  return firstFive([...traffic, ...parts])
}
