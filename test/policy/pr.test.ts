import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, test } from 'vitest'
import { runPr } from '../../cli/pr/command.ts'
import { parseEvents } from '../../cli/pr/events.ts'
import { prComment } from '../../cli/pr/markdown.ts'
import { stackPreview } from '../../cli/pr/stack-preview.ts'
import { inventory, inventoryText } from './fixtures.ts'

/** Event logs in the form of `pulumi preview --event-log`, one line an event; those of real previews are in `npm run test:policy`. */

const urn = (type: string, name: string) => `urn:pulumi:blue::kafka-blue-green::${type}::${name}`

function changed(op: string, type: string, name: string, old: object | null, next: object | null, paths: readonly string[] = []) {
  const state = (inputs: object | null) => (inputs === null ? null : { inputs, outputs: inputs })
  const detailedDiff = Object.fromEntries(paths.map((path) => [path, {}]))
  return { resourcePreEvent: { metadata: { op, urn: urn(type, name), type, old: state(old), new: state(next), detailedDiff } } }
}

const parityOf = (blue = inventory('blue'), green = inventory('green')) =>
  changed('same', 'kbg:catalog:Parity', 'parity', null, { blue: inventoryText(blue), green: inventoryText(green), own: 'blue' })
const parity = parityOf()
const judged = { policyAnalyzeStackSummaryEvent: { policyPackName: 'kafka-blue-green', passed: ['parity-topics', 'unjudged'], failed: [] } }
const ended = { summaryEvent: { resourceChanges: {} } }
const fine = [judged, ended]
const violated = (finding: string, enforcementLevel = 'mandatory', policyName = 'parity-topics') => ({
  policyEvent: { resourceUrn: urn('pulumi:pulumi:Stack', 'blue'), message: `What it is about.\n${finding}\nDeclare it.\n`, policyName, enforcementLevel },
})
const failed = (message: string) => ({ diagnosticEvent: { message: `${message}\n`, severity: 'error' } })
const topic = (op: string, old: object | null, next: object | null, paths: readonly string[] = []) =>
  changed(op, 'kafka:index/topic:Topic', 'blue-catalog-topic-orders', old && { name: 'orders', ...old }, next && { name: 'orders', ...next }, paths)
const kafkaTopic = (partitions: number) => ({ spec: { topicName: 'orders', partitions, replicas: 3 } })
const cluster = (op: string, colour: string, nodes = [3, 3]) =>
  changed(op, 'kbg:index:LocalCluster', `${colour}-cluster`, { colour, nodes: nodes[0] }, { colour, nodes: nodes[1] }, nodes[0] === nodes[1] ? [] : ['nodes'])
const msk = { clusterName: 'kbg-green' }
const guard = (retire: boolean) => changed('same', 'kbg:index:RetirementGuard', 'guard', null, { retire, decommission: null })
/** A refresh comes first, as in a real log: it shows the switchover as it is, not as it is wanted. */
const switchover = (live: string, wanted: string, consumers: readonly object[] = [{}, {}]) => [
  changed('refresh', 'kbg:index:Switchover', 'switchover', { live, consumers: consumers[0] }, { live, consumers: consumers[0] }),
  changed('update', 'kbg:index:Switchover', 'switchover', { live, consumers: consumers[0] }, { live: wanted, consumers: consumers[1] }, ['live']),
]
const plan = (text: string) => ({
  diagnosticEvent: { urn: urn('kbg:traffic:Traffic$kbg:index:Switchover', 'traffic-switchover'), message: text, severity: 'info' },
})
const steady = [...switchover('blue', 'blue'), ...fine]
/** Traffic on Kubernetes: what lies between the colours, the configuration of its job, and the job; null: there was, or is, no job. */
const jobConfig = (intent: object | null) => intent && { data: { 'orchestrator.json': JSON.stringify({ wiring: {}, intent, limits: {} }) } }
const between = (op: string) => changed(op, 'kbg:network:KubernetesBetween', 'between', op === 'create' ? null : {}, {})
const job = (before: object | null, wanted: object | null, isSame = false) => {
  const op = before === null ? 'create' : wanted === null ? 'delete' : 'replace'
  const own = (type: string, old: object | null, next: object | null) => {
    const named = urn(`kbg:network:KubernetesBetween$kbg:switchover:KubernetesSwitchover$${type}`, 'between-switchover')
    return { resourcePreEvent: { metadata: { urn: named, type, op: isSame ? 'same' : op, old: stateOf(old), new: stateOf(next) } } }
  }
  return [own('kubernetes:core/v1:ConfigMap', jobConfig(before), jobConfig(wanted)), own('kubernetes:batch/v1:Job', before && {}, wanted && {})]
}
const stateOf = (inputs: object | null) => inputs && { inputs, outputs: inputs }

