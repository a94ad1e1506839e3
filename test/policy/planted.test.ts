/** The policies in real previews, without a broker: nothing to say of the example as it is, each violation that was planted, and packs that can't judge. */
import { afterAll, beforeAll, expect, test } from 'vitest'
import { rules } from '../../policy/pack.ts'
import { Checkout } from '../support/checkout.ts'
import { plants } from './planted/plants.ts'
import { plantedPreviews } from './planted/run.ts'

let copy: Checkout

beforeAll(async () => {
  copy = new Checkout('policies')
  await copy.run('npx kbg init')
})
afterAll(() => copy?.remove())

test('every rule of the pack has a violation that is planted, but those of AWS, Kubernetes and capacity, which no local stack meets', () => {
  const names = rules.map(({ name }) => name).filter((name) => !/^(aws|kubernetes|capacity)-/.test(name))
  expect(new Set(plants.map(({ policy }) => policy))).toEqual(new Set(names))
})

test('green as it is; red for each planted violation, with resource, observed, required and remedy; red when policies can’t run', {
  timeout: 400_000,
}, async () => {
  const tried = await plantedPreviews(copy, () => undefined)
  expect(tried.filter(({ problem }) => problem !== '')).toEqual([])
  expect(tried).toHaveLength(plants.length + 4)
})
