import { heartbeatV4, joinGroupV9, leaveGroupV5, syncGroupV5 } from '@platformatic/kafka'
import { z } from 'zod'
import { KbgError, messageOf } from '../../model/error.ts'
import { type Clock, Deadline } from '../../ports/clock.ts'
import type { BrokerConnection } from '../kafka/broker-connection.ts'
import type { BrokerConnections } from '../kafka/connections.ts'
import { Coordinators } from '../kafka/coordinators.ts'
import { errorName, kafkaRefusal, requireNone } from '../kafka/refusal.ts'

/** A member's place among all of them. */
const GroupShare = z.strictObject({ index: z.int().nonnegative(), of: z.int().positive() })
export type GroupShare = z.infer<typeof GroupShare>

/** The shortest that a broker allows by default (`group.min.session.timeout.ms`): so long a dead member's share is nobody's. */
const sessionTimeoutMs = 6_000
const heartbeatEveryMs = 1_000
/** Joining waits for the other members, and in an empty group for `group.initial.rebalance.delay.ms`. */
const joinWithinMs = 20_000
const answerWithinMs = 3_000
const pauseAfterFailureMs = 1_000
const protocolType = 'consumer'
const protocolName = 'kbg-audit'

interface Joined {
  readonly generationId: number
  readonly share: GroupShare
}

/**
 * Membership in a Kafka consumer group for nothing but its members' places: it subscribes to no topic, fetches nothing and commits nothing. The leader numbers the members; each works out what
 * is its own from that, so that new topics need no rebalance. Told by JoinGroup, SyncGroup and Heartbeat, with ConsumerProtocol's encoding, so that Kafka's own tools can show the group.
 */
export class GroupMember {
  readonly #groupId: string
  readonly #coordinators: Coordinators
  readonly #clock: Clock
  readonly #tell: (line: string) => void
  readonly #onShare: (share: GroupShare) => void
  #memberId = ''

  constructor(connections: BrokerConnections, groupId: string, clock: Clock, tell: (line: string) => void, onShare: (share: GroupShare) => void) {
    this.#groupId = groupId
    this.#coordinators = new Coordinators(connections, 'group')
    this.#clock = clock
    this.#tell = tell
    this.#onShare = onShare
  }

  /** Stays a member until stopped, over rebalances and lost coordinators. What was its own stays so until it is told otherwise: who takes it over makes that known in the stored state. */
  async run(stop: AbortSignal): Promise<void> {
    while (!stop.aborted) {
      try {
        const joined = await this.#join(stop)
        this.#tell(`member ${joined.share.index + 1} of ${joined.share.of} of ${this.#groupId}, generation ${joined.generationId}`)
        this.#onShare(joined.share)
        await this.#beat(joined.generationId, stop)
      } catch (thrown) {
        if (stop.aborted) return
        this.#tell(`${this.#groupId}: ${messageOf(thrown)}`)
        await this.#clock.sleep(pauseAfterFailureMs, stop).catch(() => undefined) // stopped: the loop ends
      }
    }
  }

