import { type AddressInfo, createServer, type Server, type Socket } from 'node:net'
import { afterEach, expect, it } from 'vitest'
import { Deadline, systemClock } from '../../engine/ports/clock.ts'
import { answersApiVersions } from '../bench/raw-brokers.ts'

let server: Server | undefined
afterEach(() => server?.close())

async function listening(onRequest: (request: Buffer, socket: Socket) => void): Promise<{ host: string; port: number }> {
  const started = createServer((socket) => socket.on('data', (request) => onRequest(request, socket)))
  server = started
  await new Promise<void>((resolve) => started.listen(0, '127.0.0.1', resolve))
  return { host: '127.0.0.1', port: (started.address() as AddressInfo).port }
}
const within = () => new Deadline(systemClock, 2_000, 'an answer')

it('a broker that answers ApiVersions is there', async () => {
  const endpoint = await listening((request, socket) => {
    expect(request.readInt32BE(0)).toBe(request.length - 4)
    expect(request.readInt16BE(4)).toBe(18)
    const answer = Buffer.alloc(14)
    answer.writeInt32BE(10, 0)
    request.copy(answer, 4, 8, 12) // the correlation id
    socket.write(answer)
  })
  expect(await answersApiVersions(endpoint, within())).toBe(true)
})

it('one that closes the connection, or a port where nobody listens, is not', async () => {
  const endpoint = await listening((_request, socket) => socket.destroy())
  expect(await answersApiVersions(endpoint, within())).toBe(false)
  await new Promise((resolve) => server?.close(resolve))
  expect(await answersApiVersions(endpoint, within())).toBe(false)
})
