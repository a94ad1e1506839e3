/**
 * A guardian: `node engine/run/guardian/main.ts <guardian.json>`. Guards a fleet's route until SIGTERM or SIGINT; what it is finishing then is finished first. Tells what is
 * notable on standard error, a line each.
 */
import { readFileSync } from 'node:fs'
import { argv, exit, stderr } from 'node:process'
import { KbgError, messageOf } from '../../model/error.ts'
import { GuardianConfig } from '../../model/guardian.ts'
import { systemClock } from '../../ports/clock.ts'
import { withPorts } from '../ports.ts'
import { ownProcessId } from '../process-id.ts'
import { keepGuarding } from './keeper.ts'

function tell(line: string): void {
  stderr.write(`${systemClock.wallClock().toISOString()} ${line}\n`)
}

const stopping = new AbortController()
for (const signal of ['SIGTERM', 'SIGINT'] as const) {
  process.once(signal, () => stopping.abort(new KbgError('closed', 'The guardian is stopped.')))
}

try {
  const [, , file] = argv
  if (file === undefined) throw new KbgError('guardian-config', 'A guardian needs the path of its configuration.')
  const { wiring, limits, colour } = GuardianConfig.parse(JSON.parse(readFileSync(file, 'utf8')))
  await withPorts(wiring, systemClock, (ports) => keepGuarding({ ports, wiring, limits, colour, processId: ownProcessId, tell, stop: stopping.signal }))
  exit(0)
} catch (thrown) {
  tell(`ended: ${messageOf(thrown)}`)
  exit(1)
}
