/** MiniStack as a process of a test's, on loopback: SSM and Route 53 as AWS's SDK reaches them. What it doesn't enforce (sizes, quotas, propagation) the product checks itself or docs/testing.md names. */
import { mkdirSync, writeFileSync } from 'node:fs'
import { type AddressInfo, createServer } from 'node:net'
import { join } from 'node:path'
import { CreateHostedZoneCommand, Route53Client } from '@aws-sdk/client-route-53'
import { PutParameterCommand, SSMClient } from '@aws-sdk/client-ssm'
import { startProcess, stopProcess, waitUntilReady } from '../../engine/adapters/local/process.ts'
import { notPublishedYet, type RouteNamesZone, type RouteParameter, routeParameterName } from '../../engine/model/route-publication.ts'
import { Deadline, systemClock } from '../../engine/ports/clock.ts'
import { emulatorPython } from '../../tools/aws-emulator.ts'

const region = 'eu-central-1'

export interface AwsEmulator {
  readonly endpoint: string
  /** What an application or a guardian finds the emulator by: a HOME with `.aws/config`. */
  readonly home: string
  readonly ssm: SSMClient
  readonly route53: Route53Client
  /** Makes a fleet's parameter as the traffic stack does, empty. */
  makeParameter(fleet: string, pollIntervalMs: number): Promise<RouteParameter>
  /** Makes a private zone as the traffic stack does, without records. */
  makeZone(zone: string): Promise<RouteNamesZone>
  /** Nobody answers until {@link AwsEmulator.resume}. */
  pause(): void
  resume(): void
  end(): Promise<void>
}

/** Starts it with its files in `directory`. Its HOME isn't set for this process: {@link setHome} does that. */
export async function startAwsEmulator(directory: string): Promise<AwsEmulator> {
  const port = await loopbackPort()
  const endpoint = `http://127.0.0.1:${port}`
  const home = join(directory, 'home')
  mkdirSync(join(home, '.aws'), { recursive: true, mode: 0o700 })
  writeFileSync(join(home, '.aws', 'config'), `[default]\nregion = ${region}\nendpoint_url = ${endpoint}\n`)
  writeFileSync(join(home, '.aws', 'credentials'), '[default]\naws_access_key_id = test\naws_secret_access_key = test\n', { mode: 0o600 })
  const pidFile = join(directory, 'emulator.pid')
  const started = await startProcess(
    {
      name: 'the AWS emulator',
      command: emulatorPython(),
      args: ['-m', 'ministack'],
      environment: { BIND_HOST: '127.0.0.1', GATEWAY_PORT: String(port), HOME: home, LOG_LEVEL: 'WARNING' },
      directory,
      logFile: join(directory, 'emulator.log'),
      pidFile,
    },
    systemClock,
  )
  const health = `${endpoint}/_ministack/health`
  const isUp = async () => (await fetch(health).catch(() => null))?.ok === true
  await waitUntilReady(started, isUp, new Deadline(systemClock, 60_000, 'the AWS emulator'), 50)
  const client = { region, endpoint, credentials: { accessKeyId: 'test', secretAccessKey: 'test' } }
  const [ssm, route53] = [new SSMClient(client), new Route53Client(client)]
  return {
    ...{ endpoint, home, ssm, route53 },
    makeParameter: async (fleet, pollIntervalMs) => {
      const name = routeParameterName(fleet)
      await ssm.send(new PutParameterCommand({ Name: name, Type: 'String', Tier: 'Advanced', Value: notPublishedYet }))
      return { region, name, pollIntervalMs }
    },
    makeZone: async (zone) => {
      const VPC = { VPCRegion: region, VPCId: 'vpc-0123456789abcdef0' } as const
      const { HostedZone } = await route53.send(new CreateHostedZoneCommand({ Name: zone, CallerReference: zone, VPC }))
      return { region, zone, zoneId: (HostedZone?.Id ?? '').replace('/hostedzone/', '') }
    },
    pause: () => process.kill(started.identity.pid, 'SIGSTOP'),
    resume: () => process.kill(started.identity.pid, 'SIGCONT'),
    end: async () => {
      ssm.destroy()
      route53.destroy()
      process.kill(started.identity.pid, 'SIGCONT')
      await stopProcess(pidFile, 2_000, new Deadline(systemClock, 10_000, 'the AWS emulator to end'))
    },
  }
}

async function loopbackPort(): Promise<number> {
  const server = createServer()
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  await new Promise((resolve) => server.close(resolve))
  return port
}

/** Sets HOME, which processes that are started from now on inherit and AWS's SDK looks into when a client is made. Returns how to set it back. */
export function setHome(home: string): () => void {
  const before = process.env.HOME
  process.env.HOME = home
  return () => {
    if (before === undefined) delete process.env.HOME
    else process.env.HOME = before
  }
}
