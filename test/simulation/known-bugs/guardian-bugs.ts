/** Bugs that guardians can have, found by scenarios in which nobody else puts things right. */
import type { KnownBug } from './bugs.ts'

const decision = 'engine/switchover/guardian.ts'
const rounds = 'engine/run/guardian/round.ts'
const keeper = 'engine/run/guardian/keeper.ts'
const oversight = 'engine/adapters/etcd/oversight.ts'

export const guardianBugs: readonly KnownBug[] = [
  {
    bug: 'a guardian takes the lock away from a holder whose time is not over',
    scenario: 'guardians stand by, and nothing goes wrong',
    edits: [
      {
        file: decision,
        find: '  const remainingMs = Math.max(overdueMs(limits) - heldMs, restMs)\n',
        replace: '  const remainingMs = heldMs < 0 ? overdueMs(limits) : restMs\n',
      },
    ],
  },
  {
    bug: 'a guardian waits for a holder that hangs for as long as its lock is kept alive',
    scenario: 'an orchestrator hangs before the fence with its lock alive, and goes on when a guardian has taken that',
    edits: [
      {
        file: decision,
        find: '  const remainingMs = Math.max(overdueMs(limits) - heldMs, restMs)\n',
        replace: '  const remainingMs = Math.max(overdueMs(limits) - heldMs, 250) + restMs\n',
      },
    ],
  },
  {
    bug: 'a guardian removes an overdue lock without comparing whose it is by then, nor the route',
    scenario: 'a guardian takes an overdue lock away so late that it is the lock of a later move',
    edits: [
      {
        file: oversight,
        find: '        { key, target: CompareTarget.Create, result: CompareResult.Equal, create_revision: term },\n        { key: Buffer.from(keys.route),',
        replace: '        { key: Buffer.from(keys.route),',
      },
      {
        file: oversight,
        find: '        { key: Buffer.from(keys.route), target: CompareTarget.Mod, result: CompareResult.Equal, mod_revision: routeRevision },\n',
        replace: '',
      },
    ],
  },
  {
    bug: 'a guardian that was paused writes though its lease is over',
    scenario: 'the only guardian is paused past its lease before it decides',
    edits: [
      {
        file: 'engine/adapters/etcd/journal-writes.ts',
        find: '    { key: Buffer.from(keys.lock), target: CompareTarget.Create, result: CompareResult.Equal, create_revision: lock.term },\n',
        replace: '',
      },
    ],
  },
  {
    bug: 'a guardian takes back what was decided already',
    scenario: 'an orchestrator is killed behind its decision, and only the guardian beside blue stands',
    edits: [
      {
        file: 'engine/switchover/resume.ts',
        find: "      return { kind: 'finish-switch', open: withCut(required(open, route), route), from: 'lift' }\n",
        replace: "      return { kind: 'finish-abort', open: withCut(required(open, route), route) }\n",
      },
    ],
  },
  {
    bug: 'a guardian looks only when the route moves: nobody tells it that an orchestrator has died',
    scenario: 'an orchestrator is killed while producers are held, beside two guardians',
    edits: [{ file: keeper, find: 'news.orAfter(againMs, ', replace: 'news.orAfter(againMs + 600_000, ' }],
  },
  {
    bug: 'a guardian reads the journal again only when the route has changed',
    scenario: 'an orchestrator is killed before the hold, beside two guardians',
    edits: [{ file: rounds, find: 'if (this.#left?.at !== at)', replace: "if (this.#left?.at.split(' ')[0] !== at.split(' ')[0])" }],
  },
  {
    bug: 'a guardian publishes only when the route moves: what comes late over it stays',
    scenario: 'the hold is published half a minute late, over what was published since',
    edits: [{ file: 'engine/run/guardian/publishing.ts', find: 'following.newerThan(epoch, lookMs)', replace: 'following.newerThan(epoch, lookMs + 600_000)' }],
  },
  {
    bug: 'a guardian lets fences be that do not follow the route',
    scenario: 'the request that raises the fence lands minutes later, and nobody but guardians is there',
    edits: [{ file: decision, find: 'fencesDiffer === true ? "a fence', replace: 'fencesDiffer === null ? "a fence' }],
  },
]
