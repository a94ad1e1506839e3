/**
 * A process of its own that measures what the machine does while a bench runs: it sleeps every few milliseconds and notes how much too late it was
 * run again, and adds up the time of the bench's processes and of all others. Its argument is the bench's pid; at the end of its standard input it prints
 * one line of JSON ({@link MachineNoise}) and ends.
 */
import { readdirSync, readFileSync } from 'node:fs'
import { build } from 'hdr-histogram-js'
import { systemClock } from '../../../engine/ports/clock.ts'
import { stopSignals } from '../../../tools/process.ts'
import { encoded } from './histogram.ts'
import type { MachineNoise } from './noise.ts'
import { OwnAndForeignTicks, type ProcessTicks, parseMachineStat, parseProcessStat } from './processor-time.ts'

const periodMs = 5
/** Between two looks at /proc and at the standard input. */
const chunkMs = 500

const histogram = build({ numberOfSignificantValueDigits: 3 })
const sleeping = new Int32Array(new SharedArrayBuffer(4))
const ticks = new OwnAndForeignTicks(Number(process.argv[2]))

/** A blocking sleep: an event loop's own delays would count as the machine's. */
function measureStalls(): void {
  const startedMs = systemClock.monotonicMs()
  for (let due = startedMs + periodMs; due < startedMs + chunkMs; ) {
    const nowMs = systemClock.monotonicMs()
    if (due > nowMs) Atomics.wait(sleeping, 0, 0, due - nowMs)
    const late = Math.max(0, systemClock.monotonicMs() - due)
    histogram.recordValue(Math.round(late * 1_000))
    due += periodMs * Math.ceil(Math.max(1, late / periodMs)) // periods that were slept through are part of that one stall
  }
}

/** Undefined where there is no /proc. */
function machineTicks(): { readonly total: number; readonly stolen: number } | undefined {
  try {
    return parseMachineStat(readFileSync('/proc/stat', 'utf8'))
  } catch {
    return undefined // not Linux: it is reported as not observed
  }
}

function processes(): ProcessTicks[] {
  return readdirSync('/proc').flatMap((name) => {
    if (!/^\d+$/.test(name)) return []
    try {
      return parseProcessStat(readFileSync(`/proc/${name}/stat`, 'utf8')) ?? []
    } catch {
      return [] // it ended after it was listed
    }
  })
}

let stopped = false
process.stdin.once('end', () => (stopped = true)).resume()
// ^C, or a `timeout`, signals the whole process group: the bench ends this process by closing its input, when it has ended what it started.
for (const signal of stopSignals) process.on(signal, () => undefined)

const startedMs = systemClock.monotonicMs()
const first = machineTicks()
if (first) ticks.add(processes())
process.stdout.write('ready\n')
while (!stopped) {
  measureStalls()
  if (first) ticks.add(processes())
  await new Promise((resolve) => setImmediate(resolve))
}
const last = machineTicks()
const total = first && last ? last.total - first.total : 0
const noise: MachineNoise = {
  seconds: (systemClock.monotonicMs() - startedMs) / 1_000,
  stalls: {
    count: histogram.totalCount,
    medianMs: histogram.getValueAtPercentile(50) / 1_000,
    p99Ms: histogram.getValueAtPercentile(99) / 1_000,
    maximumMs: histogram.maxValue / 1_000,
    encoded: encoded(histogram),
  },
  foreignShare: total > 0 ? ticks.foreign / total : null,
  ownShare: total > 0 ? ticks.own / total : null,
  stealShare: total > 0 && first && last ? (last.stolen - first.stolen) / total : null,
}
process.stdout.write(`${JSON.stringify(noise)}\n`)
