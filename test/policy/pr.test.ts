import { expect, test } from 'vitest'
import { parseEvents } from '../../cli/pr/events.ts'
import { prComment } from '../../cli/pr/markdown.ts'
import { stackPreview } from '../../cli/pr/stack-preview.ts'
import { inventory } from './fixtures.ts'

/** Event logs in the form of `pulumi preview --event-log`, one line an event. */

const urn = (type: string, name: string) => `urn:pulumi:blue::kafka-blue-green::${type}::${name}`

function changed(op: string, type: string, name: string, old: object | null, next: object | null) {
  const state = (inputs: object | null) => (inputs === null ? null : { inputs, outputs: inputs })
  return { resourcePreEvent: { metadata: { op, urn: urn(type, name), type, old: state(old), new: state(next) } } }
}

const parity = changed('same', 'kbg:catalog:Parity', 'parity', null, { blue: inventory('blue'), green: inventory('green'), own: 'blue', deployed: null })
const ended = { summaryEvent: { resourceChanges: {}, PolicyPacks: { 'kafka-blue-green|local|policy': '0.1.0' } } }
const violated = (message: string, enforcementLevel = 'mandatory', policyName = 'parity-topics') => ({
  policyEvent: { resourceUrn: urn('pulumi:pulumi:Stack', 'blue'), message: `What it is about.\n${message}\n`, policyName, enforcementLevel },
})
const switchover = (live: string, wanted: string) =>
  changed(live === wanted ? 'same' : 'update', 'kbg:index:Switchover', 'switchover', { live }, { live: wanted })

function comment(stacks: Readonly<Record<string, readonly object[]>>) {
  return prComment(
    Object.entries(stacks).map(([stack, events]) => stackPreview(stack, parseEvents(events.map((event) => JSON.stringify(event)).join('\n'), stack))),
  )
}

test('a harmless change: green, with what changes and the parity of both colours', () => {
  const topic = changed('create', 'kafka:index/topic:Topic', 'blue-topic-new', null, { partitions: 3 })
  const { markdown, isGreen } = comment({ blue: [parity, topic, ended], traffic: [switchover('blue', 'blue'), ended] })
  expect(isGreen).toBe(true)
  expect(markdown).toMatch(/^<!-- kbg pr -->\n## Kafka blue-green: nothing speaks against this\n\nblue is live, and stays it\.\n/)
  expect(markdown).toContain('| blue | 1 create: blue-topic-new |')
  expect(markdown).toContain('| topics | 1 | 1 | equal |')
  expect(markdown).toContain('| brokers | 3 x 3.9.2 | 3 x 4.3.1 | equal |')
})

test('a violation and an expired exception are red; advice is not', () => {
  const red = comment({ blue: [parity, violated('topic orders: partitions is 6 on blue (its exception expired on 2026-11-01).'), ended] })
  expect(red.isGreen).toBe(false)
  expect(red.markdown).toContain('- **violation** on blue, `parity-topics`: topic orders: partitions is 6 on blue (its exception expired on 2026-11-01).')
  expect(comment({ blue: [parity, violated('so it is', 'advisory'), ended] })).toMatchObject({
    isGreen: true,
    markdown: expect.stringContaining('- advice on blue'),
  })
})

test('a switch is said first, with its plan; preparing or retiring beside it is red', () => {
  const plan = { diagnosticEvent: { urn: urn('kbg:index:Switchover', 'switchover'), severity: 'info', message: 'Switchover blue -> green:\n   1. lock' } }
  const alone = comment({ blue: [parity, ended], traffic: [switchover('blue', 'green'), plan, ended] })
  expect(alone).toMatchObject({ isGreen: true, markdown: expect.stringContaining('**This moves all traffic to green.**') })
  expect(alone.markdown).toContain('Switchover blue -> green:\n   1. lock')
  const topic = changed('update', 'kafka:index/topic:Topic', 'green-topic-orders', { partitions: 3 }, { partitions: 6 })
  const mixed = comment({ green: [parity, topic, ended], traffic: [switchover('blue', 'green'), ended] })
  expect(mixed).toMatchObject({ isGreen: false, markdown: expect.stringContaining('green is prepared in the pull request that switches to green') })
})

test('a partition decrease, a replaced cluster, a live one that changes, and two that change at once are red', () => {
  const cluster = (colour: string, op: string) => changed(op, 'kbg:index:LocalCluster', `${colour}-cluster`, { nodes: 3 }, { nodes: 3 })
  const fewer = changed('replace', 'kafka:index/topic:Topic', 'blue-topic-orders', { partitions: 6 }, { partitions: 3 })
  const { markdown, isGreen } = comment({
    blue: [parity, fewer, cluster('blue', 'update'), ended],
    green: [cluster('green', 'replace'), ended],
    traffic: [switchover('blue', 'blue'), ended],
  })
  expect(isGreen).toBe(false)
  expect(markdown).toContain('| no partition decrease | **fail** | blue-topic-orders on blue from 6 to 3.')
  expect(markdown).toContain('| no data replaced or deleted | **fail** | blue-topic-orders on blue (replace); green-cluster on green (replace).')
  expect(markdown).toContain('| live colour | **fail** | blue-cluster of blue, which is live (update).')
  expect(markdown).toContain('| one colour’s data plane | **fail** | blue and green change in one pull request.')
})

test('a preview without policies, one that broke off, and one whose policy could not run show nothing as fine', () => {
  expect(comment({ blue: [parity, { summaryEvent: { PolicyPacks: {} } }] })).toMatchObject({
    isGreen: false,
    markdown: expect.stringContaining('no policy pack ran on blue'),
  })
  expect(comment({ blue: [parity] })).toMatchObject({ isGreen: false, markdown: expect.stringContaining('blue: the preview did not come to its end') })
  const notRun = comment({ blue: [parity, violated("can't run policy 'x' during preview: unknown", 'advisory', 'x'), ended] })
  expect(notRun).toMatchObject({ isGreen: false, markdown: expect.stringContaining('could not run') })
})

test('what others wrote is no markup', () => {
  const { markdown } = comment({ blue: [parity, violated('topic a|b <img> @everyone'), ended] })
  expect(markdown).toContain('topic a\\|b &lt;img> @\u200beveryone')
})

test('half a log is refused with its line', () => {
  expect(() => parseEvents(`${JSON.stringify(parity)}\n{"resourcePreEvent":{"meta`, 'blue.events')).toThrow(
    /^event-log: The event log blue\.events can't be read\.[\s\S]*line: 2/,
  )
})
