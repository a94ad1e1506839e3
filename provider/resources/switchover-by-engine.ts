import { hostname, userInfo } from 'node:os'
import { KbgError, messageOf } from '../../engine/model/error.ts'
import type { Wiring } from '../../engine/model/wiring.ts'
import { Deadline } from '../../engine/ports/clock.ts'
import { createRoute } from '../../engine/run/create-route.ts'
import type { Actual } from '../../engine/run/execution.ts'
import { type Ports, withPorts } from '../../engine/run/ports.ts'
import { mayEndRoute } from '../../engine/run/retirement.ts'
import { describePlan, type MoveRequest, moveLive, observeActual } from '../../engine/run/switchover.ts'
import type { Call } from '../resource-definition.ts'
import type { SwitchoverEngine, Wanted } from './switchover-engine.ts'

/** The plan of a preview is observed for this long at most (the refresh before it looks at the fences for 2 s at most); the engine gets less, so that it can still say what it didn't see. */
const previewMs = 3_000
const observationMs = 2_500

/** The engine itself. Connections live as long as one operation. */
export const switchoverEngine: SwitchoverEngine = {
  createRoute: (wanted, call) => connected(wanted.wiring, call, (ports) => createRoute(ports, requestOf(wanted, call))),
  moveLive: (wanted, gateEpoch, call) => connected(wanted.wiring, call, (ports) => moveLive(ports, { ...requestOf(wanted, call), gateEpoch })),
  observe: (wiring, call) => connected(wiring, call, (ports) => observe(ports, wiring)),
  describePlan: ({ wiring, intent, limits }, call) => {
    const deadline = new Deadline(call.clock, previewMs, 'the plan to be made', call.cancelled)
    return deadline.race(
      connected(wiring, call, (ports) => describePlan(ports, wiring, intent, limits, deadline.within(observationMs, 'observations for the plan'))),
    )
  },
  reasonsAgainstEnd: (wiring, decommission, call) => reasonsAgainstEnd(wiring, decommission, call),
}

async function observe(ports: Ports, wiring: Wiring): Promise<Actual> {
  const actual = await observeActual(ports, wiring.waves)
  if (actual !== null) return actual
  throw new KbgError('no-route', `The route store holds no route of ${wiring.fleet}.`, {
    facts: { endpoints: wiring.routeStore.endpoints },
    remedy: 'Restore the store from its backup. Clients go on with the route that they know; nothing moves meanwhile.',
  })
}

/** A route that can't be read is a reason of its own, unless the whole fleet ends. */
async function reasonsAgainstEnd(wiring: Wiring, decommission: string | null, call: Call): Promise<readonly string[]> {
  try {
    return await connected(wiring, call, (ports) => mayEndRoute(ports, wiring, decommission))
  } catch (thrown) {
    const why = `the route can't be read (${messageOf(thrown)})`
    if (decommission !== wiring.fleet) return [why]
    call.warn(`${why}; ${wiring.fleet} is decommissioned, so it ends all the same`)
    return []
  }
}

function requestOf({ wiring, intent, limits }: Wanted, call: Call): Omit<MoveRequest, 'gateEpoch'> {
  const holder = `pulumi up by ${userInfo().username}@${hostname()}, pid ${process.pid}`
  return { wiring, intent, limits, holder, tell: call.tell, cancelled: call.cancelled }
}

function connected<T>(wiring: Wiring, call: Call, work: (ports: Ports) => Promise<T>): Promise<T> {
  return withPorts(wiring, call.clock, work)
}
