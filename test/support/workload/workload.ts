/**
 * The main file of a workload process: `node workload.ts <config.json>`.
 *
 * It reads commands from stdin and writes reports to stdout, a line of JSON each (see `config.ts`). When stdin ends, whoever started it is gone: it stops,
 * closes its histories and exits. ^C is for the one who started it, which then says `end`.
 */
import { createInterface } from 'node:readline'
import { KbgError, messageOf } from '../../../engine/model/error.ts'
import { systemClock } from '../../../engine/ports/clock.ts'
import { clientsOf } from './clients.ts'
import { readWorkloadConfig, WorkloadCommand, type WorkloadReport } from './config.ts'
import { WorkloadRun } from './run.ts'

function report(line: WorkloadReport): void {
  process.stdout.write(`${JSON.stringify(line)}\n`)
}

async function main(file: string | undefined): Promise<void> {
  if (file === undefined) throw new KbgError('workload-usage', 'The workload needs its configuration.', { remedy: 'node workload.ts <config.json>' })
  const config = readWorkloadConfig(file)
  const run = new WorkloadRun(config, clientsOf(config), systemClock, report)
  const commands = createInterface({ input: process.stdin })
  let handled = run.connect()
  handled.catch(stop)
  let ended = false
  for await (const line of commands) {
    const command = WorkloadCommand.parse(JSON.parse(line))
    ended ||= command.command === 'end'
    handled = handled.then(() => run.handle(command))
    if (ended) break
    handled.catch(stop)
  }
  await handled
  if (!ended) await run.end()
}

/** The process can't go on: its histories stay without an end, so nobody mistakes them for whole. */
function stop(error: unknown): void {
  report({ type: 'problem', message: messageOf(error) })
  process.exit(1)
}

process.on('SIGINT', () => report({ type: 'problem', message: 'interrupted; waiting for the command to end' }))
process.stdout.on('error', () => process.exit(1)) // nobody listens any more

main(process.argv[2]).then(() => process.exit(0), stop)
