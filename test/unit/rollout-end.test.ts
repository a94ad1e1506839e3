import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { RolloutReport } from '../../cli/report/report.ts'
import { runRollout } from '../../cli/rollout/rollout.ts'
import type { StackRole } from '../../engine/model/fleet.ts'
import { sampleReport } from '../support/report-sample.ts'

/** Stacks that can't be ended, and those that were. */
const stuck = new Set<StackRole>()
const ended: StackRole[] = []
let validate = async (): Promise<void> => undefined

// The phases and Pulumi are left out: this is about what comes behind them.
vi.mock('../../cli/init.ts', () => ({ initFleet: async () => [], pulumiEnv: () => ({}) }))
vi.mock('../../cli/rollout/stacks.ts', () => ({
  Stacks: class {
    readonly fleet = 'demo'
    select = async () => ({ cancel: async () => undefined })
    destroy = async (role: StackRole) => {
      if (stuck.has(role)) throw new Error(`${role} is locked`)
      ended.push(role)
    }
  },
}))
vi.mock('../../cli/rollout/prepare.ts', () => ({ validate: async () => await validate(), seed: async () => ({}), shadow: async () => undefined }))
vi.mock('../../cli/rollout/moves.ts', () => ({ migrate: async () => undefined, switchThrice: async () => undefined }))
vi.mock('../../cli/rollout/verify.ts', () => ({ verify: async () => ({}), journalOf: async () => [] }))
vi.mock('../../cli/rollout/make-report.ts', async (original) => ({ ...(await original<object>()), makeReport: () => sampleReport() }))

describe('the end of a rollout', () => {
  let root: string
  beforeEach(() => {
    root = mkdtempSync(join(tmpdir(), 'rollout-'))
    stuck.clear()
    ended.length = 0
    validate = async () => undefined
    vi.spyOn(console, 'log').mockReturnValue(undefined)
    vi.spyOn(process.stdout, 'write').mockReturnValue(true)
  })
  afterEach(() => {
    vi.restoreAllMocks()
    rmSync(root, { recursive: true, force: true })
  })
  const written = () => RolloutReport.parse(JSON.parse(readFileSync(join(root, 'out', 'rollout', 'report.json'), 'utf8')))

  it('is a PASS with exit code 0 when everything could be ended', async () => {
    expect(await runRollout({ keep: false }, root)).toBe(0)
    expect(ended).toEqual(['traffic', 'blue', 'green'])
    expect(written().verdict).toBe('pass')
  })

  it('is a FAIL with exit code 1 when a stack could not be ended; the others are ended all the same', async () => {
    stuck.add('blue')
    expect(await runRollout({ keep: false }, root)).toBe(1)
    expect(ended).toEqual(['traffic', 'green'])
    expect(written()).toMatchObject({ verdict: 'fail', reasons: ['end: blue: blue is locked'] })
    expect(readFileSync(join(root, 'out', 'rollout', 'report.html'), 'utf8')).toContain('This rollout failed: end: blue: blue is locked.')
  })

  it('leaves everything standing when it is told to', async () => {
    stuck.add('blue')
    expect(await runRollout({ keep: true }, root)).toBe(0)
    expect(ended).toEqual([])
  })

  it('tells what broke a phase off first, then what could not be ended, and throws the former', async () => {
    stuck.add('green')
    validate = async () => {
      throw new Error('no Java')
    }
    await expect(runRollout({ keep: false }, root)).rejects.toThrow('no Java')
    expect(written().reasons).toEqual(['validate: no Java', 'end: green: green is locked'])
    expect(ended).toEqual(['traffic', 'blue'])
  })
})
