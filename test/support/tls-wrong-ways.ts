/** Ways to reach a process over TLS that it or its clients have to turn away. */
import { type AddressInfo, connect, createServer } from 'node:net'
import { connect as connectTls, type SecureVersion } from 'node:tls'
import { z } from 'zod'
import { ConnectRest } from '../../engine/adapters/connect/connect-rest.ts'
import { EtcdConnection } from '../../engine/adapters/etcd/etcd-connection.ts'
import { BrokerConnections } from '../../engine/adapters/kafka/connections.ts'
import { persistently } from '../../engine/adapters/kafka/refusal.ts'
import type { Endpoint } from '../../engine/model/addresses.ts'
import { routeKeys } from '../../engine/model/route.ts'
import type { Wiring } from '../../engine/model/wiring.ts'
import { Deadline, systemClock } from '../../engine/ports/clock.ts'
import { restWorker } from './rest-worker.ts'

/** One of the ways in which this project itself reaches a process of a fleet. */
export interface Way {
  readonly endpoint: Endpoint
  /** Asks for something that has no effect, trusting that authority, or in plaintext. */
  ask(at: Endpoint, caFile: string | undefined): Promise<unknown>
}

/** To a broker, the route store and a Connect worker. */
export function waysInto({ fleet, clusters, routeStore, workers }: Wiring): Readonly<Record<'broker' | 'route store' | 'Connect REST', Way>> {
  const within = () => new Deadline(systemClock, 4_000, 'the test')
  const trusting = (caFile: string | undefined) => (caFile === undefined ? {} : { caFile })
  const { caFile: _ofCluster, ...cluster } = clusters.green
  const { caFile: _ofStore, ...store } = routeStore
  const { caFile: _ofWorker, ...worker } = restWorker({ workers }, 'green')
  return {
    broker: {
      endpoint: endpointOf(cluster.internalBootstrapServers[0] ?? ''),
      ask: async ({ host, port }, caFile) => {
        const connections = new BrokerConnections({ ...cluster, internalBootstrapServers: [`${host}:${port}`], ...trusting(caFile) }, 'operator')
        const deadline = within()
        await persistently(deadline, () => connections.metadata([], deadline)).finally(() => connections.close())
      },
    },
    'route store': {
      endpoint: endpointOf(store.endpoints[0] ?? ''),
      ask: async ({ host, port }, caFile) => {
        const connection = new EtcdConnection({ ...store, endpoints: [`${host}:${port}`], ...trusting(caFile) })
        await connection.repeatedly('answer', within(), (etcd) => etcd.get(routeKeys(fleet).route).exec()).finally(() => connection.close())
      },
    },
    'Connect REST': {
      endpoint: endpointOf(new URL(worker.restUrl).host),
      ask: ({ host, port }, caFile) => {
        const restUrl = `${caFile === undefined ? 'http' : 'https'}://${host}:${port}`
        return new ConnectRest({ ...worker, restUrl, ...trusting(caFile) }).ask({ method: 'GET', path: '/', refusal: 'No.' }, z.unknown(), within())
      },
    },
  }
}

export function endpointOf(text: string): Endpoint {
  const [host = '', port] = text.split(':')
  return { host, port: Number(port) }
}

/** Another address of loopback that leads to the same process: no certificate names it. */
export async function relayTo({ host, port }: Endpoint): Promise<Endpoint & { close(): void }> {
  const server = createServer((near) => {
    const far = connect({ host, port })
    for (const [from, to] of [[near, far], [far, near]] as const) from.on('error', () => to.destroy()).on('close', () => to.destroy()).pipe(to) // biome-ignore format: one line
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return { host: '127.0.0.1', port: (server.address() as AddressInfo).port, close: () => server.close() }
}

/** What becomes of a handshake of just this version by a client that would take any certificate: the version agreed on, or the code of the refusal. */
export function handshakeOf(version: SecureVersion, { host, port }: Endpoint): Promise<string> {
  return new Promise((resolve) => {
    const options = { host, port, minVersion: version, maxVersion: version, ciphers: 'DEFAULT@SECLEVEL=0', rejectUnauthorized: false }
    const socket = connectTls(options, () => {
      resolve(socket.getProtocol() ?? 'none')
      socket.destroy()
    })
    socket.setTimeout(5_000, () => socket.destroy(new Error('no answer')))
    socket.on('error', (error: NodeJS.ErrnoException) => resolve(error.code ?? error.message))
  })
}
