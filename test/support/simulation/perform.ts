/** What each event of the agenda does. */
import { performBrokerEvent } from './brokers.ts'
import { performClientEvent } from './clients.ts'
import { performConsumerEvent } from './consumers.ts'
import { leaseEnds } from './etcd.ts'
import { Unanswered, type WorldEvent } from './events.ts'
import { performMirrorEvent } from './mirror.ts'
import type { ArgumentsOf, OperationName } from './operations.ts'
import { performProducerEvent } from './sending.ts'
import type { Simulation } from './simulation.ts'
import { performEnd } from './transactions.ts'

export function performEvent(simulation: Simulation, event: WorldEvent): void {
  const { world } = simulation
  switch (event.kind) {
    case 'replicate':
    case 'learn':
    case 'session-over':
    case 'broker-back':
    case 'follower-back':
      performBrokerEvent(world, event)
      return
    case 'copy':
    case 'copied':
    case 'connector':
      performMirrorEvent(world, event)
      return
    case 'news':
    case 'read-again':
    case 'register':
      performClientEvent(world, event)
      return
    case 'produce-next':
    case 'pump':
    case 'produce':
    case 'acknowledge':
    case 'append-late':
      performProducerEvent(world, event)
      return
    case 'end-transaction':
      performEnd(world, event)
      return
    case 'consume':
    case 'left':
    case 'join':
      performConsumerEvent(world, event)
      return
    case 'lease-end':
      leaseEnds(world, event.lease)
      return
    case 'store-back':
      world.etcd.isAway = false
      return
    case 'nothing':
      return
    case 'land':
      land(simulation, event.operation as OperationName, event.args, event.isLate)
      return
  }
}

function land(simulation: Simulation, name: OperationName, args: unknown, isLate: boolean): void {
  try {
    const answer = simulation.perform(name, args as ArgumentsOf<OperationName> as never, isLate)
    simulation.note(isLate ? 'a lost request' : 'a dead sender', `lands: ${name}`, args, answer)
  } catch (thrown) {
    simulation.note('a lost request', `is refused: ${name}: ${thrown}`, args)
    if (thrown instanceof Unanswered && thrown.untilMs !== undefined) simulation.land(thrown.untilMs - simulation.world.nowMs, name, args)
  }
}
