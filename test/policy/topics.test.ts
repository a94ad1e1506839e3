import type { StackValidationArgs } from '@pulumi/policy'
import { expect, test } from 'vitest'
import { type ColourInventory, inventoryOf } from '../../engine/model/inventory.ts'
import { parseCatalog } from '../../infra/catalog.ts'
import { topicParity } from '../../policy/topics.ts'

const catalog = parseCatalog('topics:\n  orders: { partitions: 6, config: { retention.ms: 1000 } }\n', 'catalog.yaml')

/** What the policy reports about a stack with these resources. */
async function violations(resources: readonly { type: string; props: object }[]): Promise<string[]> {
  const reported: string[] = []
  const validate = topicParity.validateStack
  if (typeof validate !== 'function') throw new Error('the policy is one function')
  await validate({ resources } as unknown as StackValidationArgs, (message) => reported.push(message))
  return reported
}

function parity(blue: ColourInventory | undefined, green: ColourInventory | undefined) {
  return { type: 'kbg:catalog:Parity', props: { blue, green } }
}

test('fails when a topic inherits another config on one colour', async () => {
  const blue = inventoryOf('blue', catalog, {})
  const green = inventoryOf('green', catalog, { 'message.max.bytes': '2000000', 'log.retention.hours': '48' })
  expect(await violations([parity(blue, green)])).toEqual([
    'Topic orders differs in max.message.bytes: blue not set, green 2000000. Declare it the same for both.',
  ])
})

test('fails when a colour has no inventory, or it is not known', async () => {
  expect(await violations([parity(inventoryOf('blue', catalog, {}), undefined)])).toEqual([
    "Topics can't be compared: green has no stack file, so there is nothing to compare with.",
  ])
  expect(await violations([{ type: 'kafka:index/topic:Topic', props: {} }])).toHaveLength(1)
  const unknown = {
    type: 'kbg:catalog:Parity',
    props: {
      get blue(): never {
        throw new Error('unknown')
      },
    },
  }
  expect((await violations([unknown]))[0]).toMatch(/^Topics can't be compared: the inventory of blue is not known yet/)
})

test('passes when both colours hold the same, and where there is no colour', async () => {
  expect(await violations([parity(inventoryOf('blue', catalog, {}), inventoryOf('green', catalog, { 'num.io.threads': '2' }))])).toEqual([])
  expect(await violations([{ type: 'kbg:index:Switchover', props: {} }])).toEqual([])
})
