/** Records that the standby doesn't take: the mirror stops instead of trying for ever, and the gate says so. */
import { ConfigResourceTypes } from 'kafkajs'
import { expect, test } from 'vitest'
import { within } from '../support/chaos-pair.ts'
import { contentOf } from '../support/contents.ts'
import type { Setting } from './setting.ts'

export function recordsThatGreenRefuses({ chaos, gateLines }: Setting): void {
  const set = async (colour: 'blue' | 'green', topic: string, config: Readonly<Record<string, string>>) => {
    const configEntries = Object.entries(config).map(([name, value]) => ({ name, value }))
    await chaos().admins[colour].alterConfigs({ validateOnly: false, resources: [{ type: ConfigResourceTypes.TOPIC, name: topic, configEntries }] })
  }
  const failed = () =>
    within(60).poll(100, async () => {
      const { tasks } = await chaos().ports.mirrors.blue.facts(await chaos().connector(), within(10))
      return tasks.find(({ state }) => state === 'FAILED')
    })
  /** Waits until the leader on green refuses a record of that time. What it takes before is aborted, so nobody sees it. */
  async function refusedOnGreen(topic: string, timestamp: string): Promise<void> {
    const producer = chaos().clients.green.producer({ transactionalId: 'f16', maxInFlightRequests: 1, idempotent: true })
    await producer.connect()
    await within(30).poll(100, async () => {
      const transaction = await producer.transaction()
      const answer = await transaction.send({ topic, acks: -1, messages: [{ partition: 0, value: 'probe', timestamp }] }).then(
        () => undefined,
        () => true, // refused: the limit holds
      )
      await transaction.abort()
      return answer
    })
    await producer.disconnect()
  }
  /** Both sides hold the same again once green takes the record. */
  async function mended(topic: string, open: Readonly<Record<string, string>>): Promise<void> {
    await set('green', topic, open)
    await within(60).poll(500, async () => {
      await chaos()
        .ports.mirrors.blue.restartTasks(await chaos().connector(), within(60))
        .catch(() => undefined) // green may not know its new limit yet
      return await chaos()
        .copied([topic], 'blue', 10)
        .then(
          () => true,
          () => undefined,
        )
    })
    const { blue, green } = await chaos().both([topic])
    const contents = [blue, green].map((each) => (each.get(`${topic}-0`) ?? []).map(contentOf))
    expect(contents[1]).toEqual(contents[0])
    expect(contents[0]?.length).toBe(1)
  }

  test('F13: a record above the limit of green stops the mirror, and the gate says so', async () => {
    const [topic, large] = ['f13-large', { 'max.message.bytes': '3000000' }]
    await set('blue', topic, large)
    await within(30).poll(200, async () =>
      chaos()
        .send('blue', topic, [{ value: 'x'.repeat(1_500_000) }])
        .then(
          () => true,
          () => undefined, // not every broker knows the new limit yet
        ),
    )
    await set('blue', topic, {})
    expect((await failed()).trace).toMatch(/RecordTooLarge/)
    expect(await gateLines()).toContainEqual(expect.stringMatching(/^mirror connector: fail; observed .*FAILED/))
    await chaos().untouched('blue')
    await mended(topic, large)
  })

  test('F16: a record whose timestamp green refuses stops the mirror instead of trying for ever', async () => {
    const topic = 'f16-old'
    const young = { 'retention.ms': '-1', 'message.timestamp.before.max.ms': '3600000' }
    await chaos().stopMirror()
    await chaos().send('blue', topic, [{ value: 'old', timestamp: '1400000000000' }])
    await set('blue', topic, young)
    await set('green', topic, young)
    await refusedOnGreen(topic, '1400000000000')
    await chaos()
      .startMirror()
      .catch(() => undefined) // it may fail before it was seen running
    expect((await failed()).trace).toMatch(/timestamp/i)
    expect(await gateLines()).toContainEqual(expect.stringMatching(/^mirror connector: fail; observed .*FAILED/))
    await chaos().untouched('blue')
    await mended(topic, { 'retention.ms': '-1' })
  })
}
