import { type Colour, otherColour } from '../model/colour.ts'
import { KbgError } from '../model/error.ts'
import type { JournalEntry } from '../model/journal.ts'
import type { RouteDocument } from '../model/route.ts'
import { publishMs } from '../model/route-publication.ts'
import { Deadline } from '../ports/clock.ts'
import { mirrorRecord, openSwitch } from '../switchover/journal-reading.ts'
import { endpointsOf, firstRoute } from '../switchover/route-moves.ts'
import { type Actual, Execution } from './execution.ts'
import { ensureCanaries, ensureFirstMirror, refuseFilled } from './mirrors.ts'
import type { Ports } from './ports.ts'
import { reconcileFences } from './reconcile-fences.ts'
import { FenceUnproven, openColour, proveFence } from './steps/fences.ts'
import type { MoveRequest } from './switchover.ts'
import { takeLock } from './under-lock.ts'

const createMs = 60_000

/**
 * Creates the route of a fleet, or adopts the one that is there. Never moves traffic: a route that names another live colour is refused.
 * Both colours are born fenced; the live one is opened here, before the first epoch is published, and the mirror live -> standby starts.
 */
export async function createRoute(ports: Ports, request: Omit<MoveRequest, 'gateEpoch'>): Promise<Actual> {
  const lock = await takeLock(ports, request)
  let run: Execution | undefined
  try {
    const reading = await ports.store.read(new Deadline(ports.clock, 5_000, 'the route store'))
    const route =
      reading.route ?? firstRouteOf(request, Math.max(reading.highestClientEpoch, lastEpoch(reading.journal), await publishedEpoch(ports)), lock.term)
    run = new Execution({
      ...request,
      ports,
      lock,
      route,
      journal: reading.journal,
      routeRevision: reading.routeRevision,
      journalHead: reading.journalHead,
    })
    if (reading.route === null) await publishFirst(run, route)
    else {
      refuseAnother(reading.route, request)
      run.publishAgain()
    }
    // A switch that was left open owns its connectors: the next update finishes it, with the reverse one seeded.
    if (run.route.state === 'open' && openSwitch(run.journal) === null) {
      await reconcileFences(run)
      await startMirror(run)
    }
    return run.actual
  } finally {
    await lock.release()
    await run?.endPublications()
  }
}

/**
 * The newest epoch that the journal tells of: a client may know it that isn't registered now. 0 without a journal.
 *
 * @throws KbgError `route-lost` when the journal tells of a switchover or a wave: where groups read, and what is latched, stood in the document that is gone
 */
export function lastEpoch(journal: readonly JournalEntry[]): number {
  const newest = journal.findLast((entry) => entry.kind === 'opened')
  if (newest?.kind === 'opened') {
    throw new KbgError('route-lost', 'The route document is gone, and the journal tells of a switchover.', {
      facts: { newest: `${newest.source} -> ${newest.target} at epoch ${newest.epoch}`, required: 'the document, or a fleet that has never switched' },
      remedy: 'Restore the route store from its backup; a new route would forget which groups stayed behind, and could open the wrong colour.',
    })
  }
  const wave = journal.findLast((entry) => entry.kind === 'wave')
  if (wave !== undefined) {
    throw new KbgError('route-lost', 'The route document is gone, and the journal tells of groups that were moved.', {
      facts: { newest: `${wave.wave} ${wave.source} -> ${wave.target}, ${wave.what}`, required: 'the document, or a fleet in which nothing has moved yet' },
      remedy: 'Restore the route store from its backup; a new route would send those groups to positions that they have passed.',
    })
  }
  return Math.max(0, ...journal.map((entry) => ('epoch' in entry ? entry.epoch : 0)))
}

/** The newest epoch that was ever published: clients that poll are registered nowhere, and would ignore a new route below it. */
export async function publishedEpoch({ clock, publications }: Pick<Ports, 'clock' | 'publications'>): Promise<number> {
  const deadline = new Deadline(clock, publishMs, 'what is published')
  return Math.max(0, ...(await Promise.all(publications.map((publication) => publication.epoch(deadline)))))
}

function firstRouteOf(request: Omit<MoveRequest, 'gateEpoch'>, highestEpoch: number, term: string): RouteDocument {
  const { blue, green } = request.wiring.clusters
  return firstRoute(
    request.wiring.fleet,
    request.intent.live,
    { blue: endpointsOf(blue), green: endpointsOf(green) },
    highestEpoch,
    request.intent.attempt,
    term,
  )
}

function refuseAnother(route: RouteDocument, request: Omit<MoveRequest, 'gateEpoch'>): void {
  if (route.live === request.intent.live) return
  throw new KbgError('route-differs', 'A route is there already and names another live colour; creating never moves traffic.', {
    facts: { observed: route.live, wanted: request.intent.live, epoch: route.epoch },
    remedy: `Set the config key live to ${route.live} and run pulumi up; then change it to switch.`,
  })
}

/** An adopted colour isn't born fenced: it serves whoever uses it, and nobody has said that this may end. One on a cloud has users of its own too, and is fenced. */
async function refuseAdoptedStandby({ wiring, ports }: Execution, standby: Colour, deadline: Deadline): Promise<void> {
  if (wiring.clusters[standby].users === undefined) return
  try {
    await proveFence(ports.clusters[standby], 'fenced', deadline)
  } catch (thrown) {
    // A broker that doesn't answer says nothing of the fence.
    if (!(thrown instanceof FenceUnproven) || !thrown.answers.some(({ answer }) => answer === 'open')) throw thrown
    throw new KbgError('adopted-standby', `${standby} isn't fenced, as an adopted cluster isn't, and so can't be a fleet's first standby.`, {
      facts: { observed: `live ${otherColour(standby)}`, required: `live ${standby}` },
      remedy: `Set live to ${standby} in the traffic stack's config; switch afterwards.`,
      cause: thrown,
    })
  }
}

/** The standby must be fenced and stays so; the live colour is opened and proven, then the first epoch is published. */
async function publishFirst(run: Execution, route: RouteDocument): Promise<void> {
  const standby = otherColour(route.live)
  const deadline = run.untilCancelled(createMs, `${route.live} to open`)
  const toBeFenced = () => deadline.within(5_000, `${standby} to be fenced`)
  await refuseAdoptedStandby(run, standby, toBeFenced())
  if (mirrorRecord(run.journal, route.live) === null) await refuseFilled(run, standby)
  run.tell({ step: 'create', text: `opening ${route.live}; ${standby} stays fenced` })
  await proveFence(run.ports.clusters[standby], 'fenced', toBeFenced())
  await openColour(run.ports.clusters[route.live], deadline)
  await run.record({ kind: 'created', live: route.live, epoch: route.epoch }, route)
}

async function startMirror(run: Execution): Promise<void> {
  const source = run.route.live
  const target = otherColour(source)
  run.tell({ step: 'create', text: `mirror ${source} -> ${target} from the earliest record` })
  await ensureFirstMirror(run, source, target)
  await ensureCanaries(run)
}
