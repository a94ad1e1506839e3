/**
 * An orchestrator: `node engine/run/orchestrator/main.ts <orchestrator.json>`. Brings traffic to where its intent wants it and ends with 0; tells each step on standard output, a line each. Refused or taken
 * back, it says why on standard error and ends with 1. SIGTERM and SIGINT cancel: before the decision everything is taken back, behind it everything is finished.
 */
import { readFileSync } from 'node:fs'
import { hostname } from 'node:os'
import { argv, exit, pid, stderr, stdout } from 'node:process'
import { KbgError, messageOf } from '../../model/error.ts'
import type { OrchestratorConfig } from '../../model/orchestrator.ts'
import { systemClock } from '../../ports/clock.ts'
import type { ProgressEvent } from '../progress.ts'

function tell({ step, text }: ProgressEvent): void {
  stdout.write(`${systemClock.wallClock().toISOString()} ${step}: ${text}\n`)
}

// Before anything large is loaded: as a pod's first process it would lose a signal that comes sooner than its handler.
const cancelling = new AbortController()
for (const signal of ['SIGTERM', 'SIGINT'] as const) {
  process.once(signal, () => {
    tell({ step: 'cancel', text: `told to stop by ${signal}` })
    cancelling.abort(new KbgError('cancelled', `Cancelled by ${signal}.`))
  })
}

/** @throws KbgError `orchestrator-config` naming everything that is wrong */
async function readConfig(file: string | undefined): Promise<OrchestratorConfig> {
  if (file === undefined) throw new KbgError('orchestrator-config', 'An orchestrator needs the path of its configuration.')
  const { OrchestratorConfig } = await import('../../model/orchestrator.ts')
  const { data, error } = OrchestratorConfig.safeParse(JSON.parse(readFileSync(file, 'utf8')))
  if (data !== undefined) return data
  const problems = error.issues.map(({ path, message }) => `${path.map(String).join('.') || '(whole)'}: ${message}`)
  throw new KbgError('orchestrator-config', 'The configuration of an orchestrator is wrong.', { facts: { file, problems } })
}

try {
  const { wiring, intent, limits } = await readConfig(argv[2])
  const [{ withPorts }, { orchestrate }] = await Promise.all([import('../ports.ts'), import('./orchestrate.ts')])
  cancelling.signal.throwIfAborted()
  // In a pod the host's name is the pod's.
  const request = { wiring, intent, limits, holder: `orchestrator on ${hostname()}, pid ${pid}`, tell, cancelled: cancelling.signal }
  const { live, epoch } = await withPorts(wiring, systemClock, (ports) => orchestrate(ports, request))
  tell({ step: 'end', text: `${live} is live at epoch ${epoch}` })
  exit(0)
} catch (thrown) {
  stderr.write(`ended: ${messageOf(thrown)}\n`)
  exit(1)
}
