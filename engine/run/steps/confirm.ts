import type { Colour } from '../../model/colour.ts'
import { KbgError } from '../../model/error.ts'
import type { Hook, HookPayload } from '../../model/hook.ts'
import type { Execution } from '../execution.ts'
import type { Judged } from '../judge.ts'
import { gate } from './gate.ts'

/** What a hook is asked about. */
interface AskedMove {
  readonly source: Colour
  readonly target: Colour
  readonly wave: string | null
}

/**
 * Behind the gate, before anything is touched: asks every hook of `confirm`, one after the other, and the gate again when they took so long that its evidence is old. A way back by itself asks nobody: the
 * operator has allowed it beforehand.
 *
 * @returns what the gate has seen since, when it looked again: what is compared behind the hold is that
 * @throws KbgError `not-confirmed` at the first one that doesn't succeed; what the gate throws
 */
export async function confirm(run: Execution, move: AskedMove): Promise<Judged | null> {
  if (run.automatic !== null) return null
  const startedMs = run.ports.clock.monotonicMs()
  for (const hook of run.wiring.hooks) if (hook.events.includes('confirm')) await ask(run, hook, move)
  return run.ports.clock.monotonicMs() - startedMs > run.limits.maxEvidenceAgeMs ? await gate(run, move) : null
}

async function ask(run: Execution, hook: Hook, { source, target, wave }: AskedMove): Promise<void> {
  const { ports, wiring, route, intent, term } = run
  run.tell({ step: 'confirm', text: `asking the hook ${hook.name}` })
  const payload: HookPayload = {
    ...{ version: 1, event: 'confirm', fleet: wiring.fleet, source, target, wave, term, epoch: route.epoch, attempt: intent.attempt },
    ...{ journalEntry: null, reason: '', atUtc: ports.clock.wallClock().toISOString() },
  }
  const { ok, said } = await ports.hooks.call(hook, payload, run.untilCancelled(hook.timeoutMs, `the hook ${hook.name}`))
  if (ok) return run.tell({ step: 'confirm', text: `${hook.name} confirms${said === '' ? '' : `: ${said}`}` })
  throw new KbgError('not-confirmed', `The hook ${hook.name} doesn't confirm ${wave ?? 'the switchover'} ${source} -> ${target}, so nothing was touched.`, {
    facts: { hook: hook.name, said: said === '' ? 'nothing' : said, required: hook.command === undefined ? 'status 200 to 299' : 'exit code 0' },
    remedy: 'Run pulumi up again once it would confirm; the attempt needs no raising.',
  })
}
