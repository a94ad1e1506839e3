/**
 * A guardian: `node engine/run/guardian/main.ts <guardian.json>`. Guards a fleet's route until SIGTERM or SIGINT; what it is finishing then is finished first. Tells what is
 * notable on standard error, a line each.
 */
import { readFileSync } from 'node:fs'
import { hostname } from 'node:os'
import { argv, exit, pid, stderr } from 'node:process'
import { KbgError, messageOf } from '../../model/error.ts'
import { GuardianConfig } from '../../model/guardian.ts'
import { stableHash } from '../../model/stable-hash.ts'
import { systemClock } from '../../ports/clock.ts'
import { withPorts } from '../ports.ts'
import { keepGuarding } from './keeper.ts'

function tell(line: string): void {
  stderr.write(`${systemClock.wallClock().toISOString()} ${line}\n`)
}

/** In a pod every first process is 1; its name, which is the host's there, tells it from the other guardian and from the pod before it. */
const processId = pid === 1 ? stableHash(hostname()) : pid

const stopping = new AbortController()
for (const signal of ['SIGTERM', 'SIGINT'] as const) {
  process.once(signal, () => stopping.abort(new KbgError('closed', 'The guardian is stopped.')))
}

try {
  const [, , file] = argv
  if (file === undefined) throw new KbgError('guardian-config', 'A guardian needs the path of its configuration.')
  const { wiring, limits, colour } = GuardianConfig.parse(JSON.parse(readFileSync(file, 'utf8')))
  await withPorts(wiring, systemClock, (ports) => keepGuarding({ ports, wiring, limits, colour, processId, tell, stop: stopping.signal }))
  exit(0)
} catch (thrown) {
  tell(`ended: ${messageOf(thrown)}`)
  exit(1)
}
