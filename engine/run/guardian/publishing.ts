import { messageOf } from '../../model/error.ts'
import { publicationSeenMs, publishMs } from '../../model/route-publication.ts'
import { Deadline } from '../../ports/clock.ts'
import type { RoutePublication } from '../../ports/route-publication.ts'
import type { RouteFollowing } from '../../ports/route-store.ts'
import type { GuardianParts } from './keeper.ts'

/** How often a publication is looked at while the route stands still: who has put an older epoch there, or something else, is found by that. */
export const lookMs = 5_000

/** Keeps every publication at the route that the store tells, until `over`: what an orchestrator could not publish, or has published and ended, or what somebody has put over it. */
export async function keepPublishing(parts: GuardianParts, following: RouteFollowing, over: AbortSignal): Promise<void> {
  await Promise.all(parts.ports.publications.map((publication) => keep(publication, parts, following, over)))
}

async function keep(publication: RoutePublication, { ports: { clock }, tell }: GuardianParts, following: RouteFollowing, over: AbortSignal): Promise<void> {
  const { place } = publication
  let epoch = 0
  let told = ''
  const tellNew = (line: string) => {
    if (line !== told) tell(line)
    told = line
  }
  while (!over.aborted) {
    // Its orchestrator publishes by itself: it gets a moment, so that not everybody writes the same.
    if ((await following.newerThan(epoch, lookMs)) !== null) await clock.sleep(publicationSeenMs / 2, over).catch(() => undefined) // over: the loop's condition ends it
    const route = following.newest
    if (route === null || over.aborted) continue
    try {
      const published = await publication.publish(route, new Deadline(clock, publishMs, `${place} to tell epoch ${route.epoch}`, over))
      if (published === 'published') tell(`${place} tells epoch ${route.epoch}`)
      else if (published === 'ahead' && following.newest?.epoch === route.epoch) tellNew(`${place} is ahead of the route store's epoch ${route.epoch}`)
      epoch = route.epoch
    } catch (thrown) {
      if (over.aborted) return
      tellNew(`it is tried again: ${messageOf(thrown)}`)
      await clock.sleep(publicationSeenMs, over).catch(() => undefined) // over: the loop's condition ends it
    }
  }
}
