/**
 * The write-back beside a local fleet: a detached Node process that keeps the live side's copy of positions which groups commit on the standby.
 * Files in `.kbg/<fleet>/traffic/write-back/` (0700). It keeps no state: what it has written stands in the clusters.
 */
import type { Wiring } from '../../model/wiring.ts'
import type { Deadline } from '../../ports/clock.ts'
import type { OnProgress } from './cluster.ts'
import { destroyFollower, type FollowerKind, type FollowerLocation, observeFollower, provisionFollower } from './route-follower.ts'

const writeBack: FollowerKind = {
  ...{ name: 'write-back', title: 'the write-back', main: ['write-back', 'main.ts'], config: 'wiring.json' },
  // A commit under way ends within this.
  stopGraceMs: 6_000,
}

/** See {@link provisionFollower}. */
export function provisionWriteBack(
  projectRoot: string,
  wiring: Wiring,
  isRegistered: (processId: number) => Promise<boolean>,
  onProgress: OnProgress,
  deadline: Deadline,
): Promise<void> {
  return provisionFollower(writeBack, { projectRoot, fleet: wiring.fleet }, wiring, isRegistered, onProgress, deadline)
}

/** Process id; null when it doesn't run. Asks nobody but the operating system. */
export function observeWriteBack(at: FollowerLocation): number | null {
  return observeFollower(writeBack, at)?.pid ?? null
}

/** Ends it and removes its files. */
export function destroyWriteBack(at: FollowerLocation, deadline: Deadline): Promise<void> {
  return destroyFollower(writeBack, at, deadline)
}
