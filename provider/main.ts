/** The provider process `kbg`: the Pulumi engine starts it, reads its port from standard output, and talks gRPC to it. */
import { readFileSync } from 'node:fs'
import grpc from '@grpc/grpc-js'
import providerGrpc from '@pulumi/pulumi/proto/provider_grpc_pb.js'
import { connectEngineLog } from './engine-log.ts'
import { resourceHandler, schemaOf } from './resources/index.ts'
import { RunningCalls } from './running-calls.ts'
import { providerService } from './service.ts'

/** Message size that Pulumi's own processes use: 400 MiB. */
const maxMessageBytes = 400 * 1024 * 1024

function engineAddress(args: readonly string[]): string {
  const address = args.find((each, index) => !each.startsWith('-') && args[index - 1] !== '--tracing')
  if (address === undefined) throw new Error('usage: pulumi-resource-kbg <address of the engine>. Pulumi starts it; it is no command of its own.')
  return address
}

function projectVersion(): string {
  const { version } = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8')) as { version: string }
  return version
}

/** Ends the process once nothing runs any more. An open switch aborts before its decision and finishes after it. */
function exitWhenAsked(calls: RunningCalls): void {
  const leave = async (why: string): Promise<void> => {
    calls.cancel(why)
    await calls.idle()
    process.exit(0)
  }
  process.on('SIGINT', () => void leave('interrupted'))
  process.on('SIGTERM', () => void leave('terminated'))
  // the engine holds the other end of standard input and never writes: its end means that the engine is gone, even by SIGKILL
  process.stdin.on('end', () => void leave('the Pulumi engine is gone'))
  process.stdin.on('error', () => void leave('the Pulumi engine is gone'))
  process.stdin.resume()
  // nobody reads any more once the engine is gone; that must not end a switch that is past its decision
  process.stdout.on('error', () => void leave('the Pulumi engine is gone'))
  process.stderr.on('error', () => void leave('the Pulumi engine is gone'))
}

const version = projectVersion()
const calls = new RunningCalls()
const log = connectEngineLog(engineAddress(process.argv.slice(2)))
const server = new grpc.Server({ 'grpc.max_receive_message_length': maxMessageBytes, 'grpc.max_send_message_length': maxMessageBytes })
server.addService(providerGrpc.ResourceProviderService, providerService({ version, handler: resourceHandler, schema: schemaOf(version), log, calls }))
server.bindAsync('127.0.0.1:0', grpc.ServerCredentials.createInsecure(), (error, port) => {
  if (error) throw error
  exitWhenAsked(calls)
  console.log(port)
})
