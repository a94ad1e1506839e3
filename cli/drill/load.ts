import { setTimeout as sleep } from 'node:timers/promises'
import kafkajs from 'kafkajs'
import { Kafka } from '../../client/index.ts'
import { passwordOf, readCredentials } from '../../engine/adapters/local/credentials.ts'
import { trustIn } from '../../engine/adapters/trust.ts'
import { platformUsers } from '../../engine/model/cluster-access.ts'
import { colours } from '../../engine/model/colour.ts'
import { drillGroup, drillTopics } from '../../engine/model/drill.ts'
import { KbgError } from '../../engine/model/error.ts'
import type { Wiring } from '../../engine/model/wiring.ts'
import { type Clock, Deadline } from '../../engine/ports/clock.ts'
import type { DrillLoad } from '../../engine/run/drill/drill.ts'

const sendEveryMs = 10
const flowRecords = 100
const lookEveryMs = 20
const keys = 17
/** The reader is waited for until everything was read or the deadline is over; leaving comes behind that. */
const leaveMs = 10_000

/** Its clients have one login for both colours, and the operator of an adopted cluster is another one. */
function refuseAdopted({ clusters }: Wiring): void {
  const adopted = colours.filter((colour) => clusters[colour].users !== undefined)
  if (adopted.length === 0) return
  throw new KbgError('drill-login', "A drill's clients log in as the operator, with one login for both colours.", {
    facts: { adopted, required: 'two colours that this project provisioned' },
    remedy: 'Drill with two provisioned colours; the gate of a switchover asks an adopted one all that a drill would.',
  })
}

/**
 * One routed producer, which sends the next record when the last one was acknowledged, and one routed reader. They log in as the operator: the standby's own fence lets nobody else write, and a drill leaves
 * it alone.
 */
export async function startDrillLoad(wiring: Wiring, clock: Clock): Promise<DrillLoad> {
  const { credentialsFile, caFile } = wiring.clusters.blue
  refuseAdopted(wiring)
  const trust = trustIn(caFile) // one authority for both colours, as it is one credentials file
  const sasl = {
    mechanism: 'scram-sha-512',
    username: platformUsers.operator,
    password: passwordOf(readCredentials(credentialsFile), platformUsers.operator),
  } as const
  const kafka = new Kafka({
    fleet: wiring.fleet,
    routeStore: wiring.routeStore,
    clientId: 'kbg-drill',
    sasl,
    ...(trust === undefined ? {} : { ssl: { ...trust } }),
    logLevel: kafkajs.logLevel.NOTHING,
  })
  const [producer, consumer] = [kafka.producer(), kafka.consumer({ groupId: drillGroup })]
  const acknowledged: string[] = []
  const received: string[] = []
  const failures: string[] = []
  const stopping = new AbortController()
  let lastAckMs = clock.monotonicMs()
  let windowMs = 0
  const noteGap = () => {
    windowMs = Math.max(windowMs, clock.monotonicMs() - lastAckMs)
  }
  const send = async () => {
    for (let number = 0; !stopping.signal.aborted; number += 1) {
      const value = `drill-${number}`
      try {
        await producer.send({ topic: drillTopics.records, acks: -1, messages: [{ key: `k${number % keys}`, value }] })
        acknowledged.push(value)
        noteGap()
        lastAckMs = clock.monotonicMs()
      } catch (thrown) {
        failures.push(String(thrown)) // its outcome is unknown, so that it counts as nothing; the gap that it leaves counts
      }
      await sleep(sendEveryMs)
    }
  }
  try {
    await Promise.all([producer.connect(), consumer.connect()])
    await consumer.subscribe({ topics: [drillTopics.records], fromBeginning: true })
    await consumer.run({ eachMessage: async ({ message }) => void received.push(message.value?.toString('utf8') ?? '') })
  } catch (thrown) {
    await Promise.allSettled([producer.disconnect(), consumer.disconnect()]) // one that has connected would keep this process alive, and its group from being deleted
    throw thrown
  }
  const sending = send()
  const isRead = () => new Set(received).size >= acknowledged.length

  return {
    async flow(deadline) {
      const wanted = acknowledged.length + flowRecords
      await deadline.poll(lookEveryMs, async () => (acknowledged.length >= wanted && received.length >= wanted ? true : undefined))
    },
    takeWindowMs() {
      noteGap()
      const taken = windowMs
      windowMs = 0
      return taken
    },
    async stop(deadline) {
      stopping.abort()
      await deadline.race(producer.disconnect().then(() => sending)) // in this order: a send that is held, by a drill that can't end its switchover, ends with its producer only
      while (!isRead() && !deadline.over) await sleep(lookEveryMs)
      await new Deadline(clock, leaveMs, 'the reader of the drill to leave').race(consumer.disconnect())
      return { acknowledged, received }
    },
  }
}
