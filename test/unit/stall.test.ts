/** The documented bound of a stall against the waits that it is made of, as guardians really wait: with limits at their ends too. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { Limits } from '../../engine/model/limits.ts'
import type { RouteDocument } from '../../engine/model/route.ts'
import type { Ports } from '../../engine/run/ports.ts'
import { fencesDiffer } from '../../engine/run/reconcile-fences.ts'
import { decide } from '../../engine/switchover/guardian.ts'
import { deciding, held } from '../../engine/switchover/route-moves.ts'
import { fencesLookMs, guardianLookMs, leaseMs, longestStallMs } from '../../engine/switchover/stall.ts'
import { projectDir } from '../../tools/paths.ts'
import { soundRoute } from '../support/sample-snapshot.ts'
import { VirtualClock } from '../support/virtual-clock.ts'

const heldRoute = held(soundRoute, 'green', 0, '101', soundRoute.colours)
const longestJitterMs = 399

/** How long a guardian watches until it does `what`, look by look. */
function waited(what: 'overrule' | 'finish', route: RouteDocument, lock: { readonly holder: string; readonly term: string } | null, limits: Limits): number {
  for (let ms = 0; ; ) {
    const sight = { kind: 'seen', route, lock, isLeftOpen: lock === null, heldMs: ms, freeMs: ms, fencesDiffer: null, restMs: 0 } as const
    const action = decide(sight, limits, longestJitterMs)
    if (action.kind === what) return ms
    if (action.kind !== 'watch') throw new Error(`it does ${action.kind}`)
    ms += action.againMs
  }
}

/**
 * The worst that the bound covers: the hold is published behind a look; its orchestrator hangs, decides at the last moment and hangs again; the guardian that takes the lock away ends at once; the other one waits for that
 * lease, finds the source's fence gone, raises it, and needs all of its time to open the target.
 */
function worstMs(limits: Limits): number {
  const holder = { holder: 'pulumi up', term: '101' }
  const seen = guardianLookMs + fencesLookMs
  const hangs = waited('overrule', heldRoute, holder, limits) + waited('overrule', deciding(heldRoute, '101'), holder, limits)
  const takesOver = leaseMs(limits) + guardianLookMs + waited('finish', deciding(heldRoute, '101'), null, limits)
  const finishes = limits.fenceDeadlineMs /* proven still */ + limits.fenceDeadlineMs /* raised again */ + limits.windowDeadlineMs
  return seen + hangs + takesOver + finishes
}

const ends = (low: number, high: number) => [low, high] as const
const grid = ends(1_000, 300_000).flatMap((windowDeadlineMs) =>
  ends(500, 60_000).flatMap((fenceDeadlineMs) =>
    ends(2, 120).flatMap((lockLeaseSeconds) =>
      [2_000, 60_000].map((holdDeadlineMs) => Limits.parse({ windowDeadlineMs, fenceDeadlineMs, lockLeaseSeconds, holdDeadlineMs, drainDeadlineMs: 120_000 })),
    ),
  ),
)

describe('the longest stall', () => {
  test.each([Limits.parse({}), ...grid])('covers every wait of the worst course, and little more: %o', (limits) => {
    expect(worstMs(limits)).toBeLessThanOrEqual(longestStallMs(limits))
    expect(longestStallMs(limits) - worstMs(limits)).toBeLessThan(5_000)
  })

  test('has in it how long a look at fences takes when no colour answers', async () => {
    const clock = new VirtualClock()
    const silent = () => new Promise<never>(() => undefined)
    const cluster = { fence: { probe: silent, bindings: [] }, inventory: { acls: silent } }
    const ports = { clock, clusters: { blue: cluster, green: cluster } } as unknown as Ports
    expect(await fencesDiffer(ports, soundRoute)).toBe(false)
    expect(clock.monotonicMs()).toBe(fencesLookMs)
  })

  test('is the number that the docs tell for the default limits', () => {
    const told = `${longestStallMs(Limits.parse({})) / 1_000} s`
    for (const page of ['architecture.md', 'runbook.md', 'adr/0007-guardians.md']) expect(readFileSync(join(projectDir, 'docs', page), 'utf8')).toContain(told)
  })
})
