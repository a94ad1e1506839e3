/** Bugs that a switchover of this kind can have, each as a small change of the engine's sources, with the scenario that has to find it. */

import { guardianBugs } from './guardian-bugs.ts'

/** One place of a source: `find` stands there once. */
export interface Edit {
  readonly file: string
  readonly find: string
  readonly replace: string
}

export interface KnownBug {
  readonly bug: string
  /** Name of the shortest scenario that finds it. */
  readonly scenario: string
  readonly edits: readonly Edit[]
}

const journalWrites = 'engine/adapters/etcd/journal-writes.ts'
const groupMove = 'engine/run/group-move.ts'
const switchover = 'engine/run/switchover.ts'
const cut = 'engine/run/steps/cut.ts'
const drain = 'engine/run/steps/drain.ts'
const fences = 'engine/run/steps/fences.ts'
const release = 'engine/run/steps/release.ts'

export const knownBugs: readonly KnownBug[] = [
  {
    bug: 'a Connect worker that is starting says that it has no connectors, and is believed',
    scenario: 'the worker that copies is killed behind the decision',
    edits: [
      {
        file: 'test/support/simulation/mirror-operations.ts',
        find: "  if (world.nowMs < upAtMs) throw new Unanswered('refused')\n",
        replace: '  if (world.nowMs < upAtMs) return {}\n',
      },
    ],
  },
  {
    bug: "the target's fence is lifted before the decision",
    scenario: 'nothing goes wrong',
    edits: [
      {
        file: switchover,
        find: '  await decide(run, decidedCut, hold.graceful)\n',
        replace: "  await run.ports.clusters[target].fence.lift(run.untilLockLost(5_000, 'a bug'))\n  await decide(run, decidedCut, hold.graceful)\n",
      },
    ],
  },
  {
    bug: "a write to the route store compares neither the route's revision nor the journal's head",
    scenario: 'the answer to the decision is lost',
    edits: [
      {
        file: journalWrites,
        find: '    { key: Buffer.from(keys.route), target: CompareTarget.Mod, result: CompareResult.Equal, mod_revision: expectedRouteRevision },\n',
        replace: '',
      },
      {
        file: journalWrites,
        find: `    expectedJournalHead === 0
      ? { key: head, target: CompareTarget.Create, result: CompareResult.Equal, create_revision: '0' }
      : { key: head, target: CompareTarget.Value, result: CompareResult.Equal, value: Buffer.from(String(expectedJournalHead)) },
`,
        replace: '',
      },
    ],
  },
  {
    bug: "a write to the route store doesn't compare the lock: a lease that is over is ignored",
    scenario: 'an orchestrator is paused past its lease before a write',
    edits: [
      {
        file: journalWrites,
        find: '    { key: Buffer.from(keys.lock), target: CompareTarget.Create, result: CompareResult.Equal, create_revision: lock.term },\n',
        replace: '',
      },
    ],
  },
  {
    bug: 'one broker that refuses is proof enough for a fence',
    scenario: 'one broker learns of fences half a second late',
    edits: [{ file: fences, find: 'last.every((probe) => probe.answer === wanted)', replace: 'last.some((probe) => probe.answer === wanted)' }],
  },
  {
    bug: 'a probe that fails is taken for a refusal: a broker that does not answer counts as fenced',
    scenario: 'a broker is paused for a moment, and learns of the fence two seconds late',
    edits: [
      {
        file: fences,
        find: 'last.every((probe) => probe.answer === wanted)',
        replace: "last.every((probe) => probe.answer === wanted || probe.answer === 'unreachable')",
      },
    ],
  },
  {
    bug: 'the high watermark is taken for the log end',
    scenario: 'a follower stalls before the hold, for a moment',
    edits: [
      {
        file: drain,
        find: '    const ends = await endsBefore(cluster, topics, deadline, open.length > 0)\n',
        replace:
          '    const ends = (await endsBefore(cluster, topics, deadline, open.length > 0))?.map((end) => ({ ...end, logEndOffset: end.highWatermark })) ?? null\n',
      },
      {
        file: cut,
        find: '    clusters[source].logs.ends(run.wiring.topics, deadline),\n',
        replace:
          '    clusters[source].logs.ends(run.wiring.topics, deadline).then((ends) => ends.map((end) => ({ ...end, logEndOffset: end.highWatermark }))),\n',
      },
    ],
  },
  {
    bug: 'open transactions are passed over: the last stable offset is not part of the proof',
    scenario: 'a transaction is committed behind the fence',
    edits: [
      { file: drain, find: ' || end.highWatermark !== end.lastStableOffset)', replace: ')' },
      { file: cut, find: '    b.lastStableOffset === b.logEndOffset &&\n', replace: '' },
    ],
  },
  {
    bug: "the cut doesn't read the source's ends again",
    scenario: 'a late request is appended between the drain and the cut',
    edits: [{ file: cut, find: '    clusters[source].logs.ends(run.wiring.topics, deadline),\n', replace: '    proof.sourceEnds,\n' }],
  },
  {
    bug: 'the target is published before its fence is lifted',
    scenario: 'nothing goes wrong',
    edits: [
      {
        file: release,
        find: '  await openColour(run.ports.clusters[target], run.untilLockLost(run.limits.windowDeadlineMs, ',
        replace: '  void (run.ports.clusters[target], run.untilLockLost(run.limits.windowDeadlineMs, ',
      },
      {
        file: release,
        find: "  run.mark('published')\n",
        replace: "  run.mark('published')\n  await openColour(run.ports.clusters[target], run.untilLockLost(5_000, 'a bug'))\n",
      },
    ],
  },
  {
    bug: 'the reverse mirror begins with the earliest record',
    scenario: 'nothing goes wrong',
    edits: [
      {
        file: 'engine/run/steps/reverse.ts',
        find: '(end > 0n ? [[partition, end - 1n] as const] : [])',
        replace: '(end < 0n ? [[partition, end - 1n] as const] : [])',
      },
    ],
  },
  {
    bug: 'the reverse mirror begins one record too far',
    scenario: 'nothing goes wrong',
    edits: [
      {
        file: 'engine/run/steps/reverse.ts',
        find: '(end > 0n ? [[partition, end - 1n] as const] : [])',
        replace: '(end > 0n ? [[partition, end] as const] : [])',
      },
    ],
  },
  {
    bug: 'the forward mirror is not fenced off before the cut',
    scenario: 'a late request is appended behind the decision',
    edits: [{ file: drain, find: '  await clusters[target].transactions.fenceIds(ids, deadline)\n', replace: '  void ids\n' }],
  },
  {
    bug: 'a rerun goes on from the hold of a dead orchestrator and decides under its own term',
    scenario: 'an orchestrator is killed between the hold and the fence',
    edits: [
      {
        file: switchover,
        find: "    case 'abort':\n    case 'finish-abort':\n",
        replace: `    case 'abort':
      await decide(run, await cut(run, course.open.source, course.open.target, await drain(run, course.open.source, course.open.target)), false)
      await liftAndPublish(run, course.open.target)
      return run.actual
    case 'finish-abort':
`,
      },
    ],
  },
  {
    bug: 'an abort lifts the fence of the source before it has won the decision',
    scenario: 'the answer to the decision is lost',
    edits: [
      {
        file: switchover,
        find: "  if (run.route.state === 'held') await decideAbort",
        replace:
          "  if (run.route.state === 'held') await run.ports.clusters[source].fence.lift(run.untilLockLost(5_000, 'a bug'))\n  if (run.route.state === 'held') await decideAbort",
      },
    ],
  },
  {
    bug: 'a group is moved while it still has members',
    scenario: 'a consumer hears of the route a second late',
    edits: [
      {
        file: groupMove,
        find: "  return group === undefined || (group.state === 'Empty' && group.memberCount === 0)\n",
        replace: '  return group === undefined || group.memberCount >= 0\n',
      },
      { file: groupMove, find: '    if (count > 0) throw', replace: '    if (count < 0) throw' },
      {
        file: groupMove,
        find: 'isConcerned(client, concerned) && client.ackedEpoch < epoch',
        replace: 'isConcerned(client, concerned) && client.ackedEpoch < 0',
      },
    ],
  },
  {
    bug: 'a commit that comes in while its group is translated is overlooked',
    scenario: 'somebody commits for a group while it is translated',
    edits: [{ file: groupMove, find: '    await each(async (groupId, { read }) => requireAsRead(groupId, source, now.get(groupId), read))\n', replace: '' }],
  },
  {
    bug: 'a group is put one offset too far',
    scenario: 'nothing goes wrong',
    edits: [{ file: groupMove, find: 'BigInt(targetOffset)] as const]', replace: 'BigInt(targetOffset) + 1n] as const]' }],
  },
  {
    bug: 'a group that could not be moved is not released',
    scenario: 'a consumer hears of the route a minute late',
    edits: [{ file: groupMove, find: "  for (const { groupId } of outcome.stayed) routes[groupId] = { colour: source, state: 'running' }\n", replace: '' }],
  },
  {
    bug: 'the gate believes the state of the connector, and measures no lag',
    scenario: 'the mirror says that it runs, and copies nothing',
    edits: [
      {
        file: 'engine/run/lag.ts',
        find: '    let behind = await notCopied(subject, marks, deadline)\n',
        replace: "    if (marks.size >= 0) return { kind: 'caught-up', lagMs: 0, lagRecords: 0 }\n    let behind = await notCopied(subject, marks, deadline)\n",
      },
    ],
  },
  {
    bug: 'a decided switchover is not finished when the fence of its source was lifted meanwhile',
    scenario: 'the request that lifted the fence lands once more, over a later decision',
    edits: [
      {
        file: 'engine/run/finish-open.ts',
        find: '    await fenceStill(run, source)\n',
        replace:
          "    for (const { answer } of await run.ports.clusters[source].fence.probe(run.untilLockLost(5_000, 'a bug'))) if (answer !== 'fenced') throw new KbgError('fence-unproven', 'a bug')\n",
      },
    ],
  },
  {
    bug: 'a decided switchover is finished without looking whether its source is fenced still',
    scenario: 'the request that lifted the fence lands once more, over a later decision',
    edits: [{ file: 'engine/run/finish-open.ts', find: '    await fenceStill(run, source)\n', replace: '' }],
  },
  {
    bug: 'a latched intent leaves the live colour fenced by a request that landed late',
    scenario: 'the request that raises the fence lands minutes later',
    edits: [
      {
        file: switchover,
        find: '      await reconcileFences(run) // a latched intent is refused for ever: a fence that landed late must not stay as long\n',
        replace: '',
      },
    ],
  },
  {
    bug: 'a step waits until what it has decided is published',
    scenario: 'where the route is published nobody answers while traffic moves',
    edits: [
      {
        file: 'engine/run/execution.ts',
        find: '      this.#publisher.take(route)\n',
        replace: '      this.#publisher.take(route)\n      await this.#publisher.failures()\n',
      },
    ],
  },
  ...guardianBugs,
]