  /** Gives its share to the others at once, instead of after the session's timeout. @throws KbgError `kafka`, `deadline` */
  async leave(): Promise<void> {
    if (this.#memberId === '') return
    const members = [{ memberId: this.#memberId, groupInstanceId: null, reason: 'stopped' }]
    const deadline = new Deadline(this.#clock, answerWithinMs, `${this.#groupId} to be left`)
    await this.#coordinators.ask(this.#groupId, deadline, async (coordinator) => {
      const answer = await coordinator.request('LeaveGroup', leaveGroupV5.api, [this.#groupId, members], 'repeatable', deadline)
      requireNone(answer.errorCode, `Can't leave the group ${this.#groupId}.`)
    })
  }

  #join(stop: AbortSignal): Promise<Joined> {
    const deadline = new Deadline(this.#clock, joinWithinMs, `${this.#groupId} to be joined`, stop)
    return this.#coordinators.ask(this.#groupId, deadline, async (coordinator) => {
      const answer = await this.#askToJoin(coordinator, deadline)
      requireNone(answer.errorCode, `Can't join the group ${this.#groupId}.`)
      this.#memberId = answer.memberId
      const members = answer.leader === answer.memberId ? answer.members.map(({ memberId }) => memberId).sort() : []
      const assignments = members.map((memberId, index) => ({ memberId, assignment: assignmentOf({ index, of: members.length }) }))
      const { generationId } = answer
      const asked: syncGroupV5.SyncGroupRequest = [this.#groupId, generationId, this.#memberId, null, protocolType, protocolName, assignments]
      const synced = await coordinator.request('SyncGroup', syncGroupV5.api, asked, 'repeatable', deadline)
      if (errorName(synced.errorCode) === 'REBALANCE_IN_PROGRESS') throw new KbgError('rebalance', 'Another member came meanwhile.', { retriable: true })
      requireNone(synced.errorCode, `Can't get a share in the group ${this.#groupId}.`)
      return { generationId, share: shareIn(synced.assignment) }
    })
  }

  /** A member that the group doesn't know (any more) gets a new id first. */
  async #askToJoin(coordinator: BrokerConnection, deadline: Deadline): Promise<joinGroupV9.JoinGroupResponse> {
    const protocols = [{ name: protocolName, metadata: emptySubscription() }]
    for (;;) {
      const asked: joinGroupV9.JoinGroupRequest = [this.#groupId, sessionTimeoutMs, sessionTimeoutMs, this.#memberId, null, protocolType, protocols, null]
      const answer = await coordinator.request('JoinGroup', joinGroupV9.api, asked, 'repeatable', deadline)
      const error = errorName(answer.errorCode)
      if (error === 'MEMBER_ID_REQUIRED') this.#memberId = answer.memberId
      else if (error === 'UNKNOWN_MEMBER_ID' && this.#memberId !== '') this.#memberId = ''
      else return answer
    }
  }

  /** Returns when the group has to be joined anew. */
  async #beat(generationId: number, stop: AbortSignal): Promise<void> {
    for (;;) {
      await this.#clock.sleep(heartbeatEveryMs, stop)
      const deadline = new Deadline(this.#clock, sessionTimeoutMs, `a heartbeat of ${this.#groupId}`, stop)
      const error = await this.#coordinators.ask(this.#groupId, deadline, async (coordinator) => {
        const answer = await coordinator.request('Heartbeat', heartbeatV4.api, [this.#groupId, generationId, this.#memberId, null], 'none', deadline)
        const refusal = kafkaRefusal(`A heartbeat of ${this.#groupId} was refused.`, answer.errorCode)
        if (answer.errorCode !== 0 && refusal.retriable) throw refusal
        return errorName(answer.errorCode)
      })
      if (error === 'NONE') continue
      if (error !== 'REBALANCE_IN_PROGRESS') this.#memberId = '' // fenced, or forgotten
      return
    }
  }
}

/** ConsumerProtocolSubscription version 0: no topics, no user data. */
function emptySubscription(): Buffer {
  const bytes = Buffer.alloc(10)
  bytes.writeInt32BE(-1, 6)
  return bytes
}

const assignmentHead = 10

/** ConsumerProtocolAssignment version 0: no partitions, and the place as user data. */
export function assignmentOf(share: GroupShare): Buffer {
  const userData = Buffer.from(JSON.stringify(share))
  const head = Buffer.alloc(assignmentHead)
  head.writeInt32BE(userData.length, assignmentHead - 4)
  return Buffer.concat([head, userData])
}

/** The inverse of {@link assignmentOf}. @throws KbgError `group-share` */
export function shareIn(assignment: Buffer): GroupShare {
  const parsed = GroupShare.safeParse(jsonOf(assignment.subarray(assignmentHead).toString('utf8')))
  if (parsed.success) return parsed.data
  throw new KbgError('group-share', 'The group leader gave this member no place.', {
    retriable: true,
    facts: { bytes: assignment.length },
    remedy: 'Another program may use the same group name.',
  })
}

function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined // the schema refuses it
  }
}
