import { firstFive } from '../model/error.ts'
import type { ColourSnapshot } from '../model/snapshot.ts'
import { type Check, judged } from './check.ts'

/**
 * Can this colour be fenced at all? A broker without an authorizer refuses nobody, so nothing would keep an application from writing behind the cut. Who is
 * a super user, and passes every fence, Kafka doesn't tell: a drain finds what they write.
 */
export function checkFencePossible({ colour, authorizers }: Pick<ColourSnapshot, 'colour' | 'authorizers'>): Check {
  const name = `fence possible on ${colour}`
  const required = 'an authorizer on every broker'
  const remedy = `Set authorizer.class.name on every broker of ${colour}. Clients that stop by agreement alone are no fence, so there is no way around this.`
  if (!authorizers.seen) return judged(name, 'inconclusive', authorizers.why, required, remedy)
  const brokers = authorizers.value
  if (brokers.length === 0) return judged(name, 'inconclusive', 'no broker asked', required, remedy)
  const without = brokers.filter(({ className }) => className === '').map(({ brokerId }) => `broker ${brokerId} has none`)
  if (without.length > 0) return judged(name, 'fail', firstFive(without), required, remedy)
  return judged(name, 'pass', `${brokers.length} of ${brokers.length} brokers have one`, required, '')
}
