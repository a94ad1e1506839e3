/**
 * Sets up what a fresh machine is missing: `npm run setup`.
 *
 * One line per step that had something to do, with its seconds. Every step is pinned, checked, and repeated after any
 * interruption; with nothing to do the whole takes a fraction of a second. Two lanes, since Go's compiler and Maven's
 * downloads wait for different things.
 */
import { join } from 'node:path'
import { firstFive, messageOf } from '../engine/model/error.ts'
import { systemClock } from '../engine/ports/clock.ts'
import { archiveStep } from './archive.ts'
import { emulatorStep } from './aws-emulator.ts'
import { chromiumStep } from './chromium.ts'
import { etcdStep } from './etcd.ts'
import { javaStep } from './java.ts'
import { kafkaStep } from './kafka.ts'
import { kafkaToolsStep } from './kafka-tools.ts'
import { kubeApiServerStep } from './kube-apiserver.ts'
import { linksStep } from './links.ts'
import { kafkaVersions, toolsDir } from './paths.ts'
import { stopSignals } from './process.ts'
import { kafkaPluginStep, pulumiStep } from './pulumi.ts'
import { runLane, type Step, type StepResult, withSetupLock } from './step.ts'

/** Seconds that a second set-up waits for a first one: longer than a cold run on a slow machine. */
const lockSeconds = 1800

const print = (line: string): void => console.log(line)

function lanes(): readonly (readonly Step[])[] {
  return [
    [javaStep, ...kafkaVersions.flatMap((version) => [kafkaStep(version), archiveStep(version)])],
    [etcdStep(), pulumiStep(), linksStep(), kafkaPluginStep()],
  ]
}

/**
 * What the scripts of tests want besides, in a lane of its own. Where it can't be had the tests that need it say so and fail; the others run, so set-up goes on.
 */
function testSteps(): readonly Step[] {
  switch (process.env.npm_lifecycle_event) {
    case 'test':
      return [chromiumStep, emulatorStep]
    case 'test:long':
      return [emulatorStep]
    case 'test:bench':
      return [kafkaToolsStep]
    case 'test:kubernetes':
      return [kubeApiServerStep()]
    default:
      return []
  }
}

async function isAllDone(): Promise<boolean> {
  const answers = await Promise.all(
    [...lanes().flat(), ...testSteps()].map((step) => (async () => step.done())().catch(() => false)), // "can't tell" means "run it", which then says why
  )
  return answers.every(Boolean)
}

async function setUp(): Promise<number> {
  const startedMs = systemClock.monotonicMs()
  if (await isAllDone()) return 0
  const stop = new AbortController()
  print('Setting up this machine (tools go to .kbg/.tools; nothing that a rollout needs wants root):')
  const results = await withSetupLock(join(toolsDir, 'set-up.lock'), lockSeconds, async () => {
    for (const signal of stopSignals) process.on(signal, () => stop.abort())
    const forTests = runLane(testSteps(), print, stop.signal)
    const results = await Promise.all(lanes().map((lane) => runLane(lane, print, stop.signal)))
    await forTests // its failures are printed, and are no failure of set-up
    return results.flat()
  })
  const failed = results.filter((result: StepResult) => result.outcome === 'failed')
  const seconds = ((systemClock.monotonicMs() - startedMs) / 1000).toFixed(1)
  if (stop.signal.aborted) {
    console.error('Set-up was interrupted. What was made so far is kept: run it again to go on.')
    return 130
  }
  if (failed.length === 0) {
    print(`  ready after ${seconds} s`)
    return 0
  }
  console.error(`Set-up failed at ${firstFive(failed.map((result) => result.name))}. What was made so far is kept: run it again after fixing the cause.`)
  return 1
}

try {
  process.exitCode = await setUp()
} catch (error) {
  console.error(messageOf(error))
  process.exitCode = 1
}
