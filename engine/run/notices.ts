import type { Hook, HookPayload } from '../model/hook.ts'
import { Deadline } from '../ports/clock.ts'
import type { Ports } from './ports.ts'

/** A notice that a hook didn't take. */
export interface FailedNotice {
  readonly hook: string
  readonly payload: HookPayload
  readonly said: string
}

/** The notices of one run: sent aside, so that no step waits for a hook. */
export class Notices {
  readonly #ports: Pick<Ports, 'clock' | 'hooks'>
  readonly #sent: Promise<FailedNotice | null>[] = []

  constructor(ports: Pick<Ports, 'clock' | 'hooks'>) {
    this.#ports = ports
  }

  /** Begins to tell every hook that is to hear of this event. */
  send(hooks: readonly Hook[], payload: HookPayload): void {
    for (const hook of hooks) if (hook.events.includes(payload.event)) this.#sent.push(this.#tell(hook, payload))
  }

  /** Waits until every hook has answered, or its own deadline is over. */
  async settled(): Promise<readonly FailedNotice[]> {
    return (await Promise.all(this.#sent.splice(0))).filter((failed) => failed !== null)
  }

  /** Not cancellable: a run that is told to stop tells of its end. */
  async #tell(hook: Hook, payload: HookPayload): Promise<FailedNotice | null> {
    const { clock, hooks } = this.#ports
    const { ok, said } = await hooks.call(hook, payload, new Deadline(clock, hook.timeoutMs, `the hook ${hook.name}`))
    return ok ? null : { hook: hook.name, payload, said }
  }
}
