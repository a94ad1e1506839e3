/**
 * The write-back process: `node engine/run/write-back/main.ts <wiring.json>`. Keeps the live side's copy of the positions that groups commit on the standby, until SIGTERM or SIGINT. Tells what
 * is notable on standard error, a line each.
 */
import { readFileSync } from 'node:fs'
import { argv, exit, stderr } from 'node:process'
import { KbgError, messageOf } from '../../model/error.ts'
import { Wiring } from '../../model/wiring.ts'
import { systemClock } from '../../ports/clock.ts'
import { withPorts } from '../ports.ts'
import { ownProcessId } from '../process-id.ts'
import { keepWritingBack } from './keeper.ts'

function tell(line: string): void {
  stderr.write(`${systemClock.wallClock().toISOString()} ${line}\n`)
}

const stopping = new AbortController()
for (const signal of ['SIGTERM', 'SIGINT'] as const) {
  process.once(signal, () => stopping.abort(new KbgError('closed', 'The write-back is stopped.')))
}

try {
  const [, , file] = argv
  if (file === undefined) throw new KbgError('write-back-config', 'The write-back needs the path of its wiring.')
  const wiring = Wiring.parse(JSON.parse(readFileSync(file, 'utf8')))
  await withPorts(wiring, systemClock, (ports) => keepWritingBack({ ports, processId: ownProcessId, tell, stop: stopping.signal }))
  exit(0)
} catch (thrown) {
  tell(`ended: ${messageOf(thrown)}`)
  exit(1)
}
