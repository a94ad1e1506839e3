import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, describe, expect, test, vi } from 'vitest'
import { gateProvider } from '../../components/gate/gate-provider.ts'

const inputs = { wiring: { fleet: 'shop', topics: ['orders'] }, intent: { live: 'green', attempt: 0 }, limits: { quietSeconds: 60 } }
const state = { ...inputs, verdict: 'pass', epoch: 4, checks: [] }

const checkouts: string[] = []

/** Makes a checkout whose engine says this, and works in it: the gate loads the engine from its working directory. */
function engineSays(functions: string): void {
  const checkout = mkdtempSync(join(tmpdir(), 'kbg-gate-'))
  checkouts.push(checkout)
  mkdirSync(join(checkout, 'engine', 'run'), { recursive: true })
  writeFileSync(join(checkout, 'package.json'), JSON.stringify({ name: 'kafka-blue-green', type: 'module', exports: { './gate': './engine/run/gate.ts' } }))
  writeFileSync(join(checkout, 'engine', 'run', 'gate.ts'), functions)
  vi.spyOn(process, 'cwd').mockReturnValue(checkout)
}
afterEach(() => {
  vi.restoreAllMocks()
  for (const checkout of checkouts.splice(0)) rmSync(checkout, { recursive: true })
})

describe('the gate as a dynamic resource', () => {
  test('unchanged inputs are no excuse: while the route is not as wanted it is asked again', async () => {
    engineSays('export const gateIsDue = async (): Promise<boolean> => true')
    expect(await gateProvider.diff?.('gate', state, inputs)).toEqual({ changes: true })
    engineSays('export const gateIsDue = async (): Promise<boolean> => false')
    expect(await gateProvider.diff?.('gate', state, inputs)).toEqual({ changes: false })
  })

  test('another order of keys is no change, another intent is', async () => {
    engineSays('export const gateIsDue = async (): Promise<boolean> => false')
    const reordered = { limits: inputs.limits, intent: { attempt: 0, live: 'green' }, wiring: { topics: ['orders'], fleet: 'shop' } }
    expect(await gateProvider.diff?.('gate', state, reordered)).toEqual({ changes: false })
    expect(await gateProvider.diff?.('gate', state, { ...inputs, intent: { live: 'blue', attempt: 0 } })).toEqual({ changes: true })
  })

  test('its outputs are the inputs and the engine’s answer; a refusal fails it', async () => {
    engineSays(`export const runGate = async () => ({ verdict: 'not needed', epoch: 7, checks: [] })`)
    expect(await gateProvider.create(inputs)).toEqual({ id: 'gate', outs: { ...inputs, verdict: 'not needed', epoch: 7, checks: [] } })
    expect(await gateProvider.update?.('gate', state, inputs)).toEqual({ outs: { ...inputs, verdict: 'not needed', epoch: 7, checks: [] } })
    engineSays(`export const runGate = async () => { throw new Error('gate: mirror lag') }`)
    await expect(gateProvider.update?.('gate', state, inputs)).rejects.toThrow('gate: mirror lag')
  })
})
