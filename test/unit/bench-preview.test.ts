import { expect, it } from 'vitest'
import { customResources } from '../bench/preview.ts'

it('only what a provider is asked for counts: no stack, no component, no provider', () => {
  const step = (type: string, custom: boolean, op = 'create') => ({ op, urn: 'urn', newState: { type, custom, urn: 'urn' } })
  const steps = [
    step('pulumi:pulumi:Stack', false),
    step('kbg:cluster:LocalColour', false),
    step('pulumi:providers:kafka', true),
    step('kafka:index/topic:Topic', true),
    step('kbg:index:LocalCluster', true),
    step('kbg:index:LocalCluster', true, 'same'),
  ]
  expect(customResources({ steps, changeSummary: { create: 5 } })).toBe(2)
  expect(() => customResources({})).toThrow()
})
