import { firstFive } from '../model/error.ts'
import type { PublicationFacts } from '../model/snapshot.ts'

/** What a place tells, for status. */
export type ToldThere = Pick<PublicationFacts, 'place' | 'epoch'>

/** What each publication tells beside the route's epoch, and what becomes of one that differs. Nothing to say where nothing is published (pure). */
export function publishedLines(publications: readonly ToldThere[], epoch: number, isGuarded: boolean): readonly string[] {
  if (publications.length === 0) return []
  const ahead = publications.filter(({ epoch: told }) => told.seen && told.value > epoch)
  const others = publications.filter((each) => !ahead.includes(each) && !(each.epoch.seen && each.epoch.value === epoch))
  return [
    `published ${publications.map((each) => toldText(each, epoch)).join('; ')}`,
    ...(others.length === 0 ? [] : [`          ${whoPublishes(isGuarded)}; until then the gate's check \`published route\` refuses a move`]),
    ...(ahead.length === 0 ? [] : [`          ${aheadAdvice(ahead)}`]),
  ]
}

function toldText({ place, epoch: told }: ToldThere, epoch: number): string {
  if (!told.seen) return `${place} can't be read from here (${told.why})`
  if (told.value === 0) return `${place} tells no route`
  const than = told.value === epoch ? '' : told.value < epoch ? ', an older one' : ', a newer one than the route store'
  return `${place} tells epoch ${told.value}${than}`
}

function whoPublishes(isGuarded: boolean): string {
  return isGuarded
    ? 'guardians publish by themselves within seconds, and their logs say why one that goes on failing does'
    : 'without a guardian nobody publishes by itself: kbg repair does'
}

/** Its epochs are never given out twice while the store keeps what it has: this one was put back to an older state, or is another one. */
function aheadAdvice(ahead: readonly ToldThere[]): string {
  const places = firstFive(ahead.map(({ place }) => place))
  return `nobody tells an older route over a newer one, so ${places} stays until the route store is beyond it, and the gate refuses: was the store put back to an older state?`
}
