import { z } from 'zod'
import { Colour } from './colour.ts'

/**
 * What a hook is told of. `confirm` is a question: anything but success refuses the move before anything is touched. The others are notices of what stands in the journal: `pre` a move was opened, `post` it
 * is done, `rollback` traffic or a wave went back by itself, `abort` a switchover was taken back, `halt` a watch failed and traffic can't go back by itself.
 */
export const HookEvent = z.enum(['confirm', 'pre', 'post', 'rollback', 'abort', 'halt'])
export type HookEvent = z.infer<typeof HookEvent>

/** How a webhook shows who calls: `bearer` sends the file's text as a token, `hmac-sha256` signs the body with it. The file (mode 0600) holds nothing else. */
const HookAuth = z.strictObject({ kind: z.enum(['bearer', 'hmac-sha256']), secretFile: z.string().min(1) })
export type HookAuth = z.infer<typeof HookAuth>

const loopbackHosts = /^(localhost|127\.\d+\.\d+\.\d+|\[::1\])$/

/** A command or a webhook, and the events that it is told of. No secret: it travels with the wiring through state and logs. */
export const Hook = z
  .strictObject({
    /** Names it in refusals, notices and the journal. */
    name: z.string().regex(/^[a-z][a-z0-9-]{0,30}$/, '1 to 31 lower-case letters, digits and dashes, starting with a letter'),
    events: z.array(HookEvent).min(1),
    /** Program and arguments, run without a shell in the project's directory; the payload comes on its standard input. */
    command: z
      .array(z.string().regex(/^[^\0]+$/, 'a text without NUL'))
      .min(1)
      .optional(),
    /** The payload is posted there as JSON. */
    url: z.url().optional(),
    auth: HookAuth.optional(),
    /** Lets a url be plain http beyond this machine. */
    allowPlainHttp: z.boolean().default(false),
    timeoutMs: z.int().min(100).max(60_000).default(10_000),
  })
  .check(({ value, issues }) => {
    const refuse = (path: string, message: string) => issues.push({ code: 'custom', message, input: value, path: [path] })
    if ((value.command === undefined) === (value.url === undefined)) refuse('command', 'a hook has either a command or a url')
    if (value.auth !== undefined && value.url === undefined) refuse('auth', 'only a url takes it; a command reads its own secrets')
    if (value.url === undefined || !URL.canParse(value.url)) return
    const url = new URL(value.url)
    const isPrivate = url.protocol === 'https:' || loopbackHosts.test(url.hostname)
    if (!['https:', 'http:'].includes(url.protocol)) refuse('url', 'https, or http')
    else if (!isPrivate && !value.allowPlainHttp) refuse('url', 'https, or http to this machine; allowPlainHttp: true lets it be')
    if (!isPrivate && value.auth?.kind === 'bearer') refuse('auth', 'a token is not sent over plain http; hmac-sha256 may be')
    if (url.username + url.password + url.search + url.hash !== '') refuse('url', 'without login, query and fragment: a secret belongs into auth.secretFile')
  })
export type Hook = z.infer<typeof Hook>

/** So long may all questions before one move take together: they are asked one after the other under the fleet's lock, so that guardians wait for their end. */
export const longestConfirmMs = 120_000

/** How long the questions before one move take at most, in milliseconds. */
export function confirmMs(hooks: readonly Hook[]): number {
  return hooks.reduce((sum, { events, timeoutMs }) => sum + (events.includes('confirm') ? timeoutMs : 0), 0)
}

/** All hooks of a fleet. */
export const Hooks = z.array(Hook).check(({ value, issues }) => {
  value.forEach(({ name }, at) => {
    const isTaken = value.slice(0, at).some((other) => other.name === name)
    if (isTaken) issues.push({ code: 'custom', message: 'another hook has this name', input: value, path: [at, 'name'] })
  })
  const at = value.findIndex((_, index) => confirmMs(value.slice(0, index + 1)) > longestConfirmMs)
  if (at < 0) return
  const message = `hooks of confirm are asked one after the other under the fleet's lock, together for ${longestConfirmMs} ms at most; these may take ${confirmMs(value)} ms`
  issues.push({ code: 'custom', message, input: value, path: [at, 'timeoutMs'] })
})

/** What a hook is told, as JSON. Fields are only added while `version` stays. */
export const HookPayload = z.strictObject({
  version: z.literal(1),
  event: HookEvent,
  fleet: z.string(),
  /** Where traffic, or the wave, comes from and where it goes. With `halt`: the colour that failed and the one that it can't go back to. */
  source: Colour,
  target: Colour,
  /** The wave of consumer groups that moves; null: all traffic. */
  wave: z.string().nullable(),
  /** Of the lock under which it was written. */
  term: z.string(),
  /** The route's epoch at that moment. */
  epoch: z.int(),
  attempt: z.int(),
  /** The journal's entry that a notice is of; each is told once at most. null: a question, before anything is written. */
  journalEntry: z.int().positive().nullable(),
  /** Why, in words for people; may be empty. */
  reason: z.string(),
  atUtc: z.iso.datetime(),
})
export type HookPayload = z.infer<typeof HookPayload>
