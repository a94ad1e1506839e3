import { interrupted } from './interrupt.ts'

/** How interleaved arms are ordered, as a sentence. */
export const interleavedOrder = 'interleaved: every round runs every arm once, every second round in the opposite order'

/** The arms of one round: forwards in even rounds, backwards in odd ones, so that a drift of the machine meets all arms alike. */
export function roundOrder<Arm>(arms: readonly Arm[], round: number): readonly Arm[] {
  return round % 2 === 0 ? arms : arms.toReversed()
}

/**
 * Measures every arm once in each round.
 *
 * @param measure returns the arm's measurement of that round
 * @returns each arm's values, in the order of the rounds
 * @throws what {@link interrupted} says, between two measurements
 */
export async function interleaved<Arm extends string>(
  arms: readonly Arm[],
  rounds: number,
  measure: (arm: Arm, round: number) => Promise<number>,
): Promise<Readonly<Record<Arm, readonly number[]>>> {
  const values = new Map<Arm, number[]>(arms.map((arm) => [arm, []]))
  for (let round = 0; round < rounds; round += 1) {
    for (const arm of roundOrder(arms, round)) {
      interrupted.throwIfAborted()
      values.get(arm)?.push(await measure(arm, round))
    }
  }
  return Object.fromEntries(values) as Record<Arm, number[]>
}
