import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { runFleetReport } from '../../cli/report/fleet-command.ts'
import { JournaledSwitchover } from '../../cli/report/journaled.ts'
import { reportHtml } from '../../cli/report/page.ts'
import { abortedLines, journalOf, switchedLines } from '../support/report-journal.ts'

const journal = [...journalOf(abortedLines), ...journalOf(switchedLines, 20, '71')]
const check = { name: 'mirror lag', verdict: 'pass', observed: 'at most 41 ms', required: 'at most 1000 ms', remedy: '' }
const gate = {
  urn: 'urn:pulumi:traffic::kafka-blue-green::kbg:traffic:Traffic$pulumi-nodejs:dynamic:Resource::traffic-gate',
  outputs: { wiring: { fleet: 'b' }, verdict: 'pass', epoch: 8, checks: [check], limits: { maxMirrorLagMs: 1_000 } },
}

// Only Pulumi and the connections are left out: which fleet was opened stands in the wiring.
vi.mock('../../cli/fleet-stacks.ts', () => ({
  openStacks: (fleet: string) => ({ fleet, select: async () => ({ exportStack: async () => ({ deployment: { resources: [gate] } }) }) }),
  wiringOf: async ({ fleet }: { fleet: string }) => ({ fleet }),
}))
vi.mock('../../engine/run/ports.ts', () => ({
  withPorts: async (_: unknown, _clock: unknown, work: (ports: object) => unknown) => await work({ store: { history: async () => journal } }),
}))

describe('kbg report without a file', () => {
  let root: string
  beforeEach(() => {
    root = mkdtempSync(join(tmpdir(), 'report-'))
    vi.spyOn(console, 'log').mockReturnValue(undefined)
  })
  afterEach(() => {
    vi.restoreAllMocks()
    rmSync(root, { recursive: true, force: true })
  })
  const written = () => JournaledSwitchover.parse(JSON.parse(readFileSync(join(root, 'out', 'b', 'switchover-8.json'), 'utf8')))

  it('writes the newest switchover of the fleet as JSON, and the page that this JSON makes beside it', async () => {
    expect(await runFleetReport('b', { switchover: undefined, out: undefined }, root)).toBe(0)
    expect(written()).toMatchObject({
      kind: 'switchover',
      fleet: 'b',
      outcome: 'switched',
      gate: { epoch: 8, checks: [check] },
      limits: { maxMirrorLagMs: 1_000 },
    })
    expect(readFileSync(join(root, 'out', 'b', 'switchover-8.html'), 'utf8')).toBe(reportHtml(written()))
  })

  it('writes the one before, and the page where it is told to', async () => {
    const out = join(root, 'page.html')
    await runFleetReport('b', { switchover: '2', out }, root)
    expect(written()).toMatchObject({ outcome: 'aborted', gate: null })
    expect(readFileSync(out, 'utf8')).toContain('✗ TAKEN BACK')
    expect(existsSync(join(root, 'out', 'b', 'switchover-8.html'))).toBe(false)
  })

  it.each([
    ['3', /no-switchover[\s\S]*1: blue -> green, switched[\s\S]*2: blue -> green, aborted/],
    ['0', 'switchover-number'],
    ['-1', 'switchover-number'],
    ['all', 'switchover-number'],
  ])('refuses --switchover %s and writes nothing', async (switchover, message) => {
    await expect(runFleetReport('b', { switchover, out: undefined }, root)).rejects.toThrow(message)
    expect(existsSync(join(root, 'out'))).toBe(false)
  })
})
