/** Puts one planned fault into a running switchover, at its moment, and takes away again what a fault leaves behind. */
import { createAcls } from '../../../engine/adapters/kafka/admin.ts'
import { fenceBindings } from '../../../engine/adapters/kafka/fence.ts'
import { type Colour, otherColour } from '../../../engine/model/colour.ts'
import { messageOf } from '../../../engine/model/error.ts'
import type { Limits } from '../../../engine/model/limits.ts'
import { systemClock } from '../../../engine/ports/clock.ts'
import { abortRunning } from '../../../engine/run/abort-request.ts'
import type { Orchestrator } from '../../support/orchestrator.ts'
import type { Pair } from '../../support/pair.ts'
import { loseAnswersOf, narrow } from './network.ts'
import { type Part, type Parts, partText, within } from './parts.ts'
import type { PlannedFault } from './plan.ts'
import type { SmallVolume } from './small-volume.ts'

/** What a fault may meet. */
export interface Field {
  readonly pair: Pair
  readonly parts: Parts
  readonly limits: Limits
  readonly target: Colour
  readonly orchestrator: Orchestrator
  /** Another one, that wants the same. */
  readonly second: () => Orchestrator
  readonly volumes: readonly SmallVolume[]
}

/** A fault that is in. */
export interface Injection {
  /** What was met, for people. */
  readonly text: string
  /** Resolves once it is over: what was killed serves again, what was stopped goes on. What came of it, for people; empty: nothing to add. */
  readonly over: Promise<string>
}

/** How fast a bandwidth of 2 Mbit/s is: answers of some KiB queue for tens of milliseconds, and behind others for longer. */
const narrowRate = '2mbit'
/** A disk that is full shows when something is written. */
const fullDiskSeconds = 20

/** The orchestrator stands still at its moment while this puts the fault in, and goes on afterwards. */
export async function inject(fault: PlannedFault, field: Field): Promise<Injection> {
  const dice = new Dice(fault.draw)
  switch (fault.kind) {
    case 'kill-orchestrator':
      field.orchestrator.signal('SIGKILL')
      return { text: 'the orchestrator', over: field.orchestrator.ended.then(() => '') }
    case 'kill-connect':
    case 'kill-broker':
    case 'kill-etcd':
    case 'kill-guardian':
      return await kill(partFor(fault.kind, field, dice), field, dice.between(200, 3_000))
    case 'stop-orchestrator':
      return pause('the orchestrator', (name) => field.orchestrator.signal(name), dice.between(4_000, 9_000))
    case 'stop-broker':
      return stop(partFor(fault.kind, field, dice), field, dice.between(3_000, 12_000))
    case 'stop-connect':
    case 'stop-etcd':
    case 'stop-guardian':
      return stop(partFor(fault.kind, field, dice), field, dice.between(3_000, 8_000))
    case 'second-orchestrator':
      return { text: 'wants the same', over: secondEnds(field.second()) }
    case 'late-fence':
      return await lateFence(field)
    case 'abort':
      return { text: 'by another process', over: abort(field) }
    case 'partition':
      return loseAnswers(field, dice)
    case 'slow-network':
      return slow(field, dice)
    case 'full-disk':
      return fillDisk(field, dice)
  }
}

/** Small numbers out of one drawn one. */
class Dice {
  #left: number

  constructor(draw: number) {
    this.#left = draw
  }

  of(count: number): number {
    const face = this.#left % count
    this.#left = Math.floor(this.#left / count)
    return face
  }

  between(from: number, to: number): number {
    return from + this.of(Math.floor((to - from) / 100) + 1) * 100
  }

  colour({ target }: Field): Colour {
    return this.of(2) === 0 ? target : otherColour(target)
  }
}

function partFor(kind: PlannedFault['kind'], field: Field, dice: Dice): Part {
  if (kind.endsWith('etcd')) return { kind: 'etcd' }
  const colour = dice.colour(field)
  if (kind.endsWith('broker')) return brokerOf(colour, field, dice)
  return kind.endsWith('connect') ? { kind: 'connect', colour } : { kind: 'guardian', colour }
}

