/** Pull requests that teams make, and what their comment has to say. */
import type { Edit } from '../../support/edits.ts'

export interface Scenario {
  readonly name: string
  /** What the pull request does, as a heading. */
  readonly title: string
  readonly edits: readonly Edit[]
  readonly isGreen: boolean
  readonly says: readonly RegExp[]
}

const exception = (expires: string) => ({
  exceptions: [{ where: 'brokers', property: 'config.num.io.threads', reason: 'what this switchover is for: more request threads', expires }],
})

/** How the fleet stands before each of them: green has what the next switchover is for, by a declared exception. */
export const standing: readonly Edit[] = [
  { stack: 'green', config: { brokerConfig: { 'num.io.threads': '16' } } },
  { json: 'policy/production.json', set: { 'parity-brokers': exception('2099-12-31') } },
]

export const scenarios: readonly Scenario[] = [
  {
    name: 'harmless',
    title: 'A harmless change: a topic more',
    edits: [{ file: 'catalog.yaml', from: '\n# SCRAM users.', to: '  refunds:\n    partitions: 3\n\n# SCRAM users.' }],
    isGreen: true,
    says: [
      /^blue is live, and stays it\.$/m,
      /\| blue \| create \| topic refunds: 3 partitions, 3 replicas \|/,
      /until 2099-12-31: what this switchover is for/,
    ],
  },
  {
    name: 'parity-break',
    title: 'A parity break: green would take records that blue doesn’t',
    edits: [{ stack: 'green', config: { brokerConfig: { 'message.max.bytes': '2097152' } } }],
    isGreen: false,
    says: [
      /topic orders: max\.message\.bytes is not set on blue and 2097152 on green, required: the same on both\. \(blue, traffic\)/,
      /green is provisioned with brokerConfig\.message\.max\.bytes \(default\) and doesn't change under its clients/,
    ],
  },
  {
    name: 'switch',
    title: 'A switch',
    edits: [{ stack: 'traffic', config: { live: 'green' } }],
    isGreen: true,
    says: [
      // Which of the two depends on how busy the machine is: the preview really asks both colours.
      /^blue is live\. \*\*This moves all traffic to green\.\*\* (?:Nothing would refuse it now \(\d+ checks pass\)\.|It would be refused now: .+)$/m,
      /^ {3}8\. release /m,
    ],
  },
  {
    name: 'expired-exception',
    title: 'An expired exception',
    edits: [{ json: 'policy/production.json', set: { 'parity-brokers': exception('2026-06-30') } }],
    isGreen: false,
    says: [
      /\| exceptions \| \*\*fail\*\* \| parity-brokers, brokers: config\.num\.io\.threads is not set on blue and 16 on green \(its exception expired on 2026-06-30\)/,
    ],
  },
  {
    name: 'partition-decrease',
    title: 'A partition decrease',
    edits: [{ file: 'catalog.yaml', from: '  orders:\n    partitions: 6\n', to: '  orders:\n    partitions: 3\n' }],
    isGreen: false,
    says: [
      /\| no partition decrease \| \*\*fail\*\* \| topic orders on blue from 6 to 3; topic orders on green from 6 to 3\./,
      /\| no data replaced or deleted \| \*\*fail\*\* \|/,
    ],
  },
]
