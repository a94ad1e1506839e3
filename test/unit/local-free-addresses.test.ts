import { createServer, type Server } from 'node:net'
import { afterEach, expect, test } from 'vitest'
import { requireFreeAddresses } from '../../engine/adapters/local/broker-process.ts'
import { localAddresses } from '../../engine/adapters/local/state.ts'

const fleet = 'unit-free-addresses'
const { nodes } = localAddresses(fleet).blue
let server: Server | undefined
afterEach(() => server?.close())

async function listen(): Promise<Server> {
  const started = createServer()
  server = started
  await new Promise<void>((resolve) => started.listen({ ...nodes[0]?.internal }, resolve))
  return started
}

test('a port that somebody keeps is refused, by its address', async () => {
  await listen()
  const refusal = await requireFreeAddresses(fleet, nodes).catch(String)
  expect(refusal).toContain('address-taken')
  expect(refusal).toContain(`${nodes[0]?.internal.host}:${nodes[0]?.internal.port} (EADDRINUSE)`)
})
