/** Facts of an error: observed and required values, names, addresses. Never a secret. */
export type Facts = Readonly<Record<string, string | number | boolean | readonly string[]>>

/** What a {@link KbgError} is made of. */
export interface KbgErrorOptions {
  /** Whether the same call may succeed later without anybody changing anything. */
  readonly retriable?: boolean
  readonly facts?: Facts
  /** What fixes it, as one or two sentences; may also say what won't. */
  readonly remedy?: string
  readonly cause?: unknown
}

/**
 * The one error type of this project.
 *
 * The message says what was refused, what was observed against what is required, where, and what fixes it.
 */
export class KbgError extends Error {
  readonly code: string
  readonly retriable: boolean
  readonly facts: Facts
  readonly remedy: string | undefined

  constructor(code: string, refused: string, options: KbgErrorOptions = {}) {
    const facts = Object.entries(options.facts ?? {}).map(([name, value]) => `${name}: ${factText(value)}`)
    const parts = [refused, ...(facts.length ? [`(${facts.join('; ')})`] : []), ...(options.remedy ? [options.remedy] : [])]
    super(`${code}: ${parts.join(' ')}`, options.cause === undefined ? undefined : { cause: options.cause })
    this.name = 'KbgError'
    this.code = code
    this.retriable = options.retriable ?? false
    this.facts = options.facts ?? {}
    this.remedy = options.remedy
  }
}

function factText(value: Facts[string]): string {
  return Array.isArray(value) ? firstFive(value) : String(value)
}

/** The first five of a list, then "and N more": how every list is shown. */
export function firstFive(items: readonly unknown[]): string {
  const shown = items.slice(0, 5).map(String).join(', ')
  return items.length > 5 ? `${shown} and ${items.length - 5} more` : shown
}

/** The message of anything that was thrown, with its chain of causes. */
export function messageOf(thrown: unknown): string {
  if (!(thrown instanceof Error)) return String(thrown)
  return thrown.cause === undefined ? thrown.message : `${thrown.message} <- ${messageOf(thrown.cause)}`
}
