import type { ClusterAccess } from '../../model/cluster-access.ts'
import type { MirrorWorker } from '../../model/wiring.ts'
import type { Mirror } from '../../ports/mirror.ts'
import { connectMirror } from './mirror.ts'

/** The mirror edge `source -> target` on whatever makes its connectors. Connections are made when they are first needed. @throws KbgError `wrong-worker` */
export async function openMirror(source: ClusterAccess, target: ClusterAccess, worker: MirrorWorker): Promise<Mirror> {
  if (!('kind' in worker)) return connectMirror({ source, target, worker })
  const { MskMirror } = await import('./msk-mirror.ts') // AWS's SDK is no part of other fleets
  return new MskMirror({ source, target, worker })
}
