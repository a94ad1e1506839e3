/** Every resource type of the provider `kbg`. */
import { handlerOf, type ResourceHandler } from '../resource-handler.ts'

/**
 * Each type is loaded when it is first asked for: a colour's preview needs no etcd client, and the process answers the
 * engine before the slowest library is read.
 */
const loaders: Readonly<Record<string, () => Promise<ResourceHandler>>> = {
  'kbg:index:LocalCluster': async () => {
    const [{ localCluster }, { localClustersWhenAsked }] = await Promise.all([import('./local-cluster.ts'), import('./local-cluster-by-engine.ts')])
    return handlerOf(localCluster(localClustersWhenAsked))
  },
  'kbg:index:ManagedCluster': async () => handlerOf((await import('./managed-cluster.ts')).managedCluster),
  'kbg:index:ExternalCluster': async () => {
    const [{ externalCluster }, { externalClustersWhenAsked }] = await Promise.all([import('./external-cluster.ts'), import('./external-cluster-by-engine.ts')])
    return handlerOf(externalCluster(externalClustersWhenAsked))
  },
  'kbg:index:MskBirth': async () => {
    const [{ mskBirth }, { mskBirthsWhenAsked }] = await Promise.all([import('./msk-birth.ts'), import('./msk-birth-by-engine.ts')])
    return handlerOf(mskBirth(mskBirthsWhenAsked))
  },
  'kbg:index:LocalRouteStore': async () => {
    const [{ localRouteStore }, { localRouteStores }] = await Promise.all([import('./local-route-store.ts'), import('../../engine/run/local-platform.ts')])
    return handlerOf(localRouteStore(localRouteStores))
  },
  'kbg:index:LocalMirrorWorker': async () => {
    const [{ localMirrorWorker }, { localMirrorWorkers }] = await Promise.all([
      import('./local-mirror-worker.ts'),
      import('../../engine/run/local-platform.ts'),
    ])
    return handlerOf(localMirrorWorker(localMirrorWorkers))
  },
  'kbg:index:ManagedMirror': async () => {
    const [{ managedMirror }, { managedMirrors }] = await Promise.all([import('./managed-mirror.ts'), import('../../engine/run/managed-mirrors.ts')])
    return handlerOf(managedMirror(managedMirrors))
  },
  'kbg:index:LocalAudit': async () => {
    const [{ localAudit }, { localAudits }] = await Promise.all([import('./local-audit.ts'), import('../../engine/run/local-platform.ts')])
    return handlerOf(localAudit(localAudits))
  },
  'kbg:index:LocalWriteBack': async () => {
    const [{ localWriteBack }, { localWriteBacks }] = await Promise.all([import('./local-write-back.ts'), import('../../engine/run/local-platform.ts')])
    return handlerOf(localWriteBack(localWriteBacks))
  },
  'kbg:index:LocalGuardian': async () => {
    const [{ localGuardian }, { localGuardians }] = await Promise.all([import('./local-guardian.ts'), import('../../engine/run/local-platform.ts')])
    return handlerOf(localGuardian(localGuardians))
  },
  'kbg:index:Switchover': async () => {
    const [{ switchover }, { switchoverEngine }] = await Promise.all([import('./switchover.ts'), import('./switchover-by-engine.ts')])
    return handlerOf(switchover(switchoverEngine))
  },
  'kbg:index:RetirementGuard': async () => {
    const [{ retirementGuard }, { retirementEngine }] = await Promise.all([import('./retirement-guard.ts'), import('./retirement-by-engine.ts')])
    return handlerOf(retirementGuard(retirementEngine))
  },
}

const loaded = new Map<string, Promise<ResourceHandler>>()

/** The handler of a type token; undefined when this provider has none of that name. */
export function resourceHandler(type: string): Promise<ResourceHandler | undefined> {
  const load = Object.hasOwn(loaders, type) ? loaders[type] : undefined
  if (load === undefined) return Promise.resolve(undefined)
  const handler = loaded.get(type) ?? load()
  loaded.set(type, handler)
  return handler
}

/** The provider's schema: names only. Programs use the typed classes of `components/`, so nothing is generated from it. */
export function schemaOf(version: string): string {
  const resources = Object.fromEntries(Object.keys(loaders).map((type) => [type, { isComponent: false }]))
  return JSON.stringify({ name: 'kbg', version, description: 'Kafka blue-green: its own resources', resources })
}
