import { z } from 'zod'

/** The identity of a cluster. It never changes; what changes is its {@link Role}. */
export const Colour = z.enum(['blue', 'green'])
export type Colour = z.infer<typeof Colour>

/** What a colour does now. */
export type Role = 'live' | 'standby' | 'retired'

export const colours: readonly Colour[] = ['blue', 'green']

/** The other one of the two colours. */
export function otherColour(colour: Colour): Colour {
  return colour === 'blue' ? 'green' : 'blue'
}
