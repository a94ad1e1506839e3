import { messageOf } from '../../model/error.ts'
import type { MskConnectWorker } from '../../model/msk-connect-worker.ts'
import { Unlisted } from '../../model/unlisted.ts'
import type { Deadline } from '../../ports/clock.ts'
import { MskConnectApi } from './msk-connect-api.ts'
import { isRepeatable, requestLifeMs, statePauseMs } from './msk-connectors.ts'
import type { Declarations, Declared } from './offsets-store.ts'

/** Declarations stand on brokers that may be gone already. */
const declaredMs = 30_000

/** Connectors as far as their end needs to know them: all whose names begin so. */
export type MskConnectNames = Pick<MskConnectWorker, 'region' | 'namePrefix' | 'listLagMs'>

/** What is told while they end. */
export interface EndTeller {
  /** Names as MSK Connect lists them; told once. */
  ending(names: readonly string[]): void
  /** The declarations can't be read. */
  unread(why: string): void
}

/**
 * Ends every connector whose name begins so, waits until they are gone, and forgets what was declared of them. Where nothing is listed and nothing was ever asked for it is done at once. Where the
 * declarations can't be read, anything may have been asked for a moment ago: then the lists alone have to say that there is none, for as long as such a request may take to be seen.
 * @throws KbgError `deadline`, and what MSK Connect refuses for good
 */
export async function endAllNamed(names: MskConnectNames, declarations: Declarations, deadline: Deadline, teller: EndTeller): Promise<void> {
  const api = new MskConnectApi(names.region)
  try {
    for (;;) {
      const declared = await declaredOf(names, declarations, deadline, teller)
      await untilNone(api, names, declared, deadline, teller)
      if (declared === undefined) return
      const now = await declaredOf(names, declarations, deadline, teller)
      if (!isSame(declared, now)) continue // somebody has asked for one meanwhile
      for (const name of declared.keys()) await declarations.withdraw(name, deadline)
      return
    }
  } finally {
    api.close()
  }
}

type DeclaredByName = ReadonlyMap<string, Declared>

/** undefined: they can't be read. */
async function declaredOf(
  { namePrefix }: MskConnectNames,
  declarations: Declarations,
  deadline: Deadline,
  teller: EndTeller,
): Promise<DeclaredByName | undefined> {
  const within = deadline.within(declaredMs, 'what was asked of MSK Connect')
  try {
    return new Map([...(await within.race(declarations.declared(within)))].filter(([name]) => name.startsWith(namePrefix)))
  } catch (thrown) {
    deadline.check() // cancelled is no answer
    teller.unread(messageOf(thrown))
    return undefined
  }
}

async function untilNone(
  api: MskConnectApi,
  names: MskConnectNames,
  declared: DeclaredByName | undefined,
  deadline: Deadline,
  teller: EndTeller,
): Promise<void> {
  const asked = [...(declared?.values() ?? [])].map((each) => each.asked)
  const wasNeverAsked = declared !== undefined && asked.every((each) => each === 'never')
  const unlisted = new Unlisted(names.listLagMs + (declared === undefined || asked.includes('open') ? requestLifeMs : 0))
  let isTold = false
  let isFirst = true
  await deadline.poll(statePauseMs, async () => {
    try {
      const askedMs = deadline.clock.monotonicMs()
      const found = await api.list(names.namePrefix, deadline)
      const isNone = unlisted.heard({ askedMs, answeredMs: deadline.clock.monotonicMs(), isListed: found.length > 0 })
      if (isNone || (isFirst && found.length === 0 && wasNeverAsked)) return true
      isFirst = false
      if (found.length > 0 && !isTold) teller.ending(found.map(({ name }) => name))
      isTold ||= found.length > 0
      // MSK Connect refuses the end of what it is still making.
      const endable = found.filter(({ state }) => state === 'RUNNING' || state === 'FAILED' || state === 'PAUSED')
      const ended = await Promise.allSettled(endable.map(({ arn }) => api.delete(arn, deadline)))
      const refused = ended.find((each) => each.status === 'rejected' && !isRepeatable(each.reason))
      if (refused?.status === 'rejected') throw refused.reason
    } catch (thrown) {
      if (!isRepeatable(thrown)) throw thrown // one answer less in a wait of minutes
    }
    return undefined
  })
}

function isSame(before: DeclaredByName, now: DeclaredByName | undefined): boolean {
  const text = (declared: DeclaredByName) => JSON.stringify([...declared].sort(([a], [b]) => (a < b ? -1 : 1)))
  return now !== undefined && text(before) === text(now)
}
