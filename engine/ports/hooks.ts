import type { Hook, HookPayload } from '../model/hook.ts'
import type { Deadline } from './clock.ts'

/** What a hook answered: whether it succeeded, and what it said, in one line of 500 characters at most. */
export interface HookAnswer {
  readonly ok: boolean
  readonly said: string
}

/** Commands and webhooks. */
export interface HookCaller {
  /** One call, never repeated. A hook that fails, or isn't through by the deadline, is an answer that isn't ok. @throws the reason of a cancellation only */
  call(hook: Hook, payload: HookPayload, deadline: Deadline): Promise<HookAnswer>
}
