/** What tests of a worker share: one for each test, over two fake clusters, ended behind it with its state directory; records for both sides; and what is asked. */
import { afterEach, beforeEach } from 'vitest'
import type { FakeSide } from './fake-side.ts'
import { endsOf, type TriedWorker, type TryOptions, temporaryDirectory, tryWorker } from './try-worker.ts'

export const digests = (from: number, count: number) => Array.from({ length: count }, (_, index) => BigInt(from + index))
const never = new AbortController().signal

/** For a file of tests: how each of them starts its worker, and where that keeps its state. */
export function workerOfEach() {
  let directory: ReturnType<typeof temporaryDirectory>
  let tried: TriedWorker | undefined
  beforeEach(() => {
    directory = temporaryDirectory()
  })
  afterEach(async () => {
    await tried?.stop()
    tried = undefined
    directory.remove()
  })
  const start = (prepare: (blue: FakeSide, green: FakeSide) => void, more: Partial<TryOptions> = {}): TriedWorker => {
    tried = tryWorker({ stateDirectory: directory.path, ...more }, prepare)
    return tried
  }
  return { start, stateDirectory: () => directory.path }
}

/** The same records on both sides; each side has gaps of its own. */
export function fill(blue: FakeSide, green: FakeSide, partition: string, first: number, count: number): void {
  for (let at = 0; at < count; at += 10) {
    const some = digests(first + at, Math.min(10, count - at))
    blue.log(partition).append(some, at % 3 === 0 ? 1 : 0)
    green.log(partition).append(some)
    green.log(partition).mark()
  }
}

export const prove = (worker: TriedWorker, timeoutMs = 5_000, ends = endsOf(worker)) => worker.worker.prove({ ...ends, timeoutMs }, never)
export const told = ({ worker }: TriedWorker, partition = 'orders-0') => worker.facts().partitions.find((each) => each.partition === partition)
