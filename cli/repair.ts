import { systemClock } from '../engine/ports/clock.ts'
import { withPorts } from '../engine/run/ports.ts'
import { type Repaired, repair } from '../engine/run/repair.ts'
import { projectDir } from '../tools/paths.ts'
import { atTerminal, openStacks } from './fleet-stacks.ts'
import { pulumiLeftovers } from './pulumi-leftovers.ts'

/** `kbg repair`: what a guardian does, once and now; and in words what a killed update has left of Pulumi's own. @throws KbgError `locked` while somebody moves the fleet */
export async function runRepair(fleet: string): Promise<number> {
  const stacks = openStacks(fleet)
  // Told first: an orchestrator that lives refuses what comes behind it.
  if (process.env.KBG_WIRED === undefined) for (const line of await pulumiLeftovers(stacks, projectDir)) console.log(line)
  const repaired = await atTerminal('kbg repair', stacks, (request) => withPorts(request.wiring, systemClock, (ports) => repair(ports, request)))
  console.log(repairText(repaired))
  return 0
}

/** What was done, in words (pure). */
export function repairText({ left, actual }: Repaired): string {
  const now = `${actual.live} is live at epoch ${actual.epoch}`
  switch (left) {
    case null:
      return `Nothing was left open, and the fences follow the route: ${now}.`
    case 'close-untouched':
      return `A switchover that had touched nothing is closed: ${now}.`
    case 'abort':
    case 'finish-abort':
      return `A switchover is taken back: ${now}, nothing was lost. It is latched; kbg ack allows the next attempt.`
    case 'finish-switch':
      return `A decided switchover is finished: ${now}.`
    case 'settle-waves':
      return `Groups that were left between both colours are released or judged: ${now}.`
  }
}
