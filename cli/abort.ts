import { systemClock } from '../engine/ports/clock.ts'
import { type AbortOutcome, abortRunning } from '../engine/run/abort-request.ts'
import { withPorts } from '../engine/run/ports.ts'
import { atTerminal, openStacks } from './fleet-stacks.ts'

/**
 * `kbg abort`: takes a running switchover back from another terminal.
 *
 * @returns 0: it is taken back, or nothing was open; 1: it is too late, or its orchestrator doesn't answer
 */
export async function runAbort(fleet: string): Promise<number> {
  const outcome = await atTerminal('kbg abort', openStacks(fleet), (request) => withPorts(request.wiring, systemClock, (ports) => abortRunning(ports, request)))
  const { line, exitCode } = abortText(outcome)
  console.log(line)
  return exitCode
}

/** An outcome in words, with what can be done now (pure). */
export function abortText(outcome: AbortOutcome): { readonly line: string; readonly exitCode: number } {
  switch (outcome.kind) {
    case 'nothing-open':
      return { line: `Nothing is being moved: ${outcome.live} is live. There is nothing to take back.`, exitCode: 0 }
    case 'taken-back':
      return {
        line: `Taken back by ${outcome.by}: ${outcome.live} is live, nothing was lost. An attempt that had begun to hold clients is latched; kbg ack allows the next one.`,
        exitCode: 0,
      }
    case 'ended-otherwise':
      return {
        line: `${outcome.by} has ended, and took nothing back: no switchover and no wave was under way that could be. ${outcome.live} is live; kbg status says where groups read.`,
        exitCode: 1,
      }
    case 'too-late':
      return {
        line: outcome.isFinished
          ? `Too late: it was decided and is done, ${outcome.live} is live. To go back, switch back: set live in the traffic stack's config and run pulumi up.`
          : `Too late: it is decided that ${outcome.live} takes over, and that is finished first. To go back, switch back then: set live in the traffic stack's config and run pulumi up.`,
        exitCode: 1,
      }
    case 'no-answer':
      return {
        line: `${outcome.holder} was told and still holds the lock. If it hangs, end it: its lock ends with its lease, and a guardian or kbg repair goes on. kbg status says more.`,
        exitCode: 1,
      }
  }
}
