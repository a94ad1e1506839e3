import { hostname, userInfo } from 'node:os'
import { KbgError } from '../../engine/model/error.ts'
import { Deadline, systemClock } from '../../engine/ports/clock.ts'
import { type GroupsLook, lookAtGroups } from '../../engine/run/look-at-groups.ts'
import { withPorts } from '../../engine/run/ports.ts'
import { resetGroup } from '../../engine/run/reset-group.ts'
import { openStacks, wiringOf } from '../fleet-stacks.ts'
import { groupsJson, groupsLines, resetLine } from './lines.ts'

/** Committed offsets of a few thousand groups, and the audit's answer. */
const lookMs = 60_000
/** Reading what slow groups still have to read takes longer. */
const costlyLookMs = 300_000

/** What is asked of the groups, and how it is told. */
export interface GroupsOptions {
  readonly fleet: string
  readonly json: boolean
  /** Every line, instead of five and how many more. */
  readonly all: boolean
  /** Also what has to read records. */
  readonly alternatives: boolean
  /** The group whose offsets are deleted where the route doesn't have it; undefined: nothing is changed. */
  readonly reset: string | undefined
}

const exitCodes: Readonly<Record<GroupsLook['outcome'], number>> = { movable: 0, refused: 1, 'not shown': 2 }

/**
 * `kbg groups`: where each group reads, how far it is on both sides, and whether a move would take it along. With `reset` it clears a poisoned group instead.
 *
 * @returns 0: every group can be moved, or the reset was done; 1: one is refused or poisoned; 2: it can't be shown
 * @throws KbgError `groups-options`; `not-up`; `reset-refused`; what the route store throws
 */
export async function runGroups(options: GroupsOptions): Promise<number> {
  const { fleet, json, all, alternatives, reset } = options
  if (reset === '') throw new KbgError('groups-options', 'Which group is to be reset?', { remedy: 'Give its name: kbg groups --reset GROUP.' })
  const wiring = await wiringOf(openStacks(fleet))
  return await withPorts(wiring, systemClock, async (ports) => {
    if (reset !== undefined) {
      console.log(resetLine(reset, await resetGroup(ports, reset, `kbg groups --reset by ${userInfo().username}@${hostname()}, pid ${process.pid}`), json))
      return 0
    }
    const look = await lookAtGroups(ports, wiring, alternatives, new Deadline(systemClock, alternatives ? costlyLookMs : lookMs, 'the groups to be looked at'))
    console.log(json ? groupsJson(look) : groupsLines(look, all).join('\n'))
    return exitCodes[look.outcome]
  })
}
