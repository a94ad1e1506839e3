import { createServer, type Server } from 'node:net'
import { afterEach, expect, test } from 'vitest'
import { requireFreeAddresses } from '../../engine/adapters/local/broker-process.ts'
import { localAddresses } from '../../engine/adapters/local/state.ts'
import { Deadline, systemClock } from '../../engine/ports/clock.ts'

const fleet = 'unit-free-addresses'
const { nodes } = localAddresses(fleet).blue
const within = () => new Deadline(systemClock, 5_000, 'the test')
let server: Server | undefined
afterEach(() => server?.close())

async function listen(): Promise<Server> {
  const started = createServer()
  server = started
  await new Promise<void>((resolve) => started.listen({ ...nodes[0]?.internal }, resolve))
  return started
}

test('a port of a killed broker that is still bound is waited for', async () => {
  const started = await listen()
  let closed = false
  setTimeout(() => started.close(() => (closed = true)), 150)
  await requireFreeAddresses(fleet, nodes, within())
  expect(closed).toBe(true)
})

test('a port that somebody keeps is refused after a second, by its address', async () => {
  await listen()
  const startedMs = systemClock.monotonicMs()
  const refusal = await requireFreeAddresses(fleet, nodes, within()).catch(String)
  expect(refusal).toContain('address-taken')
  expect(refusal).toContain(`${nodes[0]?.internal.host}:${nodes[0]?.internal.port} (EADDRINUSE)`)
  expect(systemClock.monotonicMs() - startedMs).toBeGreaterThan(950)
})
