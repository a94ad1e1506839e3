/** Mirrors on MSK Connect as resources use them. */
import { openMirror } from '../adapters/connect/open-mirror.ts'
import type { ClusterAccess } from '../model/cluster-access.ts'
import { firstFive, KbgError, messageOf } from '../model/error.ts'
import type { MskConnectWorker } from '../model/msk-connect-worker.ts'
import { Deadline } from '../ports/clock.ts'
import type { PlatformCall } from './local-platform.ts'

/** The connectors into one colour on MSK Connect. */
export interface ManagedMirrorEdge {
  readonly source: ClusterAccess
  readonly target: ClusterAccess
  readonly worker: MskConnectWorker
}

export const managedMirrors = {
  /** Ends every connector under this colour's names, beside each other, and waits until they are gone. @throws KbgError `mirror-runs` */
  async end({ source, target, worker }: ManagedMirrorEdge, { clock, cancelled, tell }: PlatformCall): Promise<void> {
    const mirror = await openMirror(source, target, worker)
    try {
      const deadline = new Deadline(clock, mirror.changeMs, `the connectors into ${target.colour} to end`, cancelled)
      const names = await mirror.connectors(deadline)
      if (names.length > 0) tell({ step: 'mirror', text: `ending ${firstFive(names)} into ${target.colour}: minutes on MSK Connect` })
      const ended = await Promise.allSettled(names.map((name) => mirror.delete(name, deadline)))
      const left = ended.flatMap((each, index) => (each.status === 'rejected' ? [`${names[index]}: ${messageOf(each.reason)}`] : []))
      if (left.length > 0) throw new KbgError('mirror-runs', `Connectors into ${target.colour} may still run.`, { facts: { observed: firstFive(left) } })
    } catch (thrown) {
      if (cancelled.aborted) throw thrown
      throw new KbgError('mirror-runs', `The connectors into ${target.colour} aren't known to have ended: ${messageOf(thrown)}`, {
        remedy: `Run it again from the operators' network, before ${target.colour} is destroyed. Where that colour is gone: delete the connectors named ${worker.namePrefix}... on MSK Connect, then take this resource out of the state (pulumi state delete).`,
        cause: thrown,
      })
    } finally {
      await mirror.close()
    }
  },
}
