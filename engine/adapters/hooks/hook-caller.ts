import type { Hook, HookPayload } from '../../model/hook.ts'
import type { Deadline } from '../../ports/clock.ts'
import type { HookCaller } from '../../ports/hooks.ts'
import { runCommand } from './command.ts'
import { postWebhook } from './webhook.ts'

/** Hooks as child processes and HTTP requests of this process. */
export const hookCaller: HookCaller = {
  async call({ command, url, auth }: Hook, payload: HookPayload, deadline: Deadline) {
    const text = `${JSON.stringify(payload)}\n`
    if (command !== undefined) return await runCommand(command, text, deadline)
    return await postWebhook(url ?? '', auth, text, deadline)
  },
}
