import { drillConnectorPrefix } from '../../model/drill.ts'
import type { Mirror } from '../../ports/mirror.ts'

const fleetPrefix = 'kbg-mirror-'

/** A fleet's mirror edge as its drill sees it: connectors under names of their own, and of the fleet's only the canaries. */
export function drillMirror(mirror: Mirror): Mirror {
  const real = (name: string) => (name.startsWith(fleetPrefix) ? `${drillConnectorPrefix}${name.slice(fleetPrefix.length)}` : name)
  const seen = (name: string) => (name.startsWith(drillConnectorPrefix) ? `${fleetPrefix}${name.slice(drillConnectorPrefix.length)}` : name)
  return {
    source: mirror.source,
    target: mirror.target,
    changeMs: mirror.changeMs,
    connectors: async (deadline) =>
      (await mirror.connectors(deadline)).filter((name) => name.startsWith(drillConnectorPrefix) || name.startsWith('kbg-canary-')).map(seen),
    facts: async (name, deadline) => ({ ...(await mirror.facts(real(name), deadline)), name }),
    createStopped: (name, topics, deadline) => mirror.createStopped(real(name), topics, deadline),
    copiedOffsets: (name, deadline) => mirror.copiedOffsets(real(name), deadline),
    seed: (name, lastCopied, deadline) => mirror.seed(real(name), lastCopied, deadline),
    resume: (name, deadline) => mirror.resume(real(name), deadline),
    stop: (name, deadline) => mirror.stop(real(name), deadline),
    restartTasks: (name, deadline) => mirror.restartTasks(real(name), deadline),
    delete: (name, deadline) => mirror.delete(real(name), deadline),
    transactionalIds: (name, deadline) => mirror.transactionalIds(real(name), deadline),
    close: () => mirror.close(),
  }
}
