import { canaryTopic } from '../model/cluster-access.ts'
import { type Colour, colours, otherColour } from '../model/colour.ts'
import { firstFive, KbgError, messageOf } from '../model/error.ts'
import type { Deadline } from '../ports/clock.ts'
import { mirrorRecord } from '../switchover/journal-reading.ts'
import { canaryConnectorName, mirrorConnectorName } from './connector-names.ts'
import type { Execution } from './execution.ts'
import { connectorsThatRun } from './observe.ts'
import type { Ports } from './ports.ts'

const resumeMs = 5_000
const endsMs = 10_000

/** The connector that copies only `from`'s canary topic: created once, runs for ever. */
export async function ensureCanary(ports: Ports, from: Colour, to: Colour, deadline: Deadline): Promise<void> {
  const name = canaryConnectorName(from, to)
  const mirror = ports.mirrors[from]
  const facts = await mirror.facts(name, deadline)
  if (facts.state === 'absent') await mirror.createStopped(name, [canaryTopic(from)], deadline)
  if (facts.state !== 'RUNNING') await mirror.resume(name, deadline)
  if (facts.tasks.some((task) => task.state === 'FAILED')) await mirror.restartTasks(name, deadline)
}

/** {@link ensureCanary} both ways. */
export async function ensureCanaries(run: Execution): Promise<void> {
  await Promise.all(
    colours.map((from) =>
      // Two changes: one that has failed is made, and then restarted.
      ensureCanary(run.ports, from, otherColour(from), run.untilCancelled(2 * run.ports.mirrors[from].changeMs, `the connector of the canary from ${from}`)),
    ),
  )
}

/**
 * Makes the first mirror of a fleet, live -> standby from the earliest record; a rerun finishes what was begun. One that should run but is gone (its
 * workers were ended and made anew) comes back under its own name, because Connect keeps a name's offsets: it goes on where it ended.
 *
 * @throws KbgError `standby-filled` when the journal knows of no mirror and the target holds records, `mirror-offsets-lost` when its offsets are gone too: everything would be copied again
 */
export async function ensureFirstMirror(run: Execution, source: Colour, target: Colour): Promise<void> {
  const known = mirrorRecord(run.journal, source)
  const name = known?.connector ?? mirrorConnectorName(source, target, run.term)
  const mirror = run.ports.mirrors[source]
  const deadline = run.untilLockLost(mirror.changeMs, `connector ${name} to run`)
  const facts = await mirror.facts(name, deadline)
  if (known?.what === 'running' && facts.state === 'RUNNING') return
  if (known === null) {
    await refuseFilled(run, target)
    await run.record({ kind: 'mirror', connector: name, source, target, what: 'created' })
  }
  await refuseOtherDirection(run.ports, target, source, deadline)
  if (facts.state === 'absent') await mirror.createStopped(name, run.wiring.topics, deadline)
  if (known?.what === 'running') await refuseLostOffsets(run, source, target, name, deadline)
  if (facts.state !== 'RUNNING') await mirror.resume(name, deadline)
  if (known?.what !== 'running') await run.record({ kind: 'mirror', connector: name, source, target, what: 'running' })
}

/**
 * From the earliest record on, all that is there already would come a second time. A route store that has lost everything looks like a new fleet's, and only the standby's records tell otherwise.
 * @throws KbgError `standby-filled`
 */
export async function refuseFilled(run: Execution, standby: Colour): Promise<void> {
  const deadline = run.untilCancelled(endsMs, `the ends of ${standby}`)
  const filled = (await run.ports.clusters[standby].logs.ends(run.wiring.topics, deadline)).filter(({ logEndOffset }) => logEndOffset > 0n)
  if (filled.length === 0) return
  throw new KbgError('standby-filled', `${standby} gets no mirror: it holds records already, which would all be copied again.`, {
    facts: { observed: firstFive(filled.map(({ partition, logEndOffset }) => `${partition} end ${logEndOffset}`)), required: 'empty topics' },
    remedy: `When this fleet has had a route before, restore the route store from its backup. Otherwise give ${standby} a fresh cluster: retire it, destroy it and bring it up again.`,
  })
}

