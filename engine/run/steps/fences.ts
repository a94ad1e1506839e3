import type { Colour } from '../../model/colour.ts'
import { firstFive, KbgError } from '../../model/error.ts'
import type { BrokerProbe, ProbeAnswer } from '../../model/facts.ts'
import type { Deadline } from '../../ports/clock.ts'
import type { Cluster } from '../../ports/cluster.ts'

const pauseMs = 4

/** Not every broker answered as wanted; what each said last. */
export class FenceUnproven extends KbgError {
  readonly answers: readonly BrokerProbe[]

  constructor(answers: readonly BrokerProbe[], message: string, options: ConstructorParameters<typeof KbgError>[2]) {
    super('fence-unproven', message, options)
    this.answers = answers
  }
}

/**
 * Asks every registered broker until all answer as wanted, twice in a row no broker being unreachable or of another mind.
 *
 * @throws KbgError `fence-unproven` naming the brokers that didn't
 */
export async function proveFence(cluster: Cluster, wanted: ProbeAnswer & ('fenced' | 'open'), deadline: Deadline): Promise<void> {
  let last: readonly BrokerProbe[] = []
  while (!deadline.over) {
    last = await cluster.fence.probe(deadline)
    if (last.length > 0 && last.every((probe) => probe.answer === wanted)) return
    await deadline.clock.sleep(Math.min(pauseMs, deadline.remainingMs()), deadline.cancelled)
  }
  throw unproven(cluster.colour, wanted, last, deadline)
}

function unproven(colour: Colour, wanted: 'fenced' | 'open', last: readonly BrokerProbe[], deadline: Deadline): FenceUnproven {
  const others = last.filter((probe) => probe.answer !== wanted).map((probe) => `broker ${probe.brokerId} ${probe.answer} ${probe.detail}`.trim())
  return new FenceUnproven(last, `Not every broker of ${colour} is ${wanted}.`, {
    facts: {
      observed: last.length === 0 ? 'no broker answered' : firstFive(others),
      required: `every registered broker ${wanted}`,
      waitedMs: Math.round(deadline.totalMs),
    },
    remedy: 'See that every registered broker runs and follows the metadata quorum.',
  })
}

/** Lifts a colour's fence and proves that: every broker answers as open. Whether it takes writes otherwise isn't asked. */
export async function liftFence(cluster: Cluster, deadline: Deadline): Promise<void> {
  await cluster.fence.lift(deadline)
  await proveFence(cluster, 'open', deadline)
}

/** Lifts a colour's fence and proves it: every broker answers as open, and a real canary record is accepted on every leader. */
export async function openColour(cluster: Cluster, deadline: Deadline): Promise<void> {
  await cluster.fence.lift(deadline)
  // The canary waits by itself for brokers that haven't learnt of it yet, so both proofs run side by side.
  await Promise.all([proveFence(cluster, 'open', deadline), cluster.fence.canary(deadline)])
}
