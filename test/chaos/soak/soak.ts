/**
 * `npm run chaos -- --minutes N [--seed S]`: one pair under load, switched back and forth; in each round one fault. Everything is real: brokers, Connect, etcd, guardians, orchestrators and clients in
 * processes of their own.
 */
import { mkdirSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { Catalog } from '../../../engine/model/catalog.ts'
import { type Colour, colours } from '../../../engine/model/colour.ts'
import { firstFive, messageOf } from '../../../engine/model/error.ts'
import type { JournalEntry } from '../../../engine/model/journal.ts'
import { Limits } from '../../../engine/model/limits.ts'
import { systemClock } from '../../../engine/ports/clock.ts'
import { sampleLag } from '../../../engine/run/lag.ts'
import { departures } from '../../../engine/switchover/conformance.ts'
import { mirrorRecord } from '../../../engine/switchover/journal-reading.ts'
import { longestStallMs } from '../../../engine/switchover/stall.ts'
import { toolPaths } from '../../../tools/paths.ts'
import { cleaningUp } from '../../bench/harness/clean-up.ts'
import { interrupted } from '../../bench/harness/interrupt.ts'
import { type Pair, quickGate, standPair } from '../../support/pair.ts'
import { WorkloadProcess } from '../../support/workload/process.ts'
import { versions } from '../support/chaos-pair.ts'
import { isInNamespace, narrowProblem } from './network.ts'
import { Parts, within } from './parts.ts'
import { type FaultKind, faultKinds, plannedFaults } from './plan.ts'
import { roundLine, type SoakReport, soakReport } from './report.ts'
import { Rest, unrestText } from './rest.ts'
import { type Ground, playRound, type RoundResult, StuckError } from './round.ts'
import { SmallVolume } from './small-volume.ts'
import { TwoWritersWatch } from './two-writers.ts'
import { judgeSoak, objections, type SoakVerdict } from './verdict.ts'

export interface SoakForm {
  readonly minutes: number
  readonly seed: number
  /** No round is begun behind so many; null: as many as the minutes hold. */
  readonly rounds: number | null
  /** Only these kinds; null: all that the machine can do. */
  readonly kinds: readonly FaultKind[] | null
}

/** Short, so that what has to take over is seen to. A watch halts and tells; it moves nothing by itself here. */
const limits = Limits.parse({ ...quickGate, lockLeaseSeconds: 3, windowDeadlineMs: 12_000, watchWindowMs: 10_000 })
const user = 'orders-app'
const catalog = Catalog.parse({
  topics: { orders: { partitions: 3, config: { 'min.insync.replicas': '2' } }, payments: { partitions: 2, config: { 'min.insync.replicas': '2' } } },
  users: [user],
  acls: ['Topic', 'Group', 'TransactionalID'].map((resourceType) => ({ principal: `User:${user}`, resourceType, resourceName: '*', operation: 'All' })),
  groups: { billing: {} },
})
/** The store keeps the entries of the last 50 switchovers. */
const roundsBetweenHistories = 15
const readySeconds = 120

/** Which kinds this machine can't do, with why. */
export function kindsNotHere(): ReadonlyMap<FaultKind, string> {
  const outside = isInNamespace() ? null : 'there is no namespace of its own for the network and for mounts'
  const narrowing = outside ?? narrowProblem()
  const found: [FaultKind, string | null][] = [
    ['partition', outside],
    ['slow-network', narrowing],
    ['full-disk', outside],
  ]
  return new Map(found.flatMap(([kind, why]) => (why === null ? [] : [[kind, why] as const])))
}

/** Stands everything up, plays, judges, ends everything. */
export async function soak(form: SoakForm, outDir: string, tell: (line: string) => void): Promise<SoakReport> {
  const notHere = kindsNotHere()
  for (const [kind, why] of notHere) tell(`${kind} is left out: ${why}`)
  rmSync(outDir, { recursive: true, force: true })
  mkdirSync(outDir, { recursive: true })
  const pair = await standPair({ fleet: `b-soak${process.pid}`, versions, catalog, guardians: limits, audit: true })
  const parts = new Parts(pair, limits)
  const ground: Ground & { volumes: SmallVolume[] } = { pair, parts, limits, rest: new Rest(pair, parts), volumes: [], started: [] }
  const ends: (() => unknown)[] = [() => pair.end()]
  return await cleaningUp(
    () => playAndJudge(form, ground, notHere, outDir, tell, (end) => ends.unshift(end)),
    () => {
      for (const orchestrator of ground.started) if (!orchestrator.hasEnded) orchestrator.signal('SIGKILL')
      for (const volume of ground.volumes) volume.unmount()
    },
    async () => {
      for (const end of ends) await end()
    },
  )
}

async function playAndJudge(
  form: SoakForm,
  ground: Ground & { readonly volumes: SmallVolume[] },
  notHere: ReadonlyMap<FaultKind, string>,
  outDir: string,
  tell: (line: string) => void,
  atTheEnd: (end: () => unknown) => void,
): Promise<SoakReport> {
  const { pair, parts, volumes } = ground
  await pair.createRoute()
  if (!notHere.has('full-disk') && form.kinds?.includes('full-disk') !== false) {
    for (const colour of colours) volumes.push(await SmallVolume.under({ kind: 'broker', colour, nodeId: parts.nodeIds(colour)[2] ?? 0 }, pair, parts))
  }
  const workload = await startWorkload(pair, outDir)
  atTheEnd(() => workload.kill())
  const watch = await TwoWritersWatch.start(pair.wiring)
  atTheEnd(() => watch.end())
  await ready(ground)
  workload.startLoad()
  const played = await playRounds(form, ground, notHere, tell)
  await watch.end()
  const judged = played.stuck === null ? await verdictOf(ground, workload, played.journal, outDir) : null
  return report(form, ground, played, watch, judged, notHere)
}

async function startWorkload({ wiring }: Pair, outDir: string): Promise<WorkloadProcess> {
  const { fleet, routeStore, clusters } = wiring
  const transactions = { transactionalId: 'pay', abortEvery: 5, everyMs: 200 }
  return await WorkloadProcess.start(
    {
      ...{ version: 1, historyDir: join(outDir, 'history'), credentialsFile: clusters.blue.credentialsFile, recordBytes: 256, tickMs: 50 },
      client: { kind: 'routed', fleet, routeStore: { ...routeStore, username: 'client' } },
      topics: [
        { name: 'orders', partitions: 3, keys: 50 },
        { name: 'payments', partitions: 2, keys: 20 },
      ],
      producers: [
        { id: 'web', user, topics: ['orders'], ratePerSecond: 100, preloadRecords: 0, transactions: null },
        { id: 'pay', user, topics: ['payments'], ratePerSecond: 40, preloadRecords: 0, transactions },
      ],
      groups: [{ groupId: 'billing', user, topics: ['orders', 'payments'], members: 1, pauseAfterRecords: null }],
    },
    { node: toolPaths().node, clock: systemClock, dir: outDir },
  )
}

async function ready({ rest }: Ground): Promise<void> {
  const deadline = within(readySeconds, 'the pair to be at rest before the first round')
  let last = ''
  while (!deadline.over) {
    const unrest = await rest.look()
    last = unrestText(unrest)
    if (last === '') return
    await systemClock.sleep(200)
  }
  throw new StuckError(`the pair isn't at rest before the first round: ${last}`)
}

interface Played {
  readonly rounds: readonly RoundResult[]
  readonly stuck: string | null
  readonly journal: readonly JournalEntry[]
  readonly tookMs: number
}

async function playRounds(form: SoakForm, ground: Ground, notHere: ReadonlyMap<FaultKind, string>, tell: (line: string) => void): Promise<Played> {
  const startedMs = systemClock.monotonicMs()
  const tookMs = () => systemClock.monotonicMs() - startedMs
  const unwanted = (Object.keys(faultKinds) as FaultKind[]).filter((kind) => notHere.has(kind) || form.kinds?.includes(kind) === false)
  const rounds: RoundResult[] = []
  const journal = new Map<number, JournalEntry>()
  const keep = async () => {
    for (const entry of await ground.pair.ports.store.history(within(30))) journal.set(entry.number, entry)
  }
  const played = (stuck: string | null): Played => ({
    ...{ rounds, stuck, tookMs: tookMs() },
    journal: [...journal.values()].toSorted((one, other) => one.number - other.number),
  })
  for (const fault of plannedFaults(form.seed, new Set(unwanted))) {
    if (tookMs() >= form.minutes * 60_000 || rounds.length >= (form.rounds ?? Number.POSITIVE_INFINITY)) break
    try {
      const round = await unlessInterrupted(playRound(rounds.length + 1, fault, ground))
      rounds.push(round)
      tell(roundLine(round))
      if (rounds.length % roundsBetweenHistories === 0) await keep()
    } catch (thrown) {
      interrupted.throwIfAborted()
      const stuck = `round ${rounds.length + 1}, ${fault.kind} ${fault.at.side} ${fault.at.step}: ${messageOf(thrown)}`
      tell(`stuck   ${stuck}`)
      return played(stuck)
    }
  }
  await keep()
  return played(null)
}

/** ^C ends a wait; what was started is ended then. */
async function unlessInterrupted<T>(work: Promise<T>): Promise<T> {
  work.catch(() => undefined) // a round that nobody waits for any more
  interrupted.throwIfAborted()
  const stopped = Promise.withResolvers<never>()
  const stop = () => stopped.reject(interrupted.reason)
  interrupted.addEventListener('abort', stop, { once: true })
  try {
    return await Promise.race([work, stopped.promise])
  } finally {
    interrupted.removeEventListener('abort', stop)
  }
}

/** Lets everything arrive, then judges both colours. */
async function verdictOf({ pair }: Ground, workload: WorkloadProcess, journal: readonly JournalEntry[], outDir: string): Promise<SoakVerdict> {
  await workload.stopProducers()
  const behind = Object.entries(await workload.drain(60)).filter(([, records]) => records > 0)
  await workload.end()
  if (behind.length > 0) throw new Error(`groups have not read everything: ${firstFive(behind)}`)
  const { route, journal: newest } = await pair.ports.store.read(within(10))
  const live: Colour = route?.live ?? 'blue'
  const source = pair.ports.clusters[live]
  const target = pair.ports.clusters[live === 'blue' ? 'green' : 'blue']
  const connector = mirrorRecord(newest, live)?.connector ?? ''
  const subject = { clock: systemClock, source, target, mirror: pair.ports.mirrors[live], topics: pair.wiring.topics, connector, isAudited: true }
  await within(60, 'the mirror to have copied everything').poll(200, async () => ((await sampleLag(subject, 5_000)).kind === 'caught-up' ? true : undefined))
  return await judgeSoak(pair.wiring, live, journal, outDir)
}

function report(
  form: SoakForm,
  ground: Ground,
  { rounds, stuck, journal, tookMs }: Played,
  watch: TwoWritersWatch,
  verdict: SoakVerdict | null,
  notHere: ReadonlyMap<FaultKind, string>,
): SoakReport {
  const boundMs = longestStallMs(limits)
  const found = [
    ...(stuck === null ? [] : [`stuck: ${stuck}`]),
    ...watch.found.map(({ what }) => `two writers: ${what}`),
    ...(watch.observations > 0 ? [] : ['nobody looked for two writers']),
    ...(verdict === null ? [] : objections(verdict, boundMs)),
    ...departures(journal).map((departure) => `the journal departs from the protocol: ${departure}`),
  ]
  const late = journal.filter((entry) => entry.kind === 'late' && entry.what === 'appended').length
  const counts = { observations: watch.observations, twoWriters: watch.found.length, operator: ground.rest.operator, late }
  return soakReport({ form, rounds, tookMs, boundMs, found, verdict, notHere, ...counts })
}
