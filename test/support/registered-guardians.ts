/** Guardians as the route store sees them, without their duties: they are registered beside both colours and acknowledge each epoch. What a guardian does, a test does itself then. */
import { colours } from '../../engine/model/colour.ts'
import { Deadline, systemClock } from '../../engine/ports/clock.ts'
import type { RouteFollowing, RouteStore } from '../../engine/ports/route-store.ts'
import { guardianRegistration } from '../../engine/run/guardian/keeper.ts'

const lookMs = 1_000
const storeMs = 10_000

export interface RegisteredGuardians {
  end(): Promise<void>
}

export async function registerGuardians(store: RouteStore): Promise<RegisteredGuardians> {
  const over = new AbortController()
  const deadline = (what: string) => new Deadline(systemClock, storeMs, what, over.signal)
  const all = await Promise.all(
    colours.map(async (colour) => {
      const following = await store.follow(guardianRegistration(colour, process.pid), deadline('the registration'))
      return { following, acknowledging: acknowledgeEach(following, over.signal, deadline) }
    }),
  )
  return {
    end: async () => {
      over.abort(new Error('the test is over'))
      await Promise.allSettled(all.map(({ acknowledging }) => acknowledging))
      await Promise.all(all.map(({ following }) => following.close()))
    },
  }
}

async function acknowledgeEach(following: RouteFollowing, over: AbortSignal, deadline: (what: string) => Deadline): Promise<void> {
  let epoch = 0
  while (!over.aborted) {
    const route = await following.newerThan(epoch, lookMs)
    if (route === null) continue
    epoch = route.epoch
    await following.acknowledge(epoch, deadline('the acknowledgement'))
  }
}
