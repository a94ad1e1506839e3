import type { ConnectorState } from '@aws-sdk/client-kafkaconnect'
import { KbgError, messageOf } from '../../model/error.ts'
import type { ConnectorFacts } from '../../model/facts.ts'
import { configurationFor, type MskConnectWorker, requireApplied } from '../../model/msk-connect-worker.ts'
import { type ListReading, Unlisted } from '../../model/unlisted.ts'
import type { Deadline } from '../../ports/clock.ts'
import { type ListedConnector, MskConnectApi } from './msk-connect-api.ts'
import type { Declarations, Declared } from './offsets-store.ts'

/** How often a connector is looked at while waiting for it: MSK Connect tells nobody. */
export const statePauseMs = 1_000
/** How late a request that was sent may still be taken. AWS: "in most cases, a request must reach AWS within five minutes of the time stamp in the request" (IAM User Guide, signing). */
export const requestLifeMs = 5 * 60_000

/**
 * The connectors into one colour on MSK Connect, by the names that the engine gives them. Each is declared first, and the declaration says whether MSK Connect was asked for it. Its lists, which nobody
 * promises to be current, are believed for what they name; what they don't name is gone only by {@link Unlisted}, and was never there only where nobody has asked. A request to make one is repeated
 * under the same name until it has an answer: MSK Connect refuses a second connector of a name, so there are never two.
 */
export class MskConnectors {
  readonly #worker: MskConnectWorker
  readonly #api: MskConnectApi
  readonly #declarations: Declarations

  constructor(worker: MskConnectWorker, declarations: Declarations) {
    this.#worker = worker
    this.#api = new MskConnectApi(worker.region)
    this.#declarations = declarations
  }

  /** The name that AWS and Connect's offsets topic know a connector by. */
  named(name: string): string {
    return `${this.#worker.namePrefix}${name}`
  }

