/**
 * The guardians beside a local fleet: a detached Node process for each colour. Files in `.kbg/<fleet>/traffic/guardian-<colour>/` (0700). They keep no state: what was
 * decided stands in the route store.
 */
import { type Colour, colours } from '../../model/colour.ts'
import type { GuardianConfig } from '../../model/guardian.ts'
import type { Deadline } from '../../ports/clock.ts'
import type { OnProgress } from './cluster.ts'
import { codeDigest } from './code-digest.ts'
import { destroyFollower, type FollowerKind, type FollowerLocation, observeFollower, provisionFollower } from './route-follower.ts'

function guardianOf(colour: Colour): FollowerKind {
  return {
    ...{ name: `guardian-${colour}`, title: `the guardian beside ${colour}`, main: ['guardian', 'main.ts'], config: 'guardian.json' },
    // What it is finishing mostly ends within this; what doesn't is finished by whoever comes next.
    stopGraceMs: 10_000,
  }
}

/** Starts it, or makes sure that it runs as declared and from these sources. See {@link provisionFollower}. */
export function provisionGuardian(
  projectRoot: string,
  declared: Omit<GuardianConfig, 'code'>,
  isRegistered: (processId: number) => Promise<boolean>,
  onProgress: OnProgress,
  deadline: Deadline,
): Promise<void> {
  const config: GuardianConfig = { ...declared, code: codeDigest() }
  return provisionFollower(guardianOf(declared.colour), { projectRoot, fleet: declared.wiring.fleet }, config, isRegistered, onProgress, deadline)
}

/** Process id, and whether it runs these sources; null when it doesn't run. Asks nobody but the operating system. */
export function observeGuardian(at: FollowerLocation, colour: Colour): { readonly pid: number; readonly isCurrent: boolean } | null {
  const running = observeFollower(guardianOf(colour), at)
  return running === null ? null : { pid: running.pid, isCurrent: running.configuration.includes(`"code": "${codeDigest()}"`) }
}

/** Ends it and removes its files. */
export function destroyGuardian(at: FollowerLocation, colour: Colour, deadline: Deadline): Promise<void> {
  return destroyFollower(guardianOf(colour), at, deadline)
}

/** Ends both. */
export async function destroyGuardians(at: FollowerLocation, deadline: Deadline): Promise<void> {
  await Promise.all(colours.map((colour) => destroyGuardian(at, colour, deadline)))
}
