import { dirname } from 'node:path'
import { z } from 'zod'
import { connectVersion, kafkaPaths, toolPaths } from '../../../tools/paths.ts'
import type { WorkerAccess } from '../../model/wiring.ts'
import type { Clock, Deadline } from '../../ports/clock.ts'
import { ConnectRest } from '../connect/connect-rest.ts'
import { sharedArchiveOptions } from './jvm.ts'
import { type StartedProcess, startProcess, waitUntilReady } from './process.ts'

/** Until a worker has read its internal topics and joined its group. @throws KbgError `process-ended` with its last log lines, `not-ready` */
export async function untilHealthy(started: StartedProcess, access: WorkerAccess, deadline: Deadline): Promise<void> {
  const probe = new ConnectRest(access)
  // KIP-1017: 200 once the worker has read its internal topics and joined its group.
  const health = { method: 'GET', path: '/health', refusal: 'The worker is not healthy.' } as const
  await waitUntilReady(
    started,
    async () => (await probe.find(health, z.object({ status: z.literal('healthy') }), deadline.within(2_000, 'one answer of the worker'))) !== undefined,
    deadline,
  )
}

/** What a worker's process is started with, all of them paths. */
export interface WorkerFiles {
  readonly properties: string
  /** JAAS configuration of its REST interface's users. */
  readonly restLogin: string
  readonly log: string
  readonly pid: string
}

/** Starts a distributed worker. Resolves when its identity is on disk, not when it is ready. @param name for messages */
export function launchWorker(name: string, files: WorkerFiles, clock: Clock): Promise<StartedProcess> {
  const kafka = kafkaPaths(connectVersion)
  return startProcess(
    {
      name,
      command: toolPaths().java,
      args: [
        '-XX:+UseSerialGC',
        '-XX:TieredStopAtLevel=1', // see the brokers' options
        '-Xms128m',
        '-Xmx512m',
        ...sharedArchiveOptions(kafka.connectArchive),
        kafka.loggingOption,
        `-Djava.security.auth.login.config=${files.restLogin}`,
        '-cp',
        kafka.classPath,
        'org.apache.kafka.connect.cli.ConnectDistributed',
        files.properties,
      ],
      directory: dirname(files.properties),
      logFile: files.log,
      pidFile: files.pid,
    },
    clock,
  )
}
