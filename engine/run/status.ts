import type { Colour } from '../model/colour.ts'
import { messageOf } from '../model/error.ts'
import type { BrokerProbe } from '../model/facts.ts'
import type { Limits } from '../model/limits.ts'
import type { Reading } from '../model/snapshot.ts'
import type { Wiring } from '../model/wiring.ts'
import { Deadline } from '../ports/clock.ts'
import { statusText } from '../switchover/status-text.ts'
import type { Ports } from './ports.ts'

const statusMs = 10_000

/** Observes and explains the fleet's state in words; a colour that can't be asked is said to be unknown. */
export async function describeStatus(ports: Ports, { waves, guardians }: Pick<Wiring, 'waves' | 'guardians'>, limits: Limits): Promise<string> {
  const deadline = new Deadline(ports.clock, statusMs, 'the fleet to be observed')
  const [reading, clients, blue, green] = await Promise.all([
    ports.store.read(deadline),
    ports.store.clients(deadline),
    probe(ports, 'blue', deadline),
    probe(ports, 'green', deadline),
  ])
  const { route, journal, lock } = reading
  const isAudited = ports.audit !== null
  return statusText({ route, journal, lockHolder: lock?.holder ?? null, clients, probes: { blue, green }, isAudited, waves, guardians, limits })
}

async function probe(ports: Ports, colour: Colour, deadline: Deadline): Promise<Reading<readonly BrokerProbe[]>> {
  try {
    return { seen: true, value: await ports.clusters[colour].fence.probe(deadline) }
  } catch (thrown) {
    return { seen: false, why: messageOf(thrown) }
  }
}
