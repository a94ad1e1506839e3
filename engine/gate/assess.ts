import type { Limits } from '../model/limits.ts'
import { type FailoverStatement, failoverStatement } from '../model/loss.ts'
import type { Snapshot } from '../model/snapshot.ts'
import type { Intent } from '../model/wiring.ts'
import { checkAudit, checkNoAudit } from './audit.ts'
import { checkCatalogParity } from './catalog-parity.ts'
import { type Check, type CheckVerdict, verdictOf } from './check.ts'
import { checkClients } from './clients.ts'
import { checkConnectorStates, checkMirrorStoppable } from './connector-states.ts'
import { checkControllerQuorum } from './controller-quorum.ts'
import { checkDiverged } from './diverged.ts'
import { checkDrill } from './drill.ts'
import { checkFencePossible } from './fence-possible.ts'
import { checkFence } from './fences.ts'
import { checkGroupStates } from './group-states.ts'
import { checkGroupsTranslatable } from './groups-translatable.ts'
import { checkGuardians } from './guardians.ts'
import { checkIdentity } from './identity.ts'
import { checkLateRecords } from './late-records.ts'
import { checkMirrorLag } from './mirror-lag.ts'
import { checkOpenTransactions } from './open-transactions.ts'
import { checkPoisonedGroups } from './poisoned-groups.ts'
import { checkProducerIds } from './producer-ids.ts'
import { checkPublications } from './publications.ts'
import { checkReplicaHealth } from './replica-health.ts'
import { checkRouteState } from './route-state.ts'
import { checkStreamsApplications } from './streams-applications.ts'
import { checkTestimony } from './testimony.ts'
import { checkAccepted, checkAcceptedAnew, checkGone, checkLeftBehind, checkRepeated, checkStatedNow } from './unmirrored.ts'
import { checkWaveGroups } from './wave-groups.ts'

/** The gate's answer: the worst of all checks, and each with its evidence. */
export interface Verdict {
  readonly verdict: CheckVerdict
  readonly checks: readonly Check[]
}

/** Who leaves a live colour that has failed its watch: a guardian, under the attempt that led there, or the operator. */
export type WayBack = 'way back' | 'way back by hand'

/** What a move is for. `move`: the operator wants it. On a way back, what only says that the colour is sick doesn't keep traffic there, as long as it can be fenced and drained. */
export type Purpose = 'move' | WayBack | LossyPurpose

/** A move that leaves records behind, and how many the operator lets it: see {@link LossyMove}. */
export type LossyPurpose = { readonly kind: 'forced'; readonly accepted: number } | { readonly kind: 'failover'; readonly stated: FailoverStatement }

/** What a move is judged by: a guardian's way back, what the operator lets stay behind, his own way back, or an ordinary move. */
export function purposeOf({ acceptLoss, failover }: Pick<Intent, 'acceptLoss' | 'failover'>, wayBack: WayBack | null = null): Purpose {
  if (wayBack === 'way back') return wayBack
  if (failover !== undefined) return { kind: 'failover', stated: failoverStatement(failover) }
  return acceptLoss === undefined ? (wayBack ?? 'move') : { kind: 'forced', accepted: acceptLoss }
}

/** Whether the live colour is left without being asked. */
export function isFailover(purpose: Purpose): purpose is Extract<LossyPurpose, { readonly kind: 'failover' }> {
  return typeof purpose === 'object' && purpose.kind === 'failover'
}

/** Whether a live colour is left because it has failed its watch. */
export function isWayBack(purpose: Purpose): purpose is WayBack {
  return purpose === 'way back' || purpose === 'way back by hand'
}

/**
 * The bounds that a gate judges by (pure). On a way back the mirror reads a sick colour: it may be behind by as much as the drain can wait for with time to spare, because nothing becomes faster there
 * by staying.
 */
export function boundsOf(limits: Limits, purpose: Purpose): Limits {
  return purpose === 'move' ? limits : { ...limits, maxMirrorLagMs: Math.max(limits.maxMirrorLagMs, limits.drainDeadlineMs / 2) }
}

/**
 * Judges a snapshot (pure). Later checks have their place here: disk headroom, benchmark and test verdicts, rehearsal.
 *
 * @param wantedLagSamples how many consecutive lag samples the snapshot must hold
 */
