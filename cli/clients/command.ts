import { resolve } from 'node:path'
import { KbgError, messageOf } from '../../engine/model/error.ts'
import { Deadline, systemClock } from '../../engine/ports/clock.ts'
import { type ClientsLook, lookAtClients, lookAtExistingClients } from '../../engine/run/look-at-clients.ts'
import { withPorts } from '../../engine/run/ports.ts'
import { type ClusterOptions, parseClusterOptions } from '../adopt/cluster-options.ts'
import { openStacks, wiringOf } from '../fleet-stacks.ts'
import { clientsLines } from './lines.ts'

const lookMs = 60_000

/** Whose clients are asked for: a fleet's, or with `bootstrapServers` those of any cluster. */
export interface ClientsOptions extends ClusterOptions {
  readonly fleet: string
  readonly json: boolean
}

/**
 * `kbg clients`: who reads and writes there, as far as brokers tell it, and who of them follows the route.
 *
 * @returns 0: every member of a group follows the route, or there is none to follow; 1: one doesn't; 2: it can't be shown, which is told
 * @throws KbgError `clients-options`
 */
export async function runClients(options: ClientsOptions): Promise<number> {
  const access = options.bootstrapServers === undefined ? undefined : parseClusterOptions('clients', options)
  try {
    const deadline = new Deadline(systemClock, lookMs, 'the clients to be looked at')
    const caFile = options.ca === undefined ? undefined : resolve(options.ca)
    const look = access ? await lookAtExistingClients({ ...access, caFile }, systemClock, deadline) : await ofFleet(options.fleet, deadline)
    console.log(options.json ? JSON.stringify(look, null, 2) : clientsLines(look).join('\n'))
    return exitCode(look)
  } catch (thrown) {
    if (!(thrown instanceof KbgError)) throw thrown
    console.error(`kbg: ${messageOf(thrown)}`)
    return 2
  }
}

async function ofFleet(fleet: string, deadline: Deadline): Promise<ClientsLook> {
  const wiring = await wiringOf(openStacks(fleet))
  return await withPorts(wiring, systemClock, (ports) => lookAtClients(ports, wiring, deadline))
}

function exitCode({ clients, producers, untold }: ClientsLook): number {
  if (!clients.seen || !producers.seen || untold.length > 0) return 2
  return clients.value.some(({ routed }) => routed === null) ? 1 : 0
}
