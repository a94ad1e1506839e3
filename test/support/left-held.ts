/** What kill -9 leaves behind in the middle of a switchover: the route held, the source fenced, nobody at work. */
import { Limits } from '../../engine/model/limits.ts'
import type { Wiring } from '../../engine/model/wiring.ts'
import { Deadline, systemClock } from '../../engine/ports/clock.ts'
import { Execution } from '../../engine/run/execution.ts'
import type { Ports } from '../../engine/run/ports.ts'
import { fence } from '../../engine/run/steps/fence.ts'
import { publishHeld } from '../../engine/run/steps/hold.ts'
import { openSwitch } from '../../engine/switchover/journal-reading.ts'

const within = (seconds: number) => new Deadline(systemClock, seconds * 1_000, 'the test')

/** A move blue -> green that ends there. @returns its term */
export async function leaveHeldAndFenced(ports: Ports, wiring: Wiring, attempt: number): Promise<string> {
  const lock = await ports.store.lock('an orchestrator that dies', 5, within(10))
  const { route: current, journal, routeRevision, journalHead } = await ports.store.read(within(10))
  if (current === null) throw new Error('no route')
  const run = new Execution({
    ...{ ports, wiring, lock, journal, routeRevision, journalHead, route: current },
    ...{ intent: { live: 'green', attempt, consumers: {} }, limits: Limits.parse({}), tell: () => undefined, cancelled: new AbortController().signal },
  })
  await run.record({ kind: 'opened', source: 'blue', target: 'green', attempt, epoch: current.epoch })
  await publishHeld(run, 'green')
  await fence(run, 'blue')
  await lock.release()
  return lock.term
}

/** Whether the switchover that was opened under that term is closed. */
export async function isClosed(ports: Ports, openedTerm: string): Promise<boolean> {
  const { journal } = await ports.store.read(within(10))
  return journal.some((entry) => entry.kind === 'opened' && entry.term === openedTerm) && openSwitch(journal) === null
}
