import { type DrillResult, drillHolder } from '../../engine/model/drill.ts'
import { KbgError, messageOf } from '../../engine/model/error.ts'
import { systemClock } from '../../engine/ports/clock.ts'
import { drill } from '../../engine/run/drill/drill.ts'
import { withPorts } from '../../engine/run/ports.ts'
import { drillText } from '../../engine/switchover/drill-verdict.ts'
import { atTerminal, openStacks } from '../fleet-stacks.ts'
import { startDrillLoad } from './load.ts'

/**
 * `kbg drill`: a switchover and the way back on the real pair, with topics, a group and clients of its own.
 *
 * @returns 0: it passed; 1: its clients saw a loss, a copy or a redelivery; 2: it was refused or ended early, so that it shows nothing
 */
export async function runDrill(fleet: string, run = atPair): Promise<number> {
  try {
    const result = await run(fleet)
    console.log(`The drill has ${drillText(result)}.`)
    return exitCodeOf(result)
  } catch (thrown) {
    if (!(thrown instanceof KbgError)) throw thrown
    console.error(`kbg: ${messageOf(thrown)}`)
    return 2
  }
}

async function atPair(fleet: string): Promise<DrillResult> {
  return await atTerminal(drillHolder, openStacks(fleet), (request) =>
    withPorts(request.wiring, systemClock, (ports) => drill(ports, request, (wiring) => startDrillLoad(wiring, systemClock))),
  )
}

/** See {@link runDrill}. */
export function exitCodeOf({ passed, lost, unread, duplicated, redelivered }: DrillResult): 0 | 1 | 2 {
  if (passed) return 0
  return lost + unread + duplicated + redelivered > 0 ? 1 : 2
}
