/** A worker over two fake clusters, with a state directory of its own. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type Colour, otherColour } from '../../../engine/model/colour.ts'
import type { TopicPartition } from '../../../engine/model/partition.ts'
import { Deadline, systemClock } from '../../../engine/ports/clock.ts'
import type { PressureLimits } from '../../../engine/run/audit/back-pressure.ts'
import { ReadingTroubles } from '../../../engine/run/audit/reading-troubles.ts'
import { AuditWorker, defaultPressure } from '../../../engine/run/audit/worker.ts'
import { FakeSide } from './fake-side.ts'

export interface TriedWorker {
  readonly worker: AuditWorker
  readonly blue: FakeSide
  readonly green: FakeSide
  readonly lines: readonly string[]
  /** Ends it as SIGTERM does. */
  stop(): Promise<void>
}

export interface TryOptions {
  readonly stateDirectory?: string
  readonly wanted?: readonly string[] | null
  readonly pressure?: PressureLimits
  readonly isMine?: (partition: TopicPartition) => boolean
  /** The clusters' logs are another worker's. */
  readonly like?: Pick<TriedWorker, 'blue' | 'green'>
}

/** A directory that is removed at the test's end. */
export function temporaryDirectory(): { readonly path: string; remove(): void } {
  const path = mkdtempSync(join(tmpdir(), 'kbg-audit-'))
  return { path, remove: () => rmSync(path, { recursive: true, force: true }) }
}

/** Starts a worker; topics that are made later are seen with `worker.look()`. */
export function tryWorker(
  options: TryOptions & { readonly stateDirectory: string },
  prepare: (blue: FakeSide, green: FakeSide) => void = () => undefined,
): TriedWorker {
  const [blue, green] = [sideLike(options.like?.blue), sideLike(options.like?.green)]
  prepare(blue, green)
  const stopping = new AbortController()
  const lines: string[] = []
  const tell = (line: string) => void lines.push(line)
  const worker = new AuditWorker({
    readers: { blue, green },
    troubles: new ReadingTroubles(systemClock, tell),
    topics: { blue, green },
    share: { isMine: options.isMine ?? (() => true) },
    clock: systemClock,
    stateDirectory: options.stateDirectory,
    wanted: options.wanted ?? null,
    pressure: options.pressure ?? defaultPressure,
    tell,
    stop: stopping.signal,
  })
  const running = worker.run()
  return {
    worker,
    blue,
    green,
    lines,
    stop: async () => {
      stopping.abort(new Error('stopped'))
      await running
    },
  }
}

/** Another reader of the same cluster. */
function sideLike(other: FakeSide | undefined): FakeSide {
  const side = new FakeSide()
  for (const [topic, seen] of other?.topics ?? []) side.topics.set(topic, seen)
  for (const [partition, log] of other?.logs ?? []) side.logs.set(partition, log)
  return side
}

/** Waits until it holds. */
export async function until(what: string, holds: () => boolean, withinMs = 30_000): Promise<void> {
  await new Deadline(systemClock, withinMs, what).poll(2, async () => (holds() ? true : undefined))
}

/** Where a reader of `from` at offset `committed` has to go on on the other side: read off both whole logs. */
export function naiveTranslation({ blue, green }: Pick<TriedWorker, 'blue' | 'green'>, partition: TopicPartition, from: Colour, committed: bigint): bigint {
  const sides = { blue, green }
  const [source, target] = [sides[from].log(partition), sides[otherColour(from)].log(partition)]
  const index = source.records.findIndex((record) => record.offset >= committed)
  return index === -1 ? target.end : (target.records[index]?.offset ?? target.end)
}

/** Both sides' ends as a proof asks for them. */
export function endsOf({ blue, green }: Pick<TriedWorker, 'blue' | 'green'>, partitions: readonly TopicPartition[] = [...blue.logs.keys()]) {
  const of = (side: FakeSide) => Object.fromEntries(partitions.map((partition) => [partition, side.log(partition).end.toString()]))
  return { blue: of(blue), green: of(green) }
}
