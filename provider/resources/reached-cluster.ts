/** What resources do alike whose cluster isn't made by them, and is reached from here. */
import { KbgError, messageOf } from '../../engine/model/error.ts'
import type { Call } from '../resource-definition.ts'

/** @throws KbgError `cluster-change` where another cluster answers than the one that is remembered */
export function requireSameCluster(colour: string, observed: string, required: string, remedy: string): void {
  if (observed === required) return
  throw new KbgError('cluster-change', `Another cluster answers where ${colour} is expected.`, {
    facts: { observed, required },
    remedy: `A colour stays the cluster that it is. ${remedy}`,
  })
}

/** Warns of brokers that aren't registered, or that can't be asked; neither stops a refresh. */
export async function warnOfMissingBrokers(colour: string, wanted: number, call: Call, registered: () => Promise<number>): Promise<void> {
  try {
    const brokers = await registered()
    if (brokers !== wanted) call.warn(`${brokers} of ${wanted} brokers of ${colour} are registered.`)
  } catch (thrown) {
    if (!(thrown instanceof KbgError)) throw thrown
    call.warn(`${colour} can't be asked now: ${messageOf(thrown)}`)
  }
}