type Stacks = Readonly<Record<string, readonly object[]>>
const textOf = (events: readonly object[]) => events.map((event) => JSON.stringify(event)).join('\n')
function comment(stacks: Stacks) {
  const whole: Stacks = { blue: [parity, ...fine], green: [parity, ...fine], traffic: steady, ...stacks }
  return prComment(Object.entries(whole).map(([stack, events]) => stackPreview(stack, parseEvents(textOf(events), stack))))
}

/** For each check what it holds back, with what it says, and what it lets through. */
const cases: Readonly<Record<string, { readonly fails: readonly (readonly [Stacks, string])[]; readonly passes: readonly Stacks[] }>> = {
  'policies ran': {
    fails: [
      [{ blue: [parity, ended] }, 'no policy judged blue'],
      [{ blue: [parity, { policyAnalyzeStackSummaryEvent: { policyPackName: 'another', passed: ['x'] } }, ended] }, 'no policy judged blue'],
      [
        { green: [parity, violated("can't run policy 'x' during preview: unknown", 'advisory', 'parity-topics'), ...fine] },
        'parity-topics could not run on green',
      ],
    ],
    passes: [{}],
  },
  previews: {
    fails: [
      [{ green: [parity, judged] }, 'green: it did not come to its end'],
      [{ blue: [failed('no such file'), ...fine] }, 'blue: no such file. Mend it'],
      [
        { blue: [failed("kbg:index:LocalCluster resource 'c': property nodes value {3} has a problem: it stands."), ...fine] },
        'blue: c, nodes: it stands. Mend it',
      ],
    ],
    passes: [{ blue: [violated('topic orders: it is so'), failed('preview failed'), ...fine] }], // the violation says it
  },
  exceptions: {
    fails: [
      [{ blue: [violated('topic orders: partitions is 6 (its exception expired on 2026-11-01), required: 3.'), ...fine] }, 'expired on 2026-11-01'],
      [
        { blue: [violated('it is 6 (its exception expired on 2026-11-01), required: 3.', 'advisory', 'declared-deployed'), ...fine] },
        'declared-deployed, it is 6',
      ],
    ],
    passes: [{ blue: [violated('parity-brokers: nodes is 3, until 2026-12-31: it is so.', 'advisory', 'excepted'), ...fine] }],
  },
  'no partition decrease': {
    fails: [
      [{ blue: [topic('update', { partitions: 6 }, { partitions: 3 }), ...fine] }, 'topic orders on blue from 6 to 3'],
      [
        {
          green: [changed('update', 'kubernetes:kafka.strimzi.io/v1:KafkaTopic', 'blue-topic-orders', kafkaTopic(6), kafkaTopic(3)), ...fine],
        },
        'topic orders on green from 6 to 3',
      ],
      [
        { green: ['create-replacement', 'replace', 'delete-replaced'].map((op) => topic(op, { partitions: 2 }, { partitions: 1 })).concat(fine as never) },
        'topic orders on green from 2 to 1. Kafka',
      ],
    ],
    passes: [{ blue: [topic('update', { partitions: 3 }, { partitions: 6 }), ...fine] }],
  },
  'no data replaced or deleted': {
    fails: [
      [{ blue: [topic('delete', { partitions: 6 }, null), ...fine] }, 'topic orders on blue (delete)'],
      [{ green: [cluster('replace', 'green'), ...fine] }, 'cluster of green on green (replace)'],
      [{ green: [changed('replace', 'aws:msk/cluster:Cluster', 'c', msk, msk), ...fine] }, 'MSK cluster kbg-green on green (replace)'],
      ...['kbg:index:ExternalCluster', 'kubernetes:kafka.strimzi.io/v1:Kafka', 'kubernetes:kafka.strimzi.io/v1:KafkaNodePool'].map(
        (type) => [{ green: [changed('delete', type, 'c', {}, null), ...fine] }, 'on green (delete)'] as const,
      ),
      [{ green: [changed('delete', 'kubernetes:kafka.strimzi.io/v1:KafkaTopic', 'c', {}, null), ...fine] }, 'on green (delete)'],
    ],
    passes: [{ green: [topic('delete', { partitions: 6 }, null), guard(true), ...fine] }, { blue: [topic('create', null, { partitions: 6 }), ...fine] }],
  },
  'live colour': {
    fails: [
      [{ blue: [cluster('update', 'blue', [3, 1]), ...fine] }, 'cluster of blue of blue, which is live (update)'],
      [{ blue: [changed('update', 'kbg:index:ExternalCluster', 'c', {}, {}), ...fine] }, 'of blue, which is live (update)'],
      [{ blue: [changed('update', 'kubernetes:kafka.strimzi.io/v1:Kafka', 'c', {}, {}), ...fine] }, 'of blue, which is live (update)'],
      [{ blue: [guard(true), ...fine] }, 'blue is told to retire, and is live'],
    ],
    passes: [{ green: [cluster('update', 'green'), guard(false), ...fine] }, { green: [guard(true), ...fine] }, { traffic: fine }],
  },
  'one colour’s data plane': {
    fails: [
      [{ blue: [cluster('update', 'blue'), ...fine], green: [cluster('update', 'green'), ...fine] }, 'blue and green change in one pull request'],
      [{ blue: [cluster('replace', 'blue'), ...fine], green: [cluster('delete', 'green'), ...fine], traffic: fine }, 'blue and green change in one'],
    ],
    passes: [
      { green: [cluster('update', 'green'), ...fine] },
      { blue: [cluster('create', 'blue'), ...fine], green: [cluster('create', 'green'), ...fine], traffic: fine },
    ],
  },
  'prepare, switch and retire apart': {
    fails: [
      [
        { blue: [topic('create', null, { partitions: 1 }), ...fine], traffic: [...switchover('blue', 'green'), ...fine] },
        'blue is prepared in the pull request that moves all traffic to green',
      ],
      [{ blue: [guard(true), ...fine], traffic: [...switchover('blue', 'green'), ...fine] }, 'blue is retired in the pull request that moves'],
      [
        { green: [cluster('create', 'green'), ...fine], traffic: [...switchover('blue', 'blue', [{}, { 'wave-1': 'green' }]), ...fine] },
        'green is prepared in the pull request that moves wave-1 to green',
      ],
    ],
    passes: [
      { traffic: [...switchover('blue', 'green'), ...fine] },
      { blue: [topic('create', null, { partitions: 1 }), ...fine] },
      { green: [guard(true), ...fine] },
    ],
  },
  'plan of the move': {
    fails: [
      [{ traffic: [...switchover('blue', 'green'), ...fine] }, 'moves all traffic to green and tells no plan'],
      [{ traffic: [...switchover('blue', 'blue', [{}, { 'wave-1': 'green' }]), ...fine] }, 'moves wave-1 to green and tells no plan'],
    ],
    passes: [{ traffic: [...switchover('blue', 'green'), plan('Switchover blue -> green:\nNothing would refuse it now (29 checks pass).'), ...fine] }, {}],
  },
}

