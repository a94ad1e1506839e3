import type { Colour } from '../../engine/model/colour.ts'
import { messageOf } from '../../engine/model/error.ts'
import { systemClock } from '../../engine/ports/clock.ts'
import type { Pair } from '../support/pair.ts'

const usualRefusals = 9

/**
 * Moves as soon as the gate lets it. A gate that refuses has moved nothing; on a machine this small the mirror lags for a moment now and then.
 *
 * @param mostRefusals how often it may refuse before that ends the bench
 * @returns how often it refused
 */
export async function movePastGate(pair: Pair, live: Colour, more: Parameters<Pair['moveTo']>[1] = {}, mostRefusals: number = usualRefusals): Promise<number> {
  for (let refusals = 0; ; refusals += 1) {
    try {
      await pair.moveTo(live, more)
      return refusals
    } catch (thrown) {
      if (!messageOf(thrown).startsWith('gate: ') || refusals === mostRefusals) throw thrown
      await systemClock.sleep(1_000)
    }
  }
}
