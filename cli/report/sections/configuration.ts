import type { Configuration } from '../evidence.ts'
import { count, listed, seconds } from '../format.ts'
import { type Html, html } from '../html.ts'
import type { RolloutReport } from '../report.ts'
import { tableHtml } from '../table.ts'

/** Versions, limits and load. */
export function configurationSection(report: RolloutReport): Html {
  const { versions, load, configuration } = report
  const software = [['Kafka, blue', versions.blue], ['Kafka, green', versions.green], ...Object.entries(configuration?.software ?? {})]
  const ran = [
    ...software,
    ...(configuration === null ? [] : [['machine', machineText(configuration)]]),
    ['load', `${count(load.recordsPerSecond)}\u00a0records/s for ${seconds(load.seconds)}`],
    ['lagging group', `${count(load.lagOfLaggingGroupRecords)}\u00a0records behind, at most`],
  ]
  return html`<div class="columns"><div>${pairs('versions-numbers', 'What ran', ran)}</div>
<div>${limitsHtml(configuration?.limits ?? {})}</div></div>
${configuration === null ? null : loadHtml(configuration)}`
}

/** The limits of gate and switchover, by the names that the configuration has. */
export function limitsHtml(limits: Configuration['limits']): Html {
  const rows = Object.entries(limits).map(limitRow)
  return rows.length === 0 ? html`<p>The limits were not recorded.</p>` : pairs('limits-numbers', 'Limits of gate and switchover', rows)
}

function pairs(id: string, caption: string, rows: readonly (readonly string[])[]): Html {
  return tableHtml({ id, caption, phone: 'scroll', columns: [{ heading: 'name' }, { heading: 'value' }], rows })
}

function machineText({ machine }: Configuration): string {
  return `${machine.system}, ${count(machine.cores)}\u00a0cores, ${count(machine.memoryMiB / 1024)}\u00a0GiB`
}

/** `maxMirrorLagMs`, 1000 -> `maxMirrorLagMs`, `1,000 ms`: the configuration's own name, so that it can be found there. */
function limitRow([name, value]: readonly [string, number | string]): readonly string[] {
  if (typeof value === 'string') return [name, value]
  const unit = name.endsWith('Ms') ? '\u00a0ms' : name.endsWith('Seconds') ? '\u00a0s' : ''
  return [name, `${count(value)}${unit}`]
}

function loadHtml({ load }: Configuration): Html {
  return html`<h3>The load</h3>
<p>Records of ${count(load.recordBytes)} bytes, sent by schedule whatever the answers (open loop), gathered for ${count(load.tickMs)} ms.</p>
${tableHtml({
  id: 'producers-numbers',
  caption: 'Producers',
  phone: 'stack',
  columns: [{ heading: 'producer' }, { heading: 'topics' }, { heading: 'records/s', numeric: true }, { heading: 'transactions' }],
  rows: load.producers.map((one) => [one.producer, listed(one.topics), count(one.recordsPerSecond), one.transactional ? 'yes' : 'no']),
})}
${tableHtml({
  id: 'consumers-numbers',
  caption: 'Consumer groups',
  phone: 'stack',
  columns: [{ heading: 'group' }, { heading: 'topics' }, { heading: 'members', numeric: true }, { heading: 'pace' }],
  rows: load.groups.map((one) => [one.group, listed(one.topics), count(one.members), one.staysBehind ? 'stays behind on purpose' : 'keeps up']),
})}
${tableHtml({
  id: 'topics-numbers',
  caption: 'Topics',
  phone: 'stack',
  columns: [{ heading: 'topic' }, { heading: 'partitions', numeric: true }, { heading: 'keys' }],
  rows: load.topics.map((one) => [one.topic, count(one.partitions), one.keys === 0 ? 'none' : count(one.keys)]),
})}`
}
