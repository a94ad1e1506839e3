import type { Colour } from '../model/colour.ts'
import { firstFive } from '../model/error.ts'
import type { ClientRegistration } from '../model/route.ts'
import type { Reading } from '../model/snapshot.ts'
import { type Check, judged } from './check.ts'

/** What a fleet without guardians has to know: said wherever it has none. */
export const noGuardian = 'no guardian: what an orchestrator leaves open, and clients that it holds, wait for pulumi up'

/**
 * Does a guardian stand beside each declared colour, and has it seen the newest epoch? A fleet that is wired without any is let through, and told what that means.
 *
 * @param wanted `one`: off a sick colour, beside which one may have ended too; one is what the bound of a stall rests on
 */
export function checkGuardians(
  clients: Reading<readonly ClientRegistration[]>,
  declared: readonly Colour[],
  epoch: number,
  wanted: 'each' | 'one' = 'each',
): Check {
  const name = 'guardians'
  if (declared.length === 0) return judged(name, 'pass', noGuardian, 'a guardian beside each colour, or a wiring that declares none', '')
  const required = `beside ${declared.join(wanted === 'each' ? ' and ' : ' or ')}, on epoch ${epoch}`
  const remedy = 'pulumi up on the traffic stack starts a guardian that has ended; without both, a crash of the other one would leave clients held.'
  if (!clients.seen) return judged(name, 'inconclusive', clients.why, required, remedy)
  const missing = guardianTroubles(clients.value, declared, epoch)
  const isEnough = missing.length === 0 || (wanted === 'one' && missing.length < declared.length)
  return judged(name, isEnough ? 'pass' : 'fail', missing.length === 0 ? `beside ${declared.join(' and ')}` : firstFive(missing), required, remedy)
}

/** Of each declared colour whose guardian isn't there, or is behind: what is wrong (pure). */
export function guardianTroubles(clients: readonly ClientRegistration[], declared: readonly Colour[], epoch: number): readonly string[] {
  return declared.flatMap((colour) => {
    const own = clients.filter((client) => client.kind === 'guardian' && client.colour === colour)
    const newest = Math.max(...own.map(({ ackedEpoch }) => ackedEpoch))
    if (own.length === 0) return [`none beside ${colour}`]
    return newest < epoch ? [`the one beside ${colour} on epoch ${newest}`] : []
  })
}
