/** Servers of this process that speak TLS as nobody should, with real certificates: for what clients say of them. */
import { type AddressInfo, createServer as createPlainServer, type Server } from 'node:net'
import { createServer as createTlsServer, type TlsOptions } from 'node:tls'
import { issue } from '../../engine/adapters/local/certificates.ts'
import { authorityPlan, type CertificatePlan, serverPlan } from '../../engine/model/certificate-plan.ts'

const dayMs = 86_400_000
const address = '127.0.0.1'

/** The authority of a fleet, PEM. */
export type Authority = Awaited<ReturnType<typeof issue>>

export function newAuthority(nowMs = Date.now()): Promise<Authority> {
  return issue(authorityPlan('unit', nowMs))
}

export const wrongServers = ['expired', 'not yet valid', 'other address', 'TLS 1.1', 'plaintext'] as const
export type WrongServer = (typeof wrongServers)[number]

/** A server that listens, and how often somebody connected. */
export interface CountingServer {
  readonly host: string
  readonly port: number
  connections(): number
  close(): void
}

/** One that shows a certificate by this authority; `right` is what all is well with until the handshake has ended. */
export async function serverThatIs(kind: WrongServer | 'right', authority: Authority): Promise<CountingServer> {
  if (kind === 'plaintext')
    return listening(createPlainServer((socket) => socket.on('error', () => undefined).once('data', () => socket.end('no TLS here\r\n'))))
  const { key, certificate } = await certificateFor(kind, authority)
  const old: TlsOptions = kind === 'TLS 1.1' ? { minVersion: 'TLSv1.1', maxVersion: 'TLSv1.1', ciphers: 'DEFAULT@SECLEVEL=0' } : {}
  const server = createTlsServer({ key, cert: certificate, ALPNProtocols: ['h2', 'http/1.1'], ...old }, (socket) => socket.on('error', () => undefined))
  server.on('tlsClientError', () => undefined) // the client's refusal, which is what is looked at
  return listening(server)
}

const issued = new Map<string, Promise<Authority>>()

/** Made once: keys cost a tenth of a second. */
function certificateFor(kind: WrongServer | 'right', authority: Authority): Promise<Authority> {
  const plan = planOf(kind)
  const known = `${plan.addresses} ${Math.round((plan.notAfterMs - Date.now()) / dayMs)} ${authority.certificate}`
  const made = issued.get(known) ?? issue(plan, authority)
  issued.set(known, made)
  return made
}

function planOf(kind: WrongServer | 'right'): CertificatePlan {
  const now = Date.now()
  switch (kind) {
    case 'expired':
      return serverPlan('server', [address], now - 400 * dayMs)
    case 'not yet valid':
      return serverPlan('server', [address], now + 2 * dayMs)
    case 'other address':
      return serverPlan('server', ['127.0.0.9'], now)
    default:
      return serverPlan('server', [address], now)
  }
}

function listening(server: Server): Promise<CountingServer> {
  let connections = 0
  server.on('connection', () => {
    connections += 1
  })
  return new Promise((resolve) =>
    server.listen(0, address, () =>
      resolve({ host: address, port: (server.address() as AddressInfo).port, connections: () => connections, close: () => server.close() }),
    ),
  )
}
