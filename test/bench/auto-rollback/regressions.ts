/** What goes wrong on green behind its release, and how it is mended. */
import { createAcls, deleteAcls } from '../../../engine/adapters/kafka/admin.ts'
import { observeCluster } from '../../../engine/adapters/local/cluster.ts'
import { Deadline, systemClock } from '../../../engine/ports/clock.ts'
import type { AclBinding } from '../../../engine/ports/cluster.ts'
import type { Pair } from '../../support/pair.ts'
import { interrupted } from '../harness/index.ts'
import type { SlowDisk } from './slow-disk.ts'

export const regressionKinds = ['refused writes', 'rising latency', 'slow disk'] as const
export type RegressionKind = (typeof regressionKinds)[number]

/** One kind of regression on green. Both may be called again. */
export interface Regression {
  inject(): Promise<void>
  mend(): Promise<void>
}

/** How each is brought about: the result says it. */
export const howInjected: Readonly<Record<RegressionKind, string>> = {
  'refused writes': 'an ACL on green denies the application Write on every topic, as a mistake would; probe, operator and mirror are not refused',
  'rising latency':
    'the three brokers of green run one after the other (SIGSTOP, SIGCONT): at once 200 ms of each 675 ms, and less as the gaps between them double every 2 s, to 200 ms of each 1,050 ms: as starved hosts, not as a slow network',
  'slow disk':
    'every write and flush of a file below the data directories of the three brokers of green takes 150 ms longer, by a library that is preloaded into them: writes through mappings are as fast as ever',
}

const within = (seconds: number, what: string) => new Deadline(systemClock, seconds * 1_000, what, interrupted)

/** An application's right that is gone on green, as a person's mistake would take it: no fence, which names everybody. */
export function refusedWrites({ wiring }: Pair, user: string): Regression {
  const mistake: AclBinding = {
    ...{ principal: `User:${user}`, host: '*', resourceType: 'topic', resourceName: '*', patternType: 'literal', operation: 'Write', permission: 'deny' },
  }
  return {
    inject: () => createAcls(wiring.clusters.green, [mistake], within(20, 'the refusal on green')),
    mend: async () => void (await deleteAcls(wiring.clusters.green, [mistake], new Deadline(systemClock, 20_000, 'the refusal on green to be lifted'))),
  }
}

const runMs = 200
const firstGapMs = 25
const longestGapMs = 150
const doubledEveryMs = 2_000

/** Brokers that get less and less time, one after the other: what needs two of them waits for a turn of each. */
export function risingLatency({ root, wiring }: Pair): Regression {
  let over = new AbortController()
  let turns: Promise<void> | undefined
  return {
    inject: async () => {
      const pids = observeCluster(root, wiring.fleet, 'green')?.brokers.flatMap(({ pid }) => pid ?? []) ?? []
      over = new AbortController()
      turns = takeTurns(pids, AbortSignal.any([over.signal, interrupted]))
      turns.catch(() => undefined) // told where it is awaited
    },
    mend: async () => {
      over.abort(new Error('mended'))
      await turns
    },
  }
}

/** Until it is over; all of them then run. */
async function takeTurns(pids: readonly number[], over: AbortSignal): Promise<void> {
  const startedMs = systemClock.monotonicMs()
  const rest = (ms: number) => systemClock.sleep(ms, over).catch(() => undefined) // woken by the end: the loop's condition ends it
  try {
    for (const pid of pids) signal(pid, 'SIGSTOP')
    for (let turn = 0; !over.aborted; turn += 1) {
      const pid = pids[turn % pids.length]
      if (pid === undefined) return
      signal(pid, 'SIGCONT')
      await rest(runMs)
      signal(pid, 'SIGSTOP')
      const doubled = Math.floor((systemClock.monotonicMs() - startedMs) / doubledEveryMs)
      await rest(Math.min(longestGapMs, firstGapMs * 2 ** doubled))
    }
  } finally {
    for (const pid of pids) signal(pid, 'SIGCONT')
  }
}

/** A broker that has died meanwhile keeps no other one from running on. */
function signal(pid: number, name: NodeJS.Signals): void {
  try {
    process.kill(pid, name)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error
  }
}

/** Files of green's brokers that take longer to be written. */
export function slowDisk(disk: SlowDisk): Regression {
  return { inject: async () => disk.slowDown(150), mend: async () => disk.speedUp() }
}
