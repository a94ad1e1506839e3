/**
 * A small DNS server of the tests': UDP on loopback, answering TXT from the records that the AWS emulator lists for a zone at that moment. It stands in for Route 53's resolver, which answers the same records, later, and
 * keeps them for their time to live; this one keeps nothing.
 */
import { createSocket, type Socket } from 'node:dgram'
import { Resolver } from 'node:dns/promises'
import type { AddressInfo } from 'node:net'
import { ListResourceRecordSetsCommand, type Route53Client } from '@aws-sdk/client-route-53'
import dnsPacket from 'dns-packet'
import type { RouteNamesZone } from '../../engine/model/route-publication.ts'

export interface ZoneDns {
  /** `host:port`. */
  readonly server: string
  /** What a name answers now, by a real query. */
  texts(name: string): Promise<readonly string[]>
  end(): Promise<void>
}

/** Starts it. */
export async function startZoneDns(client: Route53Client, { zoneId }: RouteNamesZone): Promise<ZoneDns> {
  const socket = createSocket('udp4')
  socket.on('message', (message, from) => void answer(socket, client, zoneId, message, from))
  await new Promise<void>((resolve) => socket.bind(0, '127.0.0.1', resolve))
  const resolver = new Resolver({ timeout: 2_000, tries: 2 })
  const server = `127.0.0.1:${(socket.address() as AddressInfo).port}`
  resolver.setServers([server])
  return {
    server,
    texts: async (name) => (await resolver.resolveTxt(name)).map((parts) => parts.join('')),
    end: () => new Promise((resolve) => socket.close(resolve)),
  }
}

async function answer(socket: Socket, client: Route53Client, zoneId: string, message: Buffer, from: { port: number; address: string }): Promise<void> {
  const query = dnsPacket.decode(message)
  const asked = query.questions?.[0]
  const { ResourceRecordSets = [] } = await client.send(new ListResourceRecordSetsCommand({ HostedZoneId: zoneId }))
  const found = ResourceRecordSets.find(({ Name, Type }) => Type === asked?.type && Name?.replace(/\.$/, '').toLowerCase() === asked?.name.toLowerCase())
  const answers = (found?.ResourceRecords ?? []).map(({ Value = '' }) => ({
    ...({ name: asked?.name ?? '', type: 'TXT', ttl: found?.TTL ?? 0 } as const),
    data: Value.replace(/^"|"$/g, ''),
  }))
  const nameError = 3
  const flags = dnsPacket.AUTHORITATIVE_ANSWER | (found === undefined ? nameError : 0)
  socket.send(dnsPacket.encode({ type: 'response', id: query.id, flags, questions: query.questions ?? [], answers }), from.port, from.address)
}
