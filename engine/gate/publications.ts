import { firstFive } from '../model/error.ts'
import type { PublicationFacts } from '../model/snapshot.ts'
import { type Check, judged } from './check.ts'

/** Is the present route told wherever it is published, and could the largest one be that this move may write? A client that follows a publication would miss the hold, and then the release. */
export function checkPublications(publications: readonly PublicationFacts[], epoch: number): Check {
  const name = 'published route'
  const required = `epoch ${epoch}, and room for every group that moves`
  const remedy = "Guardians publish again every few seconds; their log says why one can't. Credentials come from the AWS chain of whoever writes."
  const unseen = publications.flatMap(({ epoch: told }) => (told.seen ? [] : [told.why]))
  const wrong = publications.flatMap(({ place, epoch: told, unfit }) => [
    ...(told.seen && told.value !== epoch ? [`${place} tells ${told.value === 0 ? 'no route' : `epoch ${told.value}`}`] : []),
    ...(unfit === null ? [] : [unfit]),
  ])
  if (wrong.length > 0) return judged(name, 'fail', firstFive(wrong), required, remedy)
  if (unseen.length > 0) return judged(name, 'inconclusive', firstFive(unseen), required, remedy)
  return judged(name, 'pass', `at ${publications.map(({ place }) => place).join(' and ')}`, required, '')
}
