/** Two fleets in one stack, as a team's own program declares them: each is judged for itself. */
import { expect, test } from 'vitest'
import type { Colour } from '../../engine/model/colour.ts'
import { declaredDeployed, declaredResources } from '../../policy/declared.ts'
import { parityBrokers, parityTopics } from '../../policy/parity.ts'
import { safetyGuardians, safetyMirror, safetyProtection, safetyRoute } from '../../policy/safety.ts'
import {
  acl,
  audit,
  cluster,
  gate,
  guard,
  guardian,
  inventory,
  mirror,
  parity,
  quota,
  type ResourceSpec,
  reported,
  switchover,
  topic,
  user,
  worker,
} from './fixtures.ts'

/** Below a component, under names of its own. */
function below(component: ResourceSpec, fleet: string, specs: readonly ResourceSpec[]): ResourceSpec[] {
  const named = (name: string) => `${fleet}-${component.name}-${name}`
  const owner = { ...component, name: `${fleet}-${component.name}`, props: { ...component.props, fleet } }
  const inside = specs.map(({ name, type, dependencies = [], propertyDependencies = {}, ...rest }) => ({
    ...rest,
    ...{ type, name: named(name ?? type), parent: owner.name, dependencies: dependencies.map(named) },
    propertyDependencies: Object.fromEntries(Object.entries(propertyDependencies).map(([key, names]) => [key, names.map(named)])),
  }))
  return [owner, ...inside]
}

const colourOf = (fleet: string, colour: Colour, specs: readonly ResourceSpec[]) =>
  below({ type: 'kbg:cluster:LocalColour', name: colour, props: { colour } }, fleet, specs)
const brokers = (kafkaVersion: string): ResourceSpec => ({ ...cluster, props: { kafkaVersion, nodes: 3, brokerConfig: {} } })
const made = (kafkaVersion: string) => [brokers(kafkaVersion), topic(), acl, user, quota, guard()]
const traffic = [gate, switchover(), mirror(), worker('blue'), worker('green'), guardian('blue'), guardian('green'), audit]

function fleet(
  name: string,
  change: { readonly blue?: readonly ResourceSpec[]; readonly traffic?: readonly ResourceSpec[]; readonly parity?: ResourceSpec } = {},
) {
  const { type, props } = change.parity ?? parity(inventory('blue'), inventory('green'), null)
  return [
    ...colourOf(name, 'blue', change.blue ?? made('3.9.2')),
    ...colourOf(name, 'green', made('4.3.1')),
    { type, name: `${name}-parity`, props: { ...props, fleet: name } },
    ...below({ type: 'kbg:traffic:Traffic', name: 'traffic' }, name, change.traffic ?? traffic),
  ]
}

const rules = [declaredDeployed, declaredResources, parityBrokers, parityTopics, safetyGuardians, safetyMirror, safetyProtection, safetyRoute]

test.each(rules.map((rule) => [rule.name, rule] as const))('%s has nothing against two fleets in one stack', async (_, rule) => {
  expect(await reported(rule, [...fleet('shop'), ...fleet('ledger')])).toEqual([])
})

test('a colour that makes another thing than it declares is told with its fleet, and the other colour’s inventory doesn’t excuse it', async () => {
  const blue = made('4.3.1') // as green declares it
  expect(await reported(declaredResources, [...fleet('shop', { blue }), ...fleet('ledger')])).toEqual([
    expect.stringMatching(/^shop: brokers: kafkaVersion is 4\.3\.1, required: 3\.9\.2/),
  ])
})

test('a topic beside both colours is nobody’s, and is neither declared nor guarded', async () => {
  const stray = { ...topic(), name: 'stray', protect: true }
  const stack = [...fleet('shop'), ...fleet('ledger'), stray]
  expect((await reported(declaredResources, stack))[0]).toMatch(/^ledger: topic orders: partitions is 6, required: not there/)
  expect((await reported(safetyProtection, stack))[0]).toMatch(/^ledger: retirement guard: declared is not there/)
})

test('a colour that is being retired lifts the protection of its own data alone', async () => {
  const open = (specs: readonly ResourceSpec[]) => specs.map((each) => ({ ...each, protect: false }))
  const retired = open([brokers('3.9.2'), topic(), guard({ retire: true })])
  expect(await reported(safetyProtection, fleet('shop', { blue: retired }))).toEqual([])
  const both = fleet('shop', { blue: retired }).map((each) => (each.parent === 'shop-green' ? { ...each, protect: false } : each))
  expect(await reported(safetyProtection, both)).toEqual([
    expect.stringMatching(/^shop-green-blue-cluster: protect is false/),
    expect.stringMatching(/^shop-green-blue-topic-orders: protect is false/),
  ])
})

test('what one fleet lacks another one doesn’t make up for', async () => {
  const unguarded = traffic.filter(({ name }) => name !== 'guardian-green')
  expect(await reported(safetyGuardians, [...fleet('shop', { traffic: unguarded }), ...fleet('ledger')])).toEqual([
    expect.stringMatching(/^shop: guardian of green: declared is not there/),
  ])
  const differing = parity(
    inventory('blue'),
    inventory('green', ({ topics }) => void Reflect.deleteProperty(topics, 'orders')),
    null,
  )
  expect(await reported(parityTopics, [...fleet('shop'), ...fleet('ledger', { parity: differing })])).toEqual([
    expect.stringMatching(/^ledger: topic orders: declared is declared on blue and not there on green/),
  ])
})
