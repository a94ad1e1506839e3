import { describe, expect, test } from 'vitest'
import { fromWire, nudgeBinding, toWire } from '../../engine/adapters/kafka/acl-bindings.ts'
import { fenceBindings } from '../../engine/adapters/kafka/fence.ts'
import { errorName, kafkaRefusal, persistently, unanswered } from '../../engine/adapters/kafka/refusal.ts'
import { KbgError } from '../../engine/model/error.ts'
import { type Clock, Deadline } from '../../engine/ports/clock.ts'
import type { AclBinding } from '../../engine/ports/cluster.ts'

/** Time that passes only in sleeps. */
function fakeClock(): Clock {
  let nowMs = 0
  return {
    monotonicMs: () => nowMs,
    wallClock: () => new Date(nowMs),
    sleep: async (ms, signal) => {
      signal?.throwIfAborted()
      nowMs += ms
    },
  }
}

const notLeader = () => kafkaRefusal("Can't read.", 6)
const deadlineOf = (ms: number, clock = fakeClock()): Deadline => new Deadline(clock, ms, 'the leader')

/** Throws the given errors one after the other, then succeeds. */
function failing(...errors: readonly Error[]): () => Promise<string> {
  const left = [...errors]
  return async () => {
    const next = left.shift()
    if (next) throw next
    return 'done'
  }
}

describe('persistently', () => {
  test('tries again while leaders, controllers and coordinators are being found', async () => {
    const errors = ['NOT_LEADER_OR_FOLLOWER', 'NOT_CONTROLLER', 'NOT_COORDINATOR', 'COORDINATOR_LOAD_IN_PROGRESS'].map((name) =>
      kafkaRefusal('No.', codeOf(name)),
    )
    expect(errors.every((error) => error.retriable)).toBe(true)
    expect(await persistently(deadlineOf(5_000), failing(...errors))).toBe('done')
  })

  test('gives up at once when the refusal is for good', async () => {
    let attempts = 0
    const refused = persistently(deadlineOf(5_000), async () => {
      attempts += 1
      throw kafkaRefusal("Can't read.", codeOf('TOPIC_AUTHORIZATION_FAILED'))
    })
    await expect(refused).rejects.toMatchObject({ code: 'kafka', retriable: false, facts: { error: 'TOPIC_AUTHORIZATION_FAILED' } })
    expect(attempts).toBe(1)
  })

  test('at the deadline says what was waited for and what was answered last', async () => {
    const late = persistently(deadlineOf(500), async () => Promise.reject(notLeader()))
    await expect(late).rejects.toMatchObject({ code: 'deadline', facts: { waitedMs: 500 } })
    await expect(late).rejects.toThrow(/waiting for the leader.*NOT_LEADER_OR_FOLLOWER/s)
  })

  test('an outcome that was unknown once stays unknown, whatever is answered later, unless an attempt succeeds', async () => {
    const lost = unanswered('CreateAcls', 'repeatable', new Error('socket closed'))
    await expect(persistently(deadlineOf(500), failing(lost, kafkaRefusal('No.', codeOf('CLUSTER_AUTHORIZATION_FAILED'))))).rejects.toMatchObject({
      code: 'outcome-unknown',
    })
    await expect(persistently(deadlineOf(25), failing(lost, notLeader(), notLeader(), notLeader()))).rejects.toMatchObject({ code: 'outcome-unknown' })
    expect(await persistently(deadlineOf(500), failing(lost, notLeader()))).toBe('done')
  })

  test("doesn't repeat what may only happen once", async () => {
    await expect(persistently(deadlineOf(500), failing(unanswered('Produce', 'once', new Error('socket closed'))))).rejects.toMatchObject({
      code: 'outcome-unknown',
    })
  })

  test('ends when it is cancelled', async () => {
    const cancelled = new AbortController()
    cancelled.abort(new Error('stop'))
    const deadline = new Deadline(fakeClock(), 500, 'the leader', cancelled.signal)
    await expect(persistently(deadline, failing(notLeader()))).rejects.toThrow('stop')
  })
})

function codeOf(name: string): number {
  for (let code = -1; code < 200; code++) if (errorName(code) === name) return code
  throw new Error(`no error code is named ${name}`)
}

describe('a code that this version has never heard of', () => {
  test('is refused by its number and not taken for a success', () => {
    expect(kafkaRefusal('No.', 9_999)).toMatchObject({ code: 'kafka', retriable: false, facts: { error: 'error code 9999' } })
  })
})

describe('ACL bindings', () => {
  const resourceTypes = ['topic', 'group', 'cluster', 'transactional-id', 'delegation-token', 'user'] as const
  const operations = ['All', 'Read', 'Write', 'Create', 'Delete', 'Alter', 'Describe', 'ClusterAction', 'DescribeConfigs', 'AlterConfigs', 'IdempotentWrite']

  test('come back from the wire as they were', () => {
    for (const resourceType of resourceTypes) {
      for (const operation of operations) {
        for (const [patternType, permission] of [
          ['literal', 'allow'],
          ['prefixed', 'deny'],
        ] as const) {
          const binding: AclBinding = { principal: 'User:a', host: '*', resourceType, resourceName: 'x', patternType, operation, permission }
          expect(fromWire(toWire(binding))).toEqual(binding)
        }
      }
    }
  })

  test('an operation that Kafka has not is refused, and so is a binding that cannot be read', () => {
    expect(() => toWire({ ...nudgeBinding, operation: 'Wriet' })).toThrow(/acl-operation.*Wriet/)
    expect(() => fromWire({ ...toWire(nudgeBinding), resourceType: 99 })).toThrow(KbgError)
  })

  test('the fence denies exactly what may change a log or a topic, to everybody', () => {
    expect(
      fenceBindings.map((one) => `${one.permission} ${one.principal} ${one.host} ${one.operation} ${one.resourceType} ${one.resourceName} ${one.patternType}`),
    ).toEqual([
      'deny User:* * Write topic * literal',
      'deny User:* * Create topic * literal',
      'deny User:* * Alter topic * literal',
      'deny User:* * Delete topic * literal',
      'deny User:* * Create cluster kafka-cluster literal',
    ])
  })
})
