import { markDrill } from '../../adapters/etcd/drill-keys.ts'
import { type Colour, otherColour } from '../../model/colour.ts'
import { type DrillResult, drillTopics } from '../../model/drill.ts'
import { KbgError, messageOf } from '../../model/error.ts'
import type { Wiring } from '../../model/wiring.ts'
import { Deadline } from '../../ports/clock.ts'
import { judgeDrill } from '../../switchover/drill-verdict.ts'
import { leftOpen } from '../../switchover/resume.ts'
import { isWatching, newestWatch } from '../../switchover/watch-reading.ts'
import { createRoute } from '../create-route.ts'
import type { Execution } from '../execution.ts'
import { closePorts, type Ports } from '../ports.ts'
import { moveLive } from '../switchover.ts'
import { type RunRequest, underLock } from '../under-lock.ts'
import { connectDrillPorts, drillWiring } from './drill-ports.ts'
import { prepareDrill, sweepDrill } from './sweep.ts'

const prepareMs = 60_000
/** A reader of a drill that was killed is a member of its group until its session ends, half a minute by default. */
const sweepMs = 90_000
const markMs = 5_000
const flowMs = 30_000
const readMs = 30_000

/** The clients of a drill: a routed producer and a routed reader, which follow the drill's route. */
export interface DrillLoad {
  /** Waits until some hundred more records were acknowledged and read. @throws KbgError `deadline` */
  flow(deadline: Deadline): Promise<void>
  /** The longest time without an acknowledgement since the last call, up to now. */
  takeWindowMs(): number
  /** Ends the producer, waits until everything that was acknowledged was read or the deadline is over, ends the reader. */
  stop(deadline: Deadline): Promise<{ readonly acknowledged: readonly string[]; readonly received: readonly string[] }>
}

/** Starts them. */
export type StartDrillLoad = (wiring: Wiring) => Promise<DrillLoad>

/**
 * A full switchover and the way back on the real pair, with a route, topics, a group, connectors and a fence of its own, judged by what its clients saw. It holds the fleet's lock, so that nothing else moves
 * meanwhile, and touches nothing of the fleet's; what an earlier one left is removed first. The result is journaled.
 *
 * @throws KbgError `drill-refused` while something is open or watched; `locked`, `no-route`
 */
export async function drill(ports: Ports, request: Omit<RunRequest, 'intent'>, startLoad: StartDrillLoad): Promise<DrillResult> {
  return await underLock(ports, { ...request, intent: null }, async (run) => {
    refuseBusy(run)
    const within = (ms: number, what: string) => run.untilCancelled(ms, what)
    run.tell({ step: 'drill', text: 'removing what an earlier drill left' })
    await sweepDrill(ports, request.wiring, within(sweepMs, 'what an earlier drill left to be gone'))
    const mark = { holder: request.holder, begunAtUtc: ports.clock.wallClock().toISOString() }
    await markDrill(request.wiring.routeStore, request.wiring.fleet, mark, within(markMs, 'the mark of the drill'))
    try {
      await prepareDrill(ports, request.wiring, within(prepareMs, "the drill's topics"))
      const result = await thereAndBack(run, request, startLoad)
      await run.record({ kind: 'drill', ...result })
      return result
    } finally {
      await sweepDrill(ports, request.wiring, run.untilLockLost(sweepMs, 'what the drill has made to be gone'))
    }
  })
}

function refuseBusy(run: Execution): void {
  const { route, journal } = run
  const watch = newestWatch(journal)
  const why = leftOpen(route, journal) !== null ? 'a switchover or a wave is open' : isWatching(watch) ? `${watch.colour} is watched` : null
  if (why === null) return
  throw new KbgError('drill-refused', `No drill now: ${why}.`, {
    facts: { live: route.live, state: route.state },
    remedy: 'Wait for its end; kbg status says more.',
  })
}

/** What comes in between ends the drill early, and is part of its result: clients are counted whatever happened. */
async function thereAndBack(run: Execution, request: Omit<RunRequest, 'intent'>, startLoad: StartDrillLoad): Promise<DrillResult> {
  const { live } = run.route
  const own = { ...request, wiring: drillWiring(request.wiring), limits: { ...request.limits, maxDrillAgeDays: 0 } }
  const ports = await connectDrillPorts(request.wiring, otherColour(live), run.ports.clock)
  const windowsMs: number[] = []
  let load: DrillLoad | null = null
  let reason = ''
  const move = async (to: Colour) => {
    const { route } = await ports.store.read(run.untilCancelled(readMs, "the drill's route"))
    const cancelled = AbortSignal.any([run.cancelled, run.lock.lost])
    await moveLive(ports, { ...own, cancelled, intent: { live: to, attempt: 0, consumers: {} }, gateEpoch: route?.epoch ?? 0 })
  }
  try {
    await createRoute(ports, { ...own, cancelled: run.cancelled, intent: { live, attempt: 0, consumers: {} } })
    load = await startLoad(own.wiring)
    for (const to of [otherColour(live), live]) {
      await load.flow(run.untilCancelled(flowMs, "the drill's records to flow"))
      load.takeWindowMs()
      await move(to)
      await load.flow(run.untilCancelled(flowMs, `the drill's records to flow on ${to}`))
      windowsMs.push(load.takeWindowMs())
    }
  } catch (thrown) {
    reason = messageOf(thrown)
  }
  try {
    const seen = (await load?.stop(new Deadline(run.ports.clock, flowMs, 'everything to be read'))) ?? { acknowledged: [], received: [] }
    return judgeDrill({ ...seen, log: await valuesOf(ports), windowsMs, reason })
  } finally {
    await closePorts(ports)
  }
}

/** The values of all records on the colour that the drill's route has live in the end. */
async function valuesOf(ports: Ports): Promise<readonly string[]> {
  const deadline = new Deadline(ports.clock, readMs, 'the whole log of the drill')
  const { route } = await ports.store.read(deadline)
  if (route === null) return []
  const { logs } = ports.clusters[route.live]
  const ends = await logs.ends([drillTopics.records], deadline)
  const records = await Promise.all(ends.map(({ partition, lastStableOffset }) => logs.copies(partition, 0n, lastStableOffset, deadline)))
  return records.flat().map(({ value }) => (value === null ? '' : Buffer.from(value).toString('utf8')))
}
