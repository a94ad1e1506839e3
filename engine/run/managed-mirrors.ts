/** Mirrors on MSK Connect as resources use them. */
import { endAllNamed, type MskConnectNames } from '../adapters/connect/msk-ends.ts'
import { changeMs } from '../adapters/connect/msk-mirror.ts'
import { OffsetsStore } from '../adapters/connect/offsets-store.ts'
import type { ClusterAccess } from '../model/cluster-access.ts'
import { firstFive, KbgError, messageOf } from '../model/error.ts'
import { Deadline } from '../ports/clock.ts'
import type { PlatformCall } from './local-platform.ts'

/** The connectors into one colour on MSK Connect. */
export interface ManagedMirrorEnd {
  readonly target: ClusterAccess
  readonly worker: MskConnectNames
}

export const managedMirrors = {
  /** Ends every connector under this colour's names, beside each other, and waits until they are gone; brokers that are gone already are no hindrance. @throws KbgError `mirror-runs` */
  async end({ target, worker }: ManagedMirrorEnd, { clock, cancelled, tell }: PlatformCall): Promise<void> {
    const store = new OffsetsStore(target)
    const deadline = new Deadline(clock, changeMs, `the connectors into ${target.colour} to end`, cancelled)
    try {
      await endAllNamed(worker, store, deadline, {
        ending: (names) => tell({ step: 'mirror', text: `ending ${firstFive(names)} into ${target.colour}: minutes on MSK Connect` }),
        unread: (why) =>
          tell({
            step: 'mirror',
            text: `what was asked for can't be read on ${target.colour} (${why.slice(0, 200)}): MSK Connect's lists have to say for minutes that there is none`,
          }),
      })
    } catch (thrown) {
      if (cancelled.aborted) throw thrown
      throw new KbgError('mirror-runs', `The connectors into ${target.colour} aren't known to have ended: ${messageOf(thrown)}`, {
        remedy: `Run it again, as a role that may list and end connectors on MSK Connect; or delete those named ${worker.namePrefix}... there first.`,
        cause: thrown,
      })
    } finally {
      store.close()
    }
  },
}
