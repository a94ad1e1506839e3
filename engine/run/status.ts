import { lossWithout } from '../gate/unmirrored.ts'
import type { AuditFacts } from '../model/audit-facts.ts'
import type { Colour } from '../model/colour.ts'
import { messageOf } from '../model/error.ts'
import type { BrokerProbe } from '../model/facts.ts'
import { reachedBy } from '../model/guardian-sight.ts'
import type { Limits } from '../model/limits.ts'
import { publishMs } from '../model/route-publication.ts'
import type { Reading } from '../model/snapshot.ts'
import type { Wiring } from '../model/wiring.ts'
import { Deadline } from '../ports/clock.ts'
import type { ToldThere } from '../switchover/publications-text.ts'
import { statusText } from '../switchover/status-text.ts'
import type { Ports } from './ports.ts'

const statusMs = 10_000
const auditMs = 2_000

/** Observes and explains the fleet's state in words; a colour that can't be asked is said to be unknown. */
export async function describeStatus(
  ports: Ports,
  { waves, guardians, clusters, topics }: Pick<Wiring, 'waves' | 'guardians' | 'clusters' | 'topics'>,
  limits: Limits,
): Promise<string> {
  const deadline = new Deadline(ports.clock, statusMs, 'the fleet to be observed')
  const published = readPublications(ports, deadline)
  const [publications, drillMark, reading, clients, blue, green] = await Promise.all([
    published,
    seen(ports.store.drillMark(deadline)),
    published.then(() => ports.store.read(deadline)), // behind it: however the route moves, nothing that was told is newer than what is read here
    ports.store.clients(deadline),
    probe(ports, 'blue', deadline),
    probe(ports, 'green', deadline),
  ])
  const { route, journal, lock } = reading
  const isAudited = ports.audit !== null
  const clusterIds = { blue: clusters.blue.clusterId, green: clusters.green.clusterId }
  const isGone = route !== null && isSilent({ blue, green }[route.live])
  const gone = isGone
    ? { without: lossWithout(await auditFacts(ports, deadline), route.live, topics), reaching: await reaching(ports, route.live, deadline) }
    : {}
  return statusText({
    ...gone,
    drillMark,
    clusterIds,
    route,
    journal,
    lockHolder: lock?.holder ?? null,
    clients,
    publications,
    probes: { blue, green },
    isAudited,
    waves,
    guardians,
    limits,
  })
}

async function reaching({ store }: Ports, colour: Colour, deadline: Deadline): Promise<Reading<readonly string[]>> {
  return seen(store.sights(deadline).then((sights) => reachedBy(sights, colour)))
}

/** What is told wherever the route is published. Never rejects, and leaves time for the rest. */
async function readPublications({ publications }: Ports, deadline: Deadline): Promise<readonly ToldThere[]> {
  const patience = deadline.within(publishMs, 'what is published')
  return await Promise.all(publications.map(async (publication) => ({ place: publication.place, epoch: await seen(publication.epoch(patience)) })))
}

/** What was read, or why it can't be: one part that is unreadable doesn't keep the rest from being told. */
async function seen<T>(reading: Promise<T>): Promise<Reading<T>> {
  try {
    return { seen: true, value: await reading }
  } catch (thrown) {
    return { seen: false, why: messageOf(thrown) }
  }
}

function isSilent(probes: Reading<readonly BrokerProbe[]>): boolean {
  return !probes.seen || probes.value.every(({ answer }) => answer === 'unreachable')
}

async function auditFacts({ audit, clock }: Ports, deadline: Deadline): Promise<Reading<AuditFacts> | null> {
  return audit === null ? null : seen(audit.facts(new Deadline(clock, Math.max(auditMs, deadline.remainingMs()), 'the audit')))
}

function probe(ports: Ports, colour: Colour, deadline: Deadline): Promise<Reading<readonly BrokerProbe[]>> {
  return seen(ports.clusters[colour].fence.probe(deadline))
}
