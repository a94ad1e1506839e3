/** The provider process as the Pulumi engine starts it, with a small engine that keeps the lines it is sent. */
import { type ChildProcessByStdio, spawn } from 'node:child_process'
import { join } from 'node:path'
import type { Readable, Writable } from 'node:stream'
import grpc from '@grpc/grpc-js'
import engineGrpc from '@pulumi/pulumi/proto/engine_grpc_pb.js'
import type enginePb from '@pulumi/pulumi/proto/engine_pb.js'
import providerGrpc from '@pulumi/pulumi/proto/provider_grpc_pb.js'
import providerPb from '@pulumi/pulumi/proto/provider_pb.js'
import emptyPb from 'google-protobuf/google/protobuf/empty_pb.js'
import { projectDir } from '../../tools/paths.ts'

const startMs = 30_000

export interface ProviderProcess {
  readonly child: ChildProcessByStdio<Writable, Readable, Readable>
  readonly client: InstanceType<typeof providerGrpc.ResourceProviderClient>
  readonly lines: string[]
  /** Exit code and signal, once it has ended. */
  readonly ended: Promise<{ readonly code: number | null; readonly signal: NodeJS.Signals | null }>
  close(): Promise<void>
}

/** Starts it with an empty PATH, as a service manager might. */
export async function startProvider(): Promise<ProviderProcess> {
  const lines: string[] = []
  const engine = new grpc.Server()
  engine.addService(engineGrpc.EngineService, {
    log: (call: grpc.ServerUnaryCall<enginePb.LogRequest, emptyPb.Empty>, callback: grpc.sendUnaryData<emptyPb.Empty>) => {
      lines.push(call.request.getMessage())
      callback(null, new emptyPb.Empty())
    },
  })
  const enginePort = await new Promise<number>((resolve, reject) =>
    engine.bindAsync('127.0.0.1:0', grpc.ServerCredentials.createInsecure(), (error, port) => (error ? reject(error) : resolve(port))),
  )
  const child = spawn(join(projectDir, 'provider', 'pulumi-resource-kbg'), ['--logtostderr', `127.0.0.1:${enginePort}`], {
    stdio: ['pipe', 'pipe', 'pipe'],
    env: { PATH: '' },
  })
  const ended = new Promise<{ code: number | null; signal: NodeJS.Signals | null }>((resolve) =>
    child.once('exit', (code, signal) => resolve({ code, signal })),
  )
  const port = await portOf(child)
  const client = new providerGrpc.ResourceProviderClient(`127.0.0.1:${port}`, grpc.credentials.createInsecure())
  return {
    child,
    client,
    lines,
    ended,
    close: async () => {
      client.close()
      child.kill('SIGKILL')
      await ended
      engine.forceShutdown()
    },
  }
}

function portOf(child: ProviderProcess['child']): Promise<number> {
  return new Promise((resolve, reject) => {
    let said = ''
    const timer = setTimeout(() => reject(new Error(`no port within ${startMs} ms; it said: ${said}`)), startMs)
    child.stderr.on('data', (chunk: Buffer) => {
      said += chunk.toString()
    })
    child.stdout.on('data', (chunk: Buffer) => {
      said += chunk.toString()
      const match = /^(\d+)\n/.exec(said)
      if (!match) return
      clearTimeout(timer)
      resolve(Number(match[1]))
    })
    child.once('exit', (code) => reject(new Error(`it ended with ${code}; it said: ${said}`)))
  })
}

/** One call, as a promise. */
export function ask<Response>(method: (callback: (error: grpc.ServiceError | null, response: Response) => void) => unknown): Promise<Response> {
  return new Promise((resolve, reject) => method((error, response) => (error ? reject(error) : resolve(response))))
}

/** A URN of this provider's type `name`. */
export function urnOf(name: string): string {
  return `urn:pulumi:stack::project::kbg:cluster:Parent$kbg:index:${name}::it`
}

export { providerPb }
