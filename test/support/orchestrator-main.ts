/** The main file of {@link Orchestrator}: `node orchestrator-main.ts <config.json>`. One `moveLive`, as `pulumi up` runs it. */
import { readFileSync, readSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import { KbgError, messageOf } from '../../engine/model/error.ts'
import { Deadline, systemClock } from '../../engine/ports/clock.ts'
import type { OversightPorts } from '../../engine/run/ports.ts'
import { withPorts } from '../../engine/run/ports.ts'
import type { Progress, ProgressEvent } from '../../engine/run/progress.ts'
import { moveLive } from '../../engine/run/switchover.ts'
import { type Moment, withMoments } from './moments.ts'
import { OrchestratorConfig, type OrchestratorLine } from './orchestrator.ts'

const config = OrchestratorConfig.parse(JSON.parse(readFileSync(process.argv[2] ?? '', 'utf8')))

function say(line: OrchestratorLine): void {
  process.stdout.write(`${JSON.stringify(line)}\n`)
}

let isSent = false
function tell({ step, text }: ProgressEvent): void {
  say({ kind: 'progress', step, text })
  const { signalAt } = config
  if (isSent || signalAt === null || !text.includes(signalAt.text)) return
  isSent = true
  process.kill(process.pid, signalAt.signal)
}

/** Says that it is there, and at the moment that it is to pause at lets nothing in this process run before it is told to. */
function reached(moment: Moment): void {
  const { pauseAt } = config
  const isPaused = pauseAt?.step === moment.step && pauseAt.side === moment.side
  say({ kind: 'moment', ...moment, isPaused })
  if (isPaused) waitToBeTold()
}

const askAgainMs = 2

/** Ends the process when whoever started it has gone. */
function waitToBeTold(): void {
  const cell = new Int32Array(new SharedArrayBuffer(4))
  for (;;) {
    try {
      if (readSync(0, Buffer.alloc(1)) === 0) process.exit(1)
      return
    } catch (thrown) {
      if (!(thrown instanceof Error && 'code' in thrown && thrown.code === 'EAGAIN')) throw thrown
      Atomics.wait(cell, 0, 0, askAgainMs) // standard input may have been made non-blocking: then it is asked again
    }
  }
}

/** A busy machine makes the mirror lag; a gate that refuses for that has touched nothing and is asked again. */
async function move(real: OversightPorts): Promise<OrchestratorLine> {
  const { wiring, intent, limits } = config
  const { ports, tell: atStep } = withMoments(real, intent.live, reached)
  const tellBoth: Progress = (event) => {
    tell(event)
    atStep(event)
  }
  for (let tries = 1; ; tries += 1) {
    const { route } = await ports.store.read(new Deadline(ports.clock, 10_000, 'the route'))
    const request = { wiring, intent, limits, holder: `an orchestrator, pid ${process.pid}`, tell: tellBoth, cancelled: new AbortController().signal }
    try {
      return { kind: 'moved', live: (await moveLive(ports, { ...request, gateEpoch: route?.epoch ?? 0 })).live }
    } catch (thrown) {
      const isLag = thrown instanceof KbgError && thrown.code === 'gate' && /mirror lag/.test(thrown.message)
      if (!isLag || tries === 10) return { kind: 'failed', code: thrown instanceof KbgError ? thrown.code : 'none', message: messageOf(thrown) }
      await sleep(500)
    }
  }
}

say(await withPorts(config.wiring, systemClock, move))