async function refuseLostOffsets(run: Execution, source: Colour, target: Colour, name: string, deadline: Deadline): Promise<void> {
  const copied = await run.ports.mirrors[source].copiedOffsets(name, deadline)
  if (copied.size > 0) return
  const held = (await run.ports.clusters[target].logs.ends(run.wiring.topics, deadline)).filter((end) => end.logEndOffset > 0n)
  if (held.length === 0) return
  await run.ports.mirrors[source].delete(name, deadline)
  throw new KbgError('mirror-offsets-lost', `The mirror ${source} -> ${target} would copy everything again.`, {
    facts: { connector: name, observed: 'no committed offsets in Connect', alreadyHeld: firstFive(held.map((end) => end.partition)) },
    remedy: `Give ${target} a fresh cluster (destroy it and bring it up again), then run pulumi up.`,
  })
}

/** The two directions never run together: looks at states before every start. */
export async function refuseOtherDirection(ports: Ports, source: Colour, target: Colour, deadline: Deadline): Promise<void> {
  const running = await connectorsThatRun(ports, source, target, deadline)
  if (running.length === 0) return
  throw new KbgError('mirror-both-ways', `The mirror can't start: connectors ${source} -> ${target} run.`, {
    facts: { observed: firstFive(running), required: 'all of them STOPPED' },
    remedy: 'Stop those connectors; two directions at once copy every record for ever.',
  })
}

/** Stops the connector that copied source -> target, if the journal knows one, and proves it STOPPED. */
export async function stopForward(run: Execution, source: Colour, target: Colour): Promise<void> {
  const known = mirrorRecord(run.journal, source)
  if (known === null || known.what === 'stopped') return
  const mirror = run.ports.mirrors[source]
  const deadline = run.untilLockLost(mirror.changeMs, `connector ${known.connector} to stop`)
  if ((await mirror.facts(known.connector, deadline)).state !== 'absent') await mirror.stop(known.connector, deadline)
  await run.record({ kind: 'mirror', connector: known.connector, source, target, what: 'stopped' })
}

/** Deletes the connector that copied source -> target; it is STOPPED, or has never run. */
export async function deleteMirror(run: Execution, source: Colour, target: Colour): Promise<void> {
  const known = mirrorRecord(run.journal, source)
  if (known === null) return
  const mirror = run.ports.mirrors[source]
  const deadline = run.untilLockLost(mirror.changeMs, `connector ${known.connector} to be deleted`)
  if ((await mirror.facts(known.connector, deadline)).state !== 'absent') await mirror.delete(known.connector, deadline)
  await run.record({ kind: 'mirror', connector: known.connector, source, target, what: 'deleted' })
}

/** After an abort: the forward connector's tasks whose transactional ids were fenced run again. */
export async function letMirrorRun(run: Execution, source: Colour): Promise<void> {
  const known = mirrorRecord(run.journal, source)
  if (known === null || known.what !== 'running') return
  const mirror = run.ports.mirrors[source]
  const deadline = run.untilLockLost(mirror.changeMs, `connector ${known.connector} to run again`)
  const facts = await mirror.facts(known.connector, deadline)
  if (facts.state === 'absent') return // somebody has deleted it: the gate names that
  if (facts.state === 'STOPPED') await mirror.resume(known.connector, deadline)
  await mirror.restartTasks(known.connector, deadline)
}

/** {@link letMirrorRun} of a mirror that may be broken, or whose source is gone: Connect keeps the wish that it runs; it isn't waited for. */
export async function letMirrorComeBack(run: Execution, source: Colour): Promise<void> {
  const known = mirrorRecord(run.journal, source)
  if (known === null || known.what !== 'running') return
  const mirror = run.ports.mirrors[source]
  try {
    const deadline = run.untilLockLost(resumeMs, `connector ${known.connector} to run again`)
    if ((await mirror.facts(known.connector, deadline)).state !== 'absent') await mirror.resume(known.connector, deadline)
  } catch (thrown) {
    if (run.lock.lost.aborted || !(thrown instanceof KbgError)) throw thrown
    run.tell({ step: 'abort', text: `the mirror of ${source} doesn't run yet: ${messageOf(thrown)}` })
  }
}
