import { join } from 'node:path'
import { loginOf } from '../../engine/model/cluster-access.ts'
import { type Colour, otherColour } from '../../engine/model/colour.ts'
import type { Wiring } from '../../engine/model/wiring.ts'
import { systemClock } from '../../engine/ports/clock.ts'
import {
  type ClientStatistics,
  check,
  clientStatistics,
  readHistories,
  type Verdict,
  verdictLines,
  type WriteWindow,
  writeWindows,
} from '../../test/support/history/index.ts'
import { loginsOf, securityOf } from '../../test/support/workload/clients.ts'
import type { WorkloadConfig, WorkloadStatus } from '../../test/support/workload/config.ts'
import { readWholeCluster } from '../../test/support/workload/full-read.ts'
import { WorkloadProcess } from '../../test/support/workload/process.ts'
import { demoLoad } from '../../test/support/workload/profile.ts'
import { toolPaths } from '../../tools/paths.ts'
import { readTraces, type Traces } from './measure/traces.ts'
import { readWholeLogs, type WholeLogs } from './measure/whole-logs.ts'

/** The load of a rollout: how much, and how far one group is to stay behind; `none`: that one keeps up as well. */
export interface DemoLoadSpec {
  readonly ratePerSecond: number
  readonly preloadRecords: number
  readonly staysBehind?: 'none'
}

/** Starts the open-loop workload with routed clients, in a process of its own. */
export async function startLoad(
  wiring: Wiring,
  outDir: string,
  spec: DemoLoadSpec,
  onStatus: (status: WorkloadStatus) => void,
  onProblem: (text: string) => void,
): Promise<WorkloadProcess> {
  const load = demoLoad(spec.ratePerSecond, spec.preloadRecords)
  const groups = spec.staysBehind === 'none' ? load.groups.map((group) => ({ ...group, pauseAfterRecords: null })) : load.groups
  const config: WorkloadConfig = {
    version: 1,
    historyDir: join(outDir, 'history'),
    client: {
      kind: 'routed',
      fleet: wiring.fleet,
      routeStore: { ...wiring.routeStore, username: 'client' },
    },
    credentialsFile: wiring.clusters.blue.credentialsFile,
    caFile: wiring.clusters.blue.caFile,
    ...load,
    groups,
  }
  return await WorkloadProcess.start(config, { node: toolPaths().node, clock: systemClock, dir: outDir, onStatus, onProblem })
}

/** What the clients of a run saw, judged by the history checker: never by the tool's own verifier. */
export interface ClientVerdict {
  readonly ok: boolean
  readonly statistics: ClientStatistics
  /** What the verdict stands on, and which records have no latency: aborted, refused, of unknown outcome. */
  readonly checked: Verdict['checked']
  readonly lines: readonly string[]
  readonly windows: readonly WriteWindow[]
  /** The way of every record, for series and latencies. */
  readonly traces: Traces
  /** Both colours as they were read whole. */
  readonly logs: WholeLogs
}

/** Reads both colours whole and independently, then checks every history. Both must hold every acknowledged record, the live one first. */
export async function judge(wiring: Wiring, live: Colour, outDir: string): Promise<ClientVerdict> {
  const historyDir = join(outDir, 'history')
  await Promise.all((['blue', 'green'] as const).map((colour) => readColour(wiring, colour, historyDir)))
  const histories = readHistories(historyDir)
  const verdict = check(histories, { wholeColours: [live, otherColour(live)] })
  return {
    ok: verdict.ok,
    statistics: clientStatistics(verdict),
    checked: verdict.checked,
    lines: verdictLines(verdict),
    windows: writeWindows(histories).switchovers,
    traces: readTraces(histories),
    logs: readWholeLogs(histories),
  }
}

async function readColour(wiring: Wiring, colour: Colour, historyDir: string): Promise<void> {
  const { consumeBootstrapServers, credentialsFile, caFile } = wiring.clusters[colour]
  const login = loginOf(wiring.clusters[colour], 'operator')
  if (login.mechanism === 'AWS_MSK_IAM') throw new Error(`${colour} can't be read whole: kafkajs, which reads it here, has no login by role`)
  const sasl = loginsOf(credentialsFile)(login)
  const request = {
    colour,
    bootstrapServers: consumeBootstrapServers,
    sasl,
    security: securityOf(caFile),
    topics: wiring.topics,
    historyDir,
    timeoutMs: 120_000,
  }
  await readWholeCluster(request, systemClock)
}
