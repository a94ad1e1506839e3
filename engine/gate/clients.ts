import { firstFive } from '../model/error.ts'
import { type ClientRegistration, isApplication } from '../model/route.ts'
import type { Reading } from '../model/snapshot.ts'
import { type Check, judged } from './check.ts'

/**
 * Do all routed clients follow the route's present epoch? One that lags would miss the hold and meet the fence. This project's own processes are no clients:
 * a move waits for the write-back's acknowledgement by itself, and guardians have a check of their own.
 */
export function checkClients(clients: Reading<readonly ClientRegistration[]>, epoch: number): Check {
  const name = 'routed clients'
  const required = `every registered client on epoch ${epoch}`
  const remedy = 'A client that does not follow the route store has lost its connection to it; restart it.'
  if (!clients.seen) return judged(name, 'inconclusive', clients.why, required, remedy)
  const applications = clients.value.filter(isApplication)
  const late = applications.filter((client) => client.ackedEpoch < epoch)
  const observed = late.length === 0 ? `${applications.length} clients` : firstFive(late.map((client) => `${client.clientId} on epoch ${client.ackedEpoch}`))
  return judged(name, late.length === 0 ? 'pass' : 'fail', observed, required, remedy)
}