function brokerOf(colour: Colour, { parts }: Field, dice: Dice): Extract<Part, { kind: 'broker' }> {
  const nodeIds = parts.nodeIds(colour)
  return { kind: 'broker', colour, nodeId: nodeIds[dice.of(nodeIds.length)] ?? 0 }
}

async function kill(part: Part, { parts }: Field, downMs: number): Promise<Injection> {
  await parts.kill(part)
  const startAgain = async () => {
    await systemClock.sleep(downMs)
    await parts.start(part)
    return ''
  }
  return { text: `${partText(part)}, started again after ${downMs} ms`, over: startAgain() }
}

function stop(part: Part, { parts }: Field, forMs: number): Injection {
  return pause(partText(part), (name) => parts.signal(part, name), forMs)
}

function pause(text: string, signal: (name: NodeJS.Signals) => void, forMs: number): Injection {
  signal('SIGSTOP')
  const goOn = async () => {
    await systemClock.sleep(forMs)
    signal('SIGCONT')
    return ''
  }
  return { text: `${text}, for ${forMs} ms`, over: goOn() }
}

async function secondEnds(second: Orchestrator): Promise<string> {
  await second.ended
  const last = second.lines.at(-1)
  return last?.kind === 'failed' ? `the second: ${last.code}` : `the second: ${last?.kind ?? 'said nothing'}`
}

async function lateFence({ pair }: Field): Promise<Injection> {
  const { route } = await pair.ports.store.read(within(10))
  if (route?.state !== 'open') throw new Error(`nobody is live (${route?.state}), so no fence can be late`)
  await createAcls(pair.wiring.clusters[route.live], fenceBindings, within(10))
  return { text: `on ${route.live}`, over: Promise.resolve('') }
}

async function abort({ pair, limits }: Field): Promise<string> {
  const request = { wiring: pair.wiring, limits, holder: 'kbg abort by the soak', tell: () => undefined, cancelled: new AbortController().signal }
  return await abortRunning(pair.ports, request).then(
    ({ kind }) => kind,
    (thrown: unknown) => messageOf(thrown).split('\n')[0] ?? '',
  )
}

function loseAnswers(field: Field, dice: Dice): Injection {
  const { parts } = field
  const colour = dice.colour(field)
  const scope = dice.of(3)
  const broker = brokerOf(colour, field, dice)
  const met = scope === 0 ? broker : scope === 1 ? ({ kind: 'colour', colour } as const) : ({ kind: 'etcd' } as const)
  const forMs = dice.between(2_000, 6_000)
  return forAWhile(`answers of ${met.kind === 'colour' ? `all of ${colour}` : partText(met)}`, loseAnswersOf(parts.hostsOf(met)), forMs)
}

function slow(field: Field, dice: Dice): Injection {
  const colour = dice.colour(field)
  const [subnet = ''] = field.parts.hostsOf({ kind: 'colour', colour })
  return forAWhile(`${colour}, ${narrowRate}`, narrow(subnet, narrowRate), dice.between(5_000, 9_000))
}

function forAWhile(text: string, end: () => void, forMs: number): Injection {
  const over = systemClock.sleep(forMs).then(() => {
    end()
    return ''
  })
  return { text: `${text}, for ${forMs} ms`, over }
}

function fillDisk({ volumes, parts }: Field, dice: Dice): Injection {
  const volume = volumes[dice.of(volumes.length)]
  if (volume === undefined) throw new Error('no broker stands on a small volume')
  const makeRoom = volume.fill()
  const recover = async () => {
    const fullAtMs = systemClock.monotonicMs()
    const hasEnded = await within(fullDiskSeconds)
      .poll(100, async () => (parts.pidOf(volume.broker) === null ? true : undefined))
      .catch(() => false)
    const lasted = Math.round(systemClock.monotonicMs() - fullAtMs)
    makeRoom()
    await parts.start(volume.broker)
    return hasEnded ? `it ended after ${lasted} ms, and was started again with room` : `it lived for ${lasted} ms, then there was room again`
  }
  return { text: volume.toString(), over: recover() }
}
