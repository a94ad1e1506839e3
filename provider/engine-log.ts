/** Lines that the Pulumi engine shows: on a resource's row while it works, and in the log. */
import grpc from '@grpc/grpc-js'
import engineGrpc from '@pulumi/pulumi/proto/engine_grpc_pb.js'
import enginePb from '@pulumi/pulumi/proto/engine_pb.js'

/** How one line is shown. The newest line of a resource also stands on its row. */
export type LineKind = 'info' | 'warning'

/** Where lines go. */
export interface EngineLog {
  line(urn: string, kind: LineKind, text: string): void
  /** Resolves when the lines so far were delivered or given up. */
  flush(): Promise<void>
  close(): void
}

/** A line that the engine didn't take within this time is given up: showing it must never hold up an open switch. */
const lineDeadlineMs = 2_000

/** The log of the engine that listens at `address` (`host:port`). */
export function connectEngineLog(address: string): EngineLog {
  const client = new engineGrpc.EngineClient(address, grpc.credentials.createInsecure())
  let last: Promise<void> = Promise.resolve()
  const send = (request: enginePb.LogRequest): Promise<void> =>
    new Promise((resolve) => {
      // an engine that is gone or slow can't be told so; the operation's own result doesn't depend on its lines
      client.log(request, new grpc.Metadata(), { deadline: Date.now() + lineDeadlineMs }, () => resolve())
    })
  return {
    line: (urn, kind, text) => {
      const request = new enginePb.LogRequest()
      request.setUrn(urn)
      request.setSeverity(kind === 'warning' ? enginePb.LogSeverity.WARNING : enginePb.LogSeverity.INFO)
      request.setMessage(text)
      last = last.then(() => send(request))
    },
    flush: () => last,
    close: () => client.close(),
  }
}
