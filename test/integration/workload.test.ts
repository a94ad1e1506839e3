import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { Deadline, systemClock } from '../../engine/ports/clock.ts'
import { toolPaths } from '../../tools/paths.ts'
import { check, readHistories, verdictLines, writeWindows } from '../support/history/index.ts'
import type { WorkloadConfig, WorkloadStatus } from '../support/workload/config.ts'
import { readWholeCluster } from '../support/workload/full-read.ts'
import { type PlainBroker, startPlainBroker } from '../support/workload/plain-broker.ts'
import { WorkloadProcess } from '../support/workload/process.ts'
import { demoLoad } from '../support/workload/profile.ts'

const clock = systemClock
const ratePerSecond = 1_200
const enoughRecords = 30_000
let dir: string
let broker: PlainBroker
let workload: WorkloadProcess | undefined

beforeAll(async () => {
  dir = mkdtempSync(join(tmpdir(), 'workload-'))
  const topics = demoLoad(ratePerSecond, 0).topics.map(({ name, partitions }) => ({ topic: name, numPartitions: partitions, replicationFactor: 1 }))
  broker = await startPlainBroker({ version: '4.3.1', dir: join(dir, 'broker'), host: '127.0.77.1', topics, clock })
}, 60_000)

afterAll(async () => {
  workload?.kill()
  await broker?.stop()
  rmSync(dir, { recursive: true, force: true })
}, 60_000)

describe('the workload on one cluster', () => {
  it('sends on time, stays behind where it should, reads everything at the end, and its history is correct', async () => {
    const historyDir = join(dir, 'history')
    const bootstrap = { produceBootstrapServers: [...broker.bootstrapServers], consumeBootstrapServers: [...broker.bootstrapServers] }
    const client: WorkloadConfig['client'] = { kind: 'plain', colour: 'blue', ...bootstrap }
    const config: WorkloadConfig = { version: 1, historyDir, client, credentialsFile: null, ...demoLoad(ratePerSecond, 20_000) }
    const statuses: WorkloadStatus[] = []
    const options = { node: toolPaths().node, clock, dir, onStatus: (status: WorkloadStatus) => statuses.push(status) }
    workload = await WorkloadProcess.start(config, options)

    workload.startLoad()
    const running = workload
    const enough = async () => ((running.lastStatus?.ackedRecords.blue ?? 0) > enoughRecords ? true : undefined)
    await new Deadline(clock, 60_000, `${enoughRecords} acknowledged records`).poll(200, enough)
    const acked = await workload.stopProducers()
    const behind = workload.lastStatus?.groups.archive?.lagRecords ?? 0
    workload.resumeGroups()
    const lag = await workload.drain(60)
    await workload.end()

    expect(workload.problems).toEqual([])
    expect(acked).toBeGreaterThan(enoughRecords)
    // it reads until it has a commit in each of twelve partitions, which takes several fetches of whatever size
    expect(behind).toBeGreaterThan(enoughRecords / 3)
    expect(Object.values(lag)).toEqual([0, 0, 0, 0])
    expect(statuses.length).toBeGreaterThan(3)

    const topics = config.topics.map((topic) => topic.name)
    const bootstrapServers = broker.bootstrapServers
    const read = await readWholeCluster({ colour: 'blue', bootstrapServers, sasl: undefined, topics, historyDir, timeoutMs: 60_000 }, clock)
    const verdict = check(readHistories(historyDir), { wholeColours: ['blue'] })
    expect(verdictLines(verdict)).toHaveLength(1)
    expect(verdict.ok).toBe(true)
    expect(verdict.checked).toMatchObject({ acked, fullyRead: acked, unknown: 0, denied: 0, groups: 4 })
    expect(read).toBe(acked)
    expect(verdict.checked.aborted).toBeGreaterThan(0)

    const windows = writeWindows(readHistories(historyDir))
    expect(windows.switchovers).toEqual([])
    expect(windows.acked).toEqual({ blue: acked, green: 0 })
    expect(windows.ackLatency.count).toBe(acked)
  }, 120_000)

  it('leaves a history that is refused when its process is killed', async () => {
    const historyDir = join(dir, 'killed')
    const bootstrap = { produceBootstrapServers: [...broker.bootstrapServers], consumeBootstrapServers: [...broker.bootstrapServers] }
    const client: WorkloadConfig['client'] = { kind: 'plain', colour: 'blue', ...bootstrap }
    const load = demoLoad(ratePerSecond, 0)
    const config: WorkloadConfig = { version: 1, historyDir, client, credentialsFile: null, ...load, groups: [] }
    const killed = await WorkloadProcess.start(config, { node: toolPaths().node, clock, dir: join(dir, 'killed-process') })
    killed.startLoad()
    await new Deadline(clock, 30_000, 'some records').poll(100, async () => ((killed.lastStatus?.ackedRecords.blue ?? 0) > 500 ? true : undefined))
    killed.kill()
    await expect(killed.stopProducers()).rejects.toThrow(/workload-process/)
    expect(() => check(readHistories(historyDir), { wholeColours: [] })).toThrow(/history-truncated/)
  }, 90_000)
})
