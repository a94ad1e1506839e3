import { Limits } from '../../engine/model/limits.ts'
import { type Pair, type PairSpec, quickGate as quick, standPair } from '../support/pair.ts'
import { cleaningUp } from './harness/index.ts'

/** For benches that don't measure the gate. */
export const quickGate = Limits.parse(quick)

/** Runs on a pair that stands, which stays, or on one of its own, which is ended. */
export async function onPair<T>(standing: Pair | undefined, spec: PairSpec, work: (pair: Pair) => Promise<T>): Promise<T> {
  if (standing !== undefined) return await work(standing)
  const pair = await standPair(spec)
  return await cleaningUp(
    () => work(pair),
    () => pair.end(),
  )
}