  async names(deadline: Deadline): Promise<readonly string[]> {
    const { namePrefix } = this.#worker
    const [listed, declared] = await Promise.all([this.#api.list(namePrefix, deadline), this.#declarations.declared(deadline)])
    return [...new Set([...listed.map(({ name }) => name), ...declared.keys()])].map((name) => name.slice(namePrefix.length))
  }

  async facts(name: string, deadline: Deadline): Promise<ConnectorFacts> {
    const found = await this.#find(name, deadline)
    const described = found === undefined ? undefined : await this.#api.describe(found.arn, deadline)
    if (described?.connectorState !== undefined) {
      return { name, state: states[described.connectorState], tasks: [], tasksUntold: true, config: described.connectorConfiguration ?? {} }
    }
    const declared = await this.#declared(name, deadline)
    if (declared === undefined) return { name, state: 'absent', tasks: [], config: {} }
    const config = configurationFor(this.#worker.request, declared.topics)
    if (declared.asked === 'never') return { name, state: 'STOPPED', tasks: [], config }
    return { name, state: 'UNASSIGNED', tasks: [], tasksUntold: true, config } // it may run, or be about to
  }

  async declare(name: string, topics: readonly string[], deadline: Deadline): Promise<void> {
    const { state } = await this.facts(name, deadline)
    if (state !== 'absent') {
      throw new KbgError('connector-exists', `Can't create connector ${name}.`, {
        facts: { observed: state },
        remedy: 'A connector name is used once: take a new one.',
      })
    }
    configurationFor(this.#worker.request, topics) // refuses what can't be mirrored
    await this.#declarations.declare(this.named(name), { topics: [...topics], asked: 'never' }, deadline)
  }

  /** Makes what was declared, or finds it made, and waits until it runs as it was asked for. */
  async run(name: string, deadline: Deadline): Promise<void> {
    const { state } = (await this.#find(name, deadline)) ?? {}
    // A failed one doesn't recover by itself, and the name of one that is ending isn't free yet.
    if (state === 'FAILED' || state === 'DELETING') await this.end(name, deadline)
    const known = await this.#declared(name, deadline)
    if (known === undefined) throw new KbgError('connector-absent', `Connector ${name} can't be resumed: nobody has created it.`)
    // Somebody has asked for it all the same: from here on no list that leaves it out may be believed.
    const declared = await this.#noted(name, known, deadline)
    const connectorConfiguration = configurationFor(this.#worker.request, declared.topics)
    const ask = this.#asking(name, declared)
    const described = await this.#until(name, 'RUNNING', deadline, async (found) => {
      if (found === undefined) return await ask(deadline)
      if (found.state === 'FAILED') throw await this.#failed(name, found, deadline)
      const described = found.state === 'RUNNING' ? await this.#api.describe(found.arn, deadline) : undefined
      return described?.connectorState === 'RUNNING' ? described : undefined // the list may name what is ending already
    })
    requireApplied(name, { ...this.#worker.request, connectorConfiguration: { ...connectorConfiguration } }, { ...described })
  }

  /** Ends it, and waits until it is gone; anew where somebody has asked for it meanwhile. */
  async end(name: string, deadline: Deadline): Promise<void> {
    for (;;) {
      const asked = (await this.#declared(name, deadline))?.asked ?? 'never'
      if (asked === 'never' && (await this.#find(name, deadline)) === undefined) return
      await this.#untilGone(name, asked, deadline)
      const now = await this.#declared(name, deadline)
      if (now === undefined || now.asked === 'never') return
      if (now.asked === asked) return await this.#mark(name, now, 'never', deadline)
    }
  }

  async #untilGone(name: string, asked: Declared['asked'], deadline: Deadline): Promise<void> {
    const unlisted = new Unlisted(this.#worker.listLagMs + (asked === 'open' ? requestLifeMs : 0))
    await this.#until(name, 'gone', deadline, async (found, reading) => {
      if (unlisted.heard(reading)) return true
      // MSK Connect refuses the end of what it is still making.
      if (found?.state === 'RUNNING' || found?.state === 'FAILED' || found?.state === 'PAUSED') await this.#api.delete(found.arn, deadline)
      return undefined
    })
  }

  /** Ends it, and forgets that it was declared. */
  async remove(name: string, deadline: Deadline): Promise<void> {
    await this.end(name, deadline)
    await this.#declarations.withdraw(this.named(name), deadline)
  }

  close(): void {
    this.#api.close()
  }

  /** A request to make it that may be repeated: the declaration says so before the first one, and what came of it behind each answer. */
  #asking(name: string, declared: Declared): (deadline: Deadline) => Promise<undefined> {
    const configuration = configurationFor(this.#worker.request, declared.topics)
    let asked = declared.asked
    let isMade = false
    return async (deadline) => {
      if (isMade) return undefined // the list is late
      const before = asked
      if (before !== 'open') await this.#mark(name, declared, 'open', deadline)
      asked = 'open'
      try {
        await this.#api.create(this.named(name), this.#worker.request, configuration, deadline)
        isMade = true
        asked = before === 'open' ? 'open' : 'answered'
      } catch (thrown) {
        // Who was told to stop has heard no answer, whatever that order is called.
        if (!(thrown instanceof KbgError) || thrown.code === 'outcome-unknown' || deadline.cancelled?.aborted) throw thrown
        const isThere = thrown.code === 'connector-exists' // one of that name that isn't listed: it is being made, or ended
        asked = isThere && before === 'never' ? 'answered' : before
        if (!isThere) throw thrown
      } finally {
        if (asked !== 'open') await this.#mark(name, declared, asked, deadline)
      }
      return undefined
    }
  }

  async #noted(name: string, declared: Declared, deadline: Deadline): Promise<Declared> {
    if (declared.asked !== 'never' || (await this.#find(name, deadline)) === undefined) return declared
    await this.#mark(name, declared, 'answered', deadline)
    return { ...declared, asked: 'answered' }
  }

  #mark(name: string, { topics }: Declared, asked: Declared['asked'], deadline: Deadline): Promise<void> {
    return this.#declarations.declare(this.named(name), { topics, asked }, deadline)
  }

  async #declared(name: string, deadline: Deadline): Promise<Declared | undefined> {
    return (await this.#declarations.declared(deadline)).get(this.named(name))
  }

  async #find(name: string, deadline: Deadline): Promise<ListedConnector | undefined> {
    const real = this.named(name)
    return (await this.#api.list(real, deadline)).find((each) => each.name === real)
  }

  async #failed(name: string, { arn }: ListedConnector, deadline: Deadline): Promise<KbgError> {
    const { code, message } = (await this.#api.describe(arn, deadline))?.stateDescription ?? {}
    return new KbgError('connector-failed', `Connector ${name} failed.`, {
      facts: { observed: 'FAILED', required: 'RUNNING', code: code ?? 'none', said: message ?? 'nothing' },
      remedy: 'The log of its workers says more.',
    })
  }

  async #until<T>(
    name: string,
    wanted: string,
    deadline: Deadline,
    reached: (found: ListedConnector | undefined, reading: ListReading) => Promise<T | undefined>,
  ): Promise<T> {
    let last = 'unknown'
    try {
      return await deadline.poll(statePauseMs, async () => {
        try {
          const askedMs = deadline.clock.monotonicMs()
          const found = await this.#find(name, deadline)
          last = found?.state ?? 'not listed'
          return await reached(found, { askedMs, answeredMs: deadline.clock.monotonicMs(), isListed: found !== undefined })
        } catch (thrown) {
          if (!isRepeatable(thrown)) throw thrown
          last = messageOf(thrown) // one answer less in a wait of minutes
          return undefined
        }
      })
    } catch (error) {
      if (!(error instanceof KbgError) || error.code !== 'deadline') throw error
      throw new KbgError('connector-state', `Connector ${name} didn't become ${wanted} in time.`, {
        retriable: true,
        facts: { observed: last, required: wanted, waitedMs: Math.round(deadline.totalMs) },
        cause: error,
      })
    }
  }
}

/** A request of unknown outcome too: one name is one connector, and an ARN one end. */
export function isRepeatable(thrown: unknown): boolean {
  return thrown instanceof KbgError && thrown.code !== 'deadline' && (thrown.retriable || thrown.code === 'outcome-unknown')
}

/** MSK Connect's states as Connect's: what is being made or ended isn't stopped. */
const states: Readonly<Record<ConnectorState, ConnectorFacts['state']>> = {
  ...{ RUNNING: 'RUNNING', FAILED: 'FAILED', PAUSING: 'PAUSED', PAUSED: 'PAUSED', CREATING: 'UNASSIGNED', DELETING: 'UNASSIGNED' },
  ...{ RESUMING: 'RESTARTING', RESTARTING: 'RESTARTING', UPDATING: 'RESTARTING' },
}
