import type { Reading, RouteSnapshot } from '../model/snapshot.ts'
import { type Check, judged } from './check.ts'

/**
 * Is the route readable, open, and not latched against this attempt?
 *
 * @param attempt null: a way back that a failed watch has decided, which latches by itself
 */
export function checkRouteState(route: Reading<RouteSnapshot>, attempt: number | null): Check {
  const name = 'route'
  const required = attempt === null ? 'an open route' : 'an open route without a latch on this attempt'
  if (!route.seen) return judged(name, 'inconclusive', route.why, required, 'Make the route store reachable.')
  const document = route.value.route
  if (document === null) return judged(name, 'fail', 'no route document', required, 'Create the route first: pulumi up on the traffic stack.')
  if (document.state !== 'open') {
    return judged(
      name,
      'fail',
      `state ${document.state} since epoch ${document.epoch}`,
      required,
      'Run pulumi up again: it finishes or takes back the open switch.',
    )
  }
  if (document.latch !== null && attempt !== null && attempt <= document.latch.attempt) {
    const observed = `latched at attempt ${document.latch.attempt}: ${document.latch.reason}`
    return judged(
      name,
      'fail',
      observed,
      `attempt above ${document.latch.attempt}`,
      `Set the config key attempt to ${document.latch.attempt + 1} (kbg ack) when the cause is mended.`,
    )
  }
  return judged(name, 'pass', `open, epoch ${document.epoch}, live ${document.live}`, required, '')
}
