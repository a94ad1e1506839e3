import { assess } from '../../engine/gate/assess.ts'
import { refusals } from '../../engine/gate/check.ts'
import { firstFive } from '../../engine/model/error.ts'
import { Limits } from '../../engine/model/limits.ts'
import { Wiring } from '../../engine/model/wiring.ts'
import { Deadline, systemClock } from '../../engine/ports/clock.ts'
import { observe } from '../../engine/run/observe.ts'
import { withPorts } from '../../engine/run/ports.ts'
import type { WorkloadStatus } from '../../test/support/workload/config.ts'
import { aims } from './aims.ts'
import { startLoad } from './demo-load.ts'
import type { Run } from './run.ts'
import { endLeftovers } from './tear-down.ts'

/** Static analysis of both sides: configuration, catalog, parity of the inventories; nothing is started. */
export async function validate(run: Run): Promise<void> {
  await endLeftovers(run)
  // A demo ends with its live colour: `decommission` is the only way to do that, `retire` lifts the protection of what holds data.
  const end = { decommission: run.stacks.fleet }
  await run.stacks.setConfig('blue', { ...end, retire: 'true', kafkaVersion: aims.versions.blue })
  await run.stacks.setConfig('green', { ...end, retire: 'true', kafkaVersion: aims.versions.green })
  await run.stacks.setConfig('traffic', { ...end, live: 'blue', consumers: '{}', attempt: '0' })
  const [blue, green] = await Promise.all([run.stacks.preview('blue'), run.stacks.preview('green')])
  run.screen.event('validate', `plan: blue ${changes(blue)}, green ${changes(green)}`)
}

function changes(summary: Readonly<Record<string, number>>): string {
  return Object.entries(summary)
    .map(([operation, count]) => `${count} to ${operation}`)
    .join(', ')
}

/** Both colours, then the traffic stack: route with blue live, mirror blue -> green; then the load starts on blue. */
export async function seed(run: Run): Promise<Wiring> {
  await Promise.all([run.stacks.up('blue'), run.stacks.up('green')])
  const outputs = await run.stacks.up('traffic')
  const wiring = Wiring.parse(outputs.wiring?.value)
  run.screen.event('seed', `starting the load: ${aims.load.ratePerSecond} records/s`)
  run.workload = await startLoad(
    wiring,
    run.outDir,
    aims.load,
    (status) => {
      run.status = status
      run.screen.live(statusLine(status))
    },
    (text) => run.screen.event('load', text),
  )
  run.workload.startLoad()
  run.loadStartedMs = systemClock.monotonicMs()
  await lagReached(run)
  return wiring
}

function statusLine(status: WorkloadStatus): string {
  const lags = Object.entries(status.groups).map(([group, one]) => `${group} ${one.lagRecords}`)
  const acked = status.ackedRecords.blue + status.ackedRecords.green
  return `        writing ${status.writing ?? '-'}  ${status.ratePerSecond}/s  acked ${acked}  due ${status.dueUnackedRecords}  errors ${status.errors}  lag: ${lags.join(', ')}`
}

/** Waits until the lagging group is as far behind as it is to be. */
async function lagReached(run: Run): Promise<void> {
  const deadline = new Deadline(systemClock, 120_000, `${aims.laggingGroup} to be ${aims.lagRecords} records behind`)
  await deadline.poll(250, async () => {
    const { status } = run
    if (!status) return undefined
    return (status.groups[aims.laggingGroup]?.lagRecords ?? 0) >= aims.lagRecords && status.dueUnackedRecords < aims.load.ratePerSecond ? true : undefined
  })
  run.screen.event('seed', `${aims.laggingGroup} is ${run.status?.groups[aims.laggingGroup]?.lagRecords} records behind`)
}

/** Short: green carries the production data without clients while the gate is asked, again and again, what would refuse a switch now. */
export async function shadow(run: Run, wiring: Wiring): Promise<void> {
  const limits = Limits.parse({})
  const deadline = new Deadline(systemClock, 120_000, 'the gate to pass')
  await withPorts(wiring, systemClock, async (ports) => {
    for (;;) {
      const bound = deadline.within(60_000, 'both colours to be observed')
      const snapshot = await observe(ports, wiring, limits, { source: 'blue', target: 'green' }, limits.lagSamples, bound)
      const verdict = assess(snapshot, limits, 1, limits.lagSamples)
      if (verdict.verdict === 'pass') {
        run.screen.event('shadow', `the gate would pass: ${verdict.checks.map((check) => check.name).join(', ')}`)
        return
      }
      run.screen.event('shadow', `not yet: ${firstFive(refusals(verdict.checks).map((check) => `${check.name} ${check.verdict} (${check.observed})`))}`)
      deadline.check()
      await systemClock.sleep(1_000)
    }
  })
}
