import { KbgError, messageOf } from '../../model/error.ts'
import type { ClientRegistration } from '../../model/route.ts'
import { Deadline } from '../../ports/clock.ts'
import type { RouteFollowing } from '../../ports/route-store.ts'
import type { Ports } from '../ports.ts'
import { type WrittenBack, writeBackOnce } from './round.ts'

/** How often positions are written back: so much is read again when the standby is lost. */
const everyMs = 2_000
/** Shorter than a registration's lease: whoever no longer sees this process need not fear a commit of it. A mover waits for so long at most. */
const roundMs = 3_000
/** A commit without an answer may land behind the next one: nothing is acknowledged before it would have. */
const landingMs = 5_000
const registerMs = 30_000
const acknowledgeMs = 5_000
const retryPauseMs = 1_000

/** What the keeper is made of. */
export interface KeeperParts {
  readonly ports: Ports
  readonly processId: number
  readonly tell: (line: string) => void
  readonly stop: AbortSignal
}

/** The registration of a process that writes positions back. */
export function writeBackRegistration(processId: number): ClientRegistration {
  return {
    ...{ version: 1, clientId: 'kbg-write-back', instanceId: `kbg-write-back-${processId}`, kind: 'write-back', groupId: null, transactionalId: null },
    ...{ ackedEpoch: 0, state: 'running', colour: null, software: 'kbg' },
  }
}

/**
 * Follows the route and writes positions back, round by round, until stopped. Each new epoch is acknowledged only between two rounds: then no commit of an
 * earlier epoch is under way, and a mover that waits for the acknowledgement has the group's offsets to itself.
 */
export async function keepWritingBack(parts: KeeperParts): Promise<void> {
  const { ports, processId, tell, stop } = parts
  while (!stop.aborted) {
    let following: RouteFollowing | undefined
    try {
      following = await ports.store.follow(writeBackRegistration(processId), new Deadline(ports.clock, registerMs, 'the registration', stop))
      tell('follows the route')
      await rounds(parts, following)
    } catch (thrown) {
      if (stop.aborted) break
      tell(`begins again: ${messageOf(thrown)}`)
      await ports.clock.sleep(retryPauseMs, stop).catch(() => undefined) // stopped: the loop's condition ends it
    } finally {
      await following?.close()
    }
  }
}

async function rounds({ ports, tell, stop }: KeeperParts, following: RouteFollowing): Promise<void> {
  const ended = AbortSignal.any([stop, following.lost])
  let epoch = 0
  let told = ''
  while (!ended.aborted) {
    const route = await following.newerThan(epoch, everyMs)
    if (route !== null) {
      epoch = route.epoch
      await following.acknowledge(epoch, new Deadline(ports.clock, acknowledgeMs, 'the acknowledgement', ended))
      continue
    }
    const { newest } = following
    if (newest === null || newest.epoch !== epoch) continue
    const deadline = new Deadline(ports.clock, roundMs, 'positions to be written back', ended)
    const isCurrent = () => following.newest?.epoch === epoch && !ended.aborted
    try {
      const outcomes = await writeBackOnce({ ports, route: newest, isCurrent }, deadline)
      if (outcomes.some((one) => 'refused' in one && one.mayLand === true)) await ports.clock.sleep(landingMs, ended)
      const line = outcomeText(outcomes)
      if (line !== '' && line !== told) tell(line)
      told = line
    } catch (thrown) {
      if (!(thrown instanceof KbgError) || ended.aborted) throw thrown
      if (thrown.message !== told) tell(`not this time: ${thrown.message}`)
      told = thrown.message
    }
  }
}

function outcomeText(outcomes: readonly WrittenBack[]): string {
  return outcomes.map((one) => ('refused' in one ? `${one.groupId} not written back: ${one.refused}` : `${one.groupId} written back`)).join('; ')
}