export function assess(snapshot: Snapshot, limits: Limits, attempt: number, wantedLagSamples: number, purpose: Purpose = 'move'): Verdict {
  if (typeof purpose === 'object') return assessLossy(snapshot, limits, attempt, purpose)
  const source = snapshot.colours[snapshot.source]
  const target = snapshot.colours[snapshot.target]
  const epoch = snapshot.route.seen ? (snapshot.route.value.route?.epoch ?? 0) : 0
  const [isOffSick, isGuardians] = [isWayBack(purpose), purpose === 'way back']
  const checks = [
    checkRouteState(snapshot.route, isGuardians ? null : attempt),
    checkIdentity(source),
    checkIdentity(target),
    checkControllerQuorum(source, isOffSick ? 'majority' : 'all'),
    checkControllerQuorum(target),
    checkReplicaHealth(source, snapshot.topics, isOffSick ? 'leaders' : 'all'),
    checkReplicaHealth(target, snapshot.topics),
    checkCatalogParity(snapshot, isOffSick ? 'partitions' : 'all'),
    ...(isOffSick ? [] : [checkFencePossible(source)]), // a sick broker may not say it; the fence's own proof asks every one
    checkFencePossible(target),
    checkFence(source, 'open'),
    checkFence(target, 'fenced'),
    checkConnectorStates(snapshot.mirror),
    checkMirrorLag(snapshot.mirror.lag, limits, wantedLagSamples),
    ...auditChecks(snapshot, limits),
    ...checkLeftBehind(snapshot),
    checkDiverged(snapshot),
    checkLateRecords(snapshot),
    // A sick colour keeps transactions open; one that doesn't end is taken back by the drain.
    ...(isOffSick ? [] : [checkOpenTransactions(source, limits)]),
    // Who crossed a moment ago with a producer id has ended since, or crosses back to the colour that gave it out. The operator may come days later.
    ...(isGuardians ? [] : [checkProducerIds(snapshot, limits)]),
    // Fence, drain and copy need no group; which of them can follow the groups step proves of each, and the others stay.
    ...(isOffSick ? [] : groupChecks(snapshot)),
    checkClients(snapshot.clients, epoch),
    // AWS may be sick as well; whoever follows a publication is refused by the fence until it tells the route again.
    ...(isOffSick || snapshot.publications.length === 0 ? [] : [checkPublications(snapshot.publications, epoch)]),
    ...(isOffSick || limits.maxDrillAgeDays === 0 ? [] : [checkDrill(snapshot.route, limits, snapshot.observedAtMs)]),
    // A guardian that moves back is one itself, and the other may have ended with the sick colour.
    ...(isGuardians ? [] : [checkGuardians(snapshot.clients, snapshot.guardians, epoch, isOffSick ? 'one' : 'each')]),
  ]
  return { verdict: verdictOf(checks), checks }
}

/** Of a target that takes over all is asked; of a source that is left without a copy only what a fence needs, and of one that is gone that it is. */
function assessLossy(snapshot: Snapshot, limits: Limits, attempt: number, purpose: LossyPurpose): Verdict {
  const source = snapshot.colours[snapshot.source]
  const target = snapshot.colours[snapshot.target]
  const epoch = snapshot.route.seen ? (snapshot.route.value.route?.epoch ?? 0) : 0
  const ofTarget = [
    checkRouteState(snapshot.route, attempt),
    checkIdentity(target),
    checkControllerQuorum(target),
    checkReplicaHealth(target, snapshot.topics),
    checkFencePossible(target),
    checkFence(target, 'fenced'),
    checkDiverged(snapshot),
    checkLateRecords(snapshot),
    checkMirrorStoppable(snapshot.mirror),
    checkAcceptedAnew(snapshot, attempt),
  ]
  const ofSource =
    purpose.kind === 'failover'
      ? [
          checkGone(source),
          checkTestimony(snapshot.sights, snapshot.clients, source.colour),
          checkStatedNow(snapshot, purpose.stated),
          checkRepeated(snapshot, purpose.stated),
        ]
      : [
          checkIdentity(source),
          checkControllerQuorum(source, 'majority'),
          checkReplicaHealth(source, snapshot.topics, 'leaders'),
          checkCatalogParity(snapshot, 'partitions'),
          checkFence(source, 'open'),
          checkAccepted(snapshot, purpose.accepted),
          checkProducerIds(snapshot, limits), // what a broker takes for a repetition is lost as well, and nobody would count it
          checkGroupStates(snapshot),
          checkStreamsApplications(snapshot),
          checkClients(snapshot.clients, epoch),
          checkGuardians(snapshot.clients, snapshot.guardians, epoch),
        ]
  const checks = [...ofTarget, ...ofSource]
  return { verdict: verdictOf(checks), checks }
}

function auditChecks({ audit, topics, colours, source, target }: Snapshot, limits: Limits): readonly Check[] {
  if (audit === null) return [checkNoAudit()]
  const { topics: known } = colours[source]
  const counts = known.seen
    ? new Map(known.value.filter(({ topic }) => topics.includes(topic)).map(({ topic, partitions }) => [topic, partitions.length]))
    : null
  return checkAudit(audit, counts, limits, target)
}

function groupChecks(snapshot: Snapshot): readonly Check[] {
  return [
    checkGroupStates(snapshot),
    ...checkGroupsTranslatable(snapshot),
    checkPoisonedGroups(snapshot),
    checkStreamsApplications(snapshot),
    checkWaveGroups(snapshot),
  ]
}
