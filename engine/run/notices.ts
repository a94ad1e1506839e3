import { messageOf } from '../model/error.ts'
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
  readonly #waiting = new Set<Promise<void>>()
  readonly #failed: FailedNotice[] = []

  constructor(ports: Pick<Ports, 'clock' | 'hooks'>) {
    this.#ports = ports
  }

  /** Begins to tell every hook that is to hear of this event. */
  send(hooks: readonly Hook[], payload: HookPayload): void {
    for (const hook of hooks) {
      if (!hook.events.includes(payload.event)) continue
      const telling = this.#tell(hook, payload).then(() => void this.#waiting.delete(telling))
      this.#waiting.add(telling)
    }
  }

  /** What hooks didn't take, each told once: as soon as all have answered, or when this long has passed; without it each may take its own deadline. */
  async failed(patienceMs?: number): Promise<readonly FailedNotice[]> {
    const answered = Promise.all(this.#waiting)
    if (patienceMs === undefined) await answered
    else if (this.#waiting.size > 0) await this.#atMost(patienceMs, answered)
    return this.#failed.splice(0)
  }

  async #atMost(patienceMs: number, answered: Promise<unknown>): Promise<void> {
    const over = new AbortController()
    const late = this.#ports.clock.sleep(patienceMs, over.signal).catch(() => undefined) // woken: they have answered
    await Promise.race([answered, late])
    over.abort()
  }

  /** Not cancellable: a run that is told to stop tells of its end. Never rejects: nobody listens before the run has ended. */
  async #tell(hook: Hook, payload: HookPayload): Promise<void> {
    const { clock, hooks } = this.#ports
    const answer = await hooks
      .call(hook, payload, new Deadline(clock, hook.timeoutMs, `the hook ${hook.name}`))
      .catch((thrown: unknown) => ({ ok: false, said: messageOf(thrown) }))
    if (!answer.ok) this.#failed.push({ hook: hook.name, payload, said: answer.said })
  }
}
