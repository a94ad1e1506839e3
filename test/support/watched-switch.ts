/** A fleet in memory that was switched a moment ago, and what a test of its watch asks of it. */
import { expect } from 'vitest'
import { Limits } from '../../engine/model/limits.ts'
import type { OversightPorts, Ports } from '../../engine/run/ports.ts'
import { moveLive } from '../../engine/run/switchover.ts'
import { Watcher, type WatchOutcome } from '../../engine/run/watch/keep-watch.ts'
import { FakeFleet } from './watched-fleet.ts'

export const limits = Limits.parse({ maxAutomaticRollbacks: 1, watchWindowMs: 20_000 })
export const told: string[] = []
const tell = ({ text }: { readonly text: string }) => void told.push(text)
export const never = new AbortController().signal

/** One update of the traffic stack. */
export function up(fleet: FakeFleet, live: 'blue' | 'green', attempt = 0, ports: Ports = fleet.ports) {
  const request = { wiring: fleet.wiring, limits, holder: 'pulumi up', tell, cancelled: never }
  return moveLive(ports, { ...request, intent: { live, attempt, consumers: {} }, gateEpoch: fleet.route.epoch })
}

export function watch(
  fleet: FakeFleet,
  more: { limits?: Limits; cancelled?: AbortSignal; ports?: OversightPorts; holder?: string } = {},
): Promise<WatchOutcome> {
  const { ports = fleet.ports, ...others } = more
  return new Watcher(ports, { wiring: fleet.wiring, limits, holder: 'guardian', tell, cancelled: never, ...others }).untilEnded()
}

/** A fleet that was switched to green a moment ago, with an application writing. */
export async function switched(work: (fleet: FakeFleet) => Promise<void>, fleet = new FakeFleet()): Promise<FakeFleet> {
  told.length = 0
  await fleet.withApp(async () => {
    await fleet.clock.sleep(2_000)
    await up(fleet, 'green')
    await work(fleet)
  })
  return fleet
}

export const whats = (fleet: FakeFleet) => fleet.journal.flatMap((entry) => (entry.kind === 'watch' ? [entry.what] : []))
export const automatic = (fleet: FakeFleet) =>
  fleet.journal.flatMap((entry) => (entry.kind === 'opened' && entry.automatic !== undefined ? [entry.automatic] : []))

export function expectNothingLost(fleet: FakeFleet): void {
  const there = new Set(fleet.colours[fleet.route.live].values())
  expect(fleet.accepted.filter((value) => !there.has(value))).toEqual([])
}

/** That traffic is on green as the switchover left it. */
export function expectNotMoved(fleet: FakeFleet): void {
  expect(fleet.route).toMatchObject({ live: 'green', state: 'open' })
  expect(automatic(fleet)).toEqual([])
  expect([fleet.colours.blue.fenced, fleet.colours.green.fenced]).toEqual([true, false])
}