describe.each(Object.entries(cases))('%s', (name, { fails, passes }) => {
  test.each(fails)('holds back %#', (stacks, says) => {
    const { markdown, isGreen } = comment(stacks)
    expect(isGreen).toBe(false)
    const verdict = name === 'plan of the move' ? '**not shown**' : '**fail**'
    const row = markdown.split('\n').find((line) => line.startsWith('|') && line.includes(name) && line.includes(verdict))
    expect(row, markdown).toContain(says)
  })

  test.each(passes)('lets through %#', (stacks) => {
    expect(comment(stacks).markdown).toMatch(new RegExp(`^Checked: .*${name} \\(`, 'm'))
  })
})

test('every check has at least two cases that fail and one that passes', () => {
  const names = (/^Checked: (.*)\.$/m.exec(comment({}).markdown)?.[1] ?? '').split('; ').map((each) => each.replace(/ \(.*$/, ''))
  expect(names).toEqual(Object.keys(cases))
  for (const { fails, passes } of Object.values(cases)) expect([fails.length >= 2, passes.length >= 1]).toEqual([true, true])
})

test('a harmless change: green, with what changes in words of the catalog, and the parity of both colours', () => {
  const made = topic('create', null, { partitions: 3, replicationFactor: 3 })
  const bookkeeping = [changed('update', 'pulumi:providers:kafka', 'default', {}, {}), changed('update', 'kbg:catalog:Parity', 'parity', {}, { blue: 1 })]
  const { markdown, isGreen } = comment({ blue: [...bookkeeping, parity, made, ...fine] })
  expect(isGreen).toBe(true)
  expect(markdown).toMatch(/^<!-- kbg pr -->\n## Kafka blue-green: nothing speaks against this\n\nblue is live, and stays it\.\n/)
  expect(markdown).toContain('| blue | create | topic orders: 3 partitions, 3 replicas |')
  expect(markdown).toContain('Nothing changes in green.')
  expect(markdown).not.toMatch(/default|parity-/)
  expect(markdown).toContain('| topics | 1 | 1 | equal |')
  expect(markdown).toContain('| brokers | 3 x 3.9.2 | 3 x 4.3.1 | equal |')
})

test('a violation is said once, with its stacks and its remedy; advice holds nothing back', () => {
  const found = 'topic orders: partitions is 6 on blue and 3 on green, required: the same on both.'
  const { markdown, isGreen } = comment({ blue: [parity, violated(found), ...fine], traffic: [violated(found), ...steady] })
  expect(isGreen).toBe(false)
  expect(markdown).toContain(`**Violated**\n- \`parity-topics\`. Declare it.\n  - ${found} (blue, traffic)\n`)
  const advice = comment({ blue: [parity, violated('so it is', 'advisory'), ...fine] })
  expect(advice).toMatchObject({ isGreen: true, markdown: expect.stringContaining('**Advice**\n- `parity-topics`. Declare it.\n  - so it is (blue)') })
})

test('a switch is said first, with what would refuse it now; its plan stands below', () => {
  const green = comment({
    traffic: [...switchover('blue', 'green'), plan('Switchover blue -> green:\n  1. lock\nNothing would refuse it now (29 checks pass).'), ...fine],
  })
  expect(green.isGreen).toBe(true)
  expect(green.markdown).toContain('blue is live. **This moves all traffic to green.** Nothing would refuse it now (29 checks pass).\n')
  expect(green.markdown).toContain('```\nSwitchover blue -> green:\n  1. lock')
  const refused = comment({ traffic: [...switchover('blue', 'green'), plan('Switchover:\nIt would be refused now:\n  mirror lag: fail'), ...fine] })
  expect(refused.markdown).toContain('**This moves all traffic to green.** It would be refused now: mirror lag: fail')
  const told = 'Switchover:\nIt would be refused now:\n  mirror lag: fail\n  fences: fail\ndrill     none\nBehind the gate these hooks are asked'
  expect(comment({ traffic: [...switchover('blue', 'green'), plan(told), ...fine] }).markdown).toContain(
    '**This moves all traffic to green.** It would be refused now: mirror lag: fail; fences: fail\n',
  )
  const many = `It would be refused now:\n${Array.from({ length: 7 }, (_, index) => `  check ${index}: fail`).join('\n')}`
  expect(comment({ traffic: [...switchover('blue', 'green'), plan(many), ...fine] }).markdown).toContain('check 4: fail and 2 more, in the plan\n')
  // what a preview tells of fences stands in a line of its own, behind the plan
  const fences = comment({
    traffic: [...switchover('blue', 'green'), plan('Switchover:\nNothing would refuse it now (29 checks pass).'), plan('A fence doesn’t follow'), ...fine],
  }).markdown
  expect(fences).toContain('Nothing would refuse it now (29 checks pass).\n\n')
  expect(fences).toContain('A fence doesn’t follow')
  expect(comment({ traffic: [...switchover('green', 'green', [{ 'wave-1': 'blue' }, {}]), ...fine] }).markdown).toContain('**This moves wave-1 to green.**')
})

test('a plan that could not be made is no plan that refuses nothing, and keeps nothing back; one without a gate says so', () => {
  const moved = (text: string) => comment({ traffic: [...switchover('blue', 'green'), plan(text), ...fine] })
  const unmade = moved("The plan can't be told now: deadline: no broker answers")
  expect(unmade.isGreen).toBe(true)
  expect(unmade.markdown).toContain('What would refuse it now **isn’t known**.')
  expect(unmade.markdown).toContain("| plan of the move | **unknown** | The plan can't be told now: deadline: no broker answers |")
  const back = comment({
    traffic: [...switchover('blue', 'blue', [{ 'wave-1': 'green' }, {}]), plan('wave-1 moves green -> blue while the producers stay'), ...fine],
  })
  expect(back.markdown).toContain('**This moves wave-1 to blue.** wave-1 moves green -> blue while')
})

describe('traffic that a job moves, on Kubernetes', () => {
  const [blue, green] = [
    { live: 'blue', attempt: 0, consumers: {} },
    { live: 'green', attempt: 0, consumers: {} },
  ]
  const kafka = changed('update', 'kubernetes:kafka.strimzi.io/v1:Kafka', 'blue', {}, {})
  const prepares = [topic('create', null, { partitions: 1 }), parity, ...fine]
  const stands = [between('same')]
  const said = (...traffic: readonly object[]) => comment({ traffic: [...traffic, ...fine] }).markdown
  const unless = (live: string) => `all traffic to ${live}, unless it is there.**`

  test('a move is said by what its job was asked for and is asked for now; what would refuse it only the job can ask', () => {
    const { markdown, isGreen } = comment({ traffic: [...stands, ...job(blue, green), ...fine] })
    expect(isGreen).toBe(true)
    expect(markdown).toContain(
      'Who is live **isn’t known**: on Kubernetes a preview can’t ask the route; kbg status says it. **This moves all traffic to green.**',
    )
    expect(markdown).toContain('| plan of the move | **unknown** | on Kubernetes a job asks the gate, and a preview can’t |')
    expect(said(...stands, ...job(blue, { ...blue, consumers: { 'wave-1': 'green' } }))).toContain('**This moves wave-1 to green.**')
  })

  test('a job that runs again may move what guardians took back, or what was refused; one that stays, or goes, moves nothing', () => {
    expect(said(...stands, ...job(green, { ...green, attempt: 1 }))).toContain(`**This moves ${unless('green')}`)
    expect(said(...stands, ...job(null, green))).toContain(`**This moves ${unless('green')}`)
    expect(said(...stands, ...job(green, green))).toContain(`**This may move ${unless('green')}`)
    for (const still of [job(green, green, true), job(green, null), []]) expect(said(...stands, ...still)).not.toMatch(/\*\*This (?:may move|moves)/)
  })

  test('what is asked for is kept apart from what prepares a colour, but in a fleet’s first; what may come of it is told', () => {
    const together = (...traffic: readonly object[]) => comment({ blue: prepares, traffic: [...traffic, ...fine] })
    const moved = together(...stands, ...job(blue, green))
    expect([moved.isGreen, moved.markdown.includes('blue is prepared in the pull request that moves all traffic to green')]).toEqual([false, true])
    expect(together(...stands, ...job(null, blue)).isGreen).toBe(false)
    const first = together(between('create'), ...job(null, blue))
    expect([first.isGreen, first.markdown.includes('No colour is live yet.')]).toEqual([true, true])
    const again = together(...stands, ...job(blue, blue))
    expect(again.isGreen).toBe(true)
    expect(again.markdown).toContain(
      '| prepare, switch and retire apart | **unknown** | blue is prepared in the pull request that moves all traffic to blue, unless it is there |',
    )
  })

  test('a cluster that changes may be the live one’s, also where no job stands any more', () => {
    for (const traffic of [job(blue, blue, true), job(blue, null), []]) {
      const { markdown, isGreen } = comment({ blue: [parity, kafka, ...fine], traffic: [...stands, ...traffic, ...fine] })
      expect(isGreen).toBe(false)
      expect(markdown).toMatch(/\| live colour \| \*\*not shown\*\* \| blue of blue \(update\), and who is live isn’t known here/)
      expect(comment({ traffic: [...stands, ...traffic, ...fine] }).isGreen).toBe(true)
    }
  })

  test('a job whose configuration a preview doesn’t tell moves something', () => {
    const hidden = JSON.parse(JSON.stringify(job(blue, green)).replaceAll('orchestrator.json', 'other.json'))
    expect(said(...stands, ...hidden)).toContain('**This moves what its preview doesn’t tell.**')
  })
})

test('a preview that broke off shows nothing as fine: neither who is live, nor what changes, nor a check that needs it', () => {
  const { markdown, isGreen } = comment({ blue: [topic('create', null, { partitions: 1 })], traffic: [failed('no backend')] })
  expect(isGreen).toBe(false)
  expect(markdown).toContain('Who is live **isn’t known**')
  expect(markdown).toContain('What else changes in blue, traffic **isn’t known**.')
  expect(markdown).toMatch(
    /\| no partition decrease; .*prepare, switch and retire apart; plan of the move \| \*\*not shown\*\* \| the preview of blue and traffic did not come to its end \|/,
  )
})

test('what an exception covers is shown, and what could not be judged', () => {
  const said = [
    violated('parity-brokers: brokers: nodes is 3, until 2026-12-31: a try.', 'advisory', 'excepted'),
    violated('x could not be judged.', 'advisory', 'unjudged'),
  ]
  const { markdown, isGreen } = comment({ blue: [parity, ...said, ...fine], green: [parity, ...said, ...fine] })
  expect(isGreen).toBe(true)
  expect(markdown).toContain('**Excepted**, for now\n- parity-brokers: brokers: nodes is 3, until 2026-12-31: a try. (blue, green)')
  expect(markdown).toContain('**Not judged**, because a preview doesn’t know it yet\n- x could not be judged. (blue, green)')
})

test('no password of a broker’s configuration is shown', () => {
  const withPassword = inventory('green', ({ brokers }) => void Object.assign(brokers.config, { 'ssl.keystore.password': 'of-a-test' }))
  const update = changed('update', 'kbg:index:LocalCluster', 'c', { brokerConfig: {} }, { brokerConfig: { 'ssl.keystore.password': 'of-a-test' } }, [
    'brokerConfig["ssl.keystore.password"]',
  ])
  const { markdown } = comment({ green: [parityOf(inventory('blue'), withPassword), update, ...fine], blue: fine })
  expect(markdown).toContain('config.ssl.keystore.password: not set / (hidden)')
  expect(markdown).not.toContain('of-a-test')
})

test('what others wrote is no markup', () => {
  const { markdown } = comment({ blue: [parity, violated('topic a|b <img> @everyone'), ...fine] })
  expect(markdown).toContain('topic a\\|b &lt;img> @\u200beveryone')
})

test('a comment is never longer than a forge takes, and says where it was cut', () => {
  const many = Array.from({ length: 2_000 }, (_, index) => violated(`topic t-${index}: partitions is 6 on blue and 3 on green.`))
  const { markdown, isGreen } = comment({ blue: [parity, ...many, ...fine] })
  expect(isGreen).toBe(false)
  expect(markdown.length).toBeLessThan(65_536)
  expect(markdown).toMatch(/\*\*This is longer than a comment may be\*\*; .*\n$/)
})

describe('kbg pr, on files', () => {
  const dir = mkdtempSync(join(tmpdir(), 'kbg-pr-'))
  afterAll(() => rmSync(dir, { recursive: true }))
  const whole = textOf([parity, ...fine])

  /** @param blue the text of blue's log; null: there is none */
  function run(blue: string | null) {
    const texts = { blue, green: whole, traffic: textOf(steady) }
    const words = Object.entries(texts).map(([stack, text]) => {
      const file = join(dir, `${stack}.events`)
      rmSync(file, { force: true })
      if (text !== null) writeFileSync(file, text)
      return `${stack}=${file}`
    })
    const out = join(dir, 'comment.md')
    const exitCode = runPr(words, out)
    return { exitCode, markdown: readFileSync(out, 'utf8') }
  }

  test('0 when nothing speaks against it', () => {
    expect(run(whole)).toMatchObject({ exitCode: 0, markdown: expect.stringContaining('nothing speaks against this') })
  })

  test.each([
    ['is cut in a line', whole.slice(0, -20), /blue: event-log: The event log .*blue\.events can't be read/],
    ['is cut between lines', whole.split('\n').slice(0, 2).join('\n'), /blue: it did not come to its end/],
    ['is empty', '', /no policy judged blue/],
    ['is not there', null, /blue: event-log: The event log .*blue\.events can't be read/],
    ['is something else', '{"resourcePreEvent": 3}', /blue: event-log/],
  ])('1, and a comment that says so, when a log %s', (_, text, says) => {
    const { exitCode, markdown } = run(text)
    expect(exitCode).toBe(1)
    expect(markdown).toMatch(says)
    expect(markdown).toContain('What else changes in blue **isn’t known**.')
  })

  test('words that name no stack and file are refused', () => {
    expect(() => runPr([], undefined)).toThrow(/^usage: /)
    expect(() => runPr(['blue.events'], undefined)).toThrow(/^usage: kbg pr takes STACK=FILE, not "blue\.events"/)
  })

  test('a stack that is left out is named: nothing shows what happens there', () => {
    const { markdown, isGreen } = prComment([stackPreview('blue', parseEvents(whole, 'blue.events'))])
    expect(isGreen).toBe(false)
    expect(markdown).toContain('no preview of a green stack; no preview of a traffic stack')
    expect(markdown).toContain('| live colour | **not shown** | no preview says who is live |')
  })
})
