/**
 * What becomes of a consumer that kafkajs has taken down. kafkajs would start it again by a timer of its own, which it sets only when everything is disconnected: a
 * `stop` that comes before finds no timer to end, and the consumer would join again, and read, on a colour that it has left. So kafkajs is told not to, and the routed
 * consumer joins again itself, where the route says.
 */
import type { ConsumerCrashEvent } from 'kafkajs'

/** kafkajs' `retry.restartOnFailure`: whether a consumer that crashed is to be started again. */
export type RestartOnFailure = (error: Error) => Promise<boolean>

/** kafkajs' own pause before it restarts, in ms, where the error tells none. */
const restartPauseMs = 300

/** Pure but for the application's callback. */
export class CrashRestarts {
  readonly #wanted: RestartOnFailure
  readonly #pauseMs: number
  readonly #restarted = new WeakSet<Error>()

  /**
   * @param wanted the application's; kafkajs restarts without one
   * @param pauseMs the consumer's `retry.initialRetryTime`: the pause where the error tells none
   */
  constructor(wanted: RestartOnFailure = async () => true, pauseMs = restartPauseMs) {
    this.#wanted = wanted
    this.#pauseMs = pauseMs
  }

  /** A `restartOnFailure` for kafkajs: never; where the application wants it, `restart` is told after how many ms to join again. An application's callback that throws means yes, as with kafkajs. */
  instead(restart: (pauseMs: number) => void): RestartOnFailure {
    return async (error) => {
      if (!(await this.#wants(error))) return false
      this.#restarted.add(error)
      restart((error as { retryTime?: number }).retryTime || this.#pauseMs)
      return false
    }
  }

  /** However it says so: what was thrown on would make kafkajs restart by itself after all. */
  async #wants(error: Error): Promise<boolean> {
    try {
      return await this.#wanted(error)
    } catch {
      return true
    }
  }

  /**
   * The same listener, but a crash event says `restart` when the routed consumer restarts: an application may end itself when it doesn't. What the listener answers is handed on, since kafkajs tells of
   * one whose promise is rejected.
   */
  telling<E>(listener: (event: E) => unknown): (event: E) => unknown {
    return (event) => {
      const { payload } = event as Partial<ConsumerCrashEvent>
      const isRestarted = payload?.error !== undefined && this.#restarted.has(payload.error)
      return listener(isRestarted ? { ...event, payload: { ...payload, restart: true } } : event)
    }
  }
}
