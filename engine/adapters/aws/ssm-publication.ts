/** The route in a parameter of AWS Systems Manager. */
import { GetParameterCommand, PutParameterCommand, SSMClient } from '@aws-sdk/client-ssm'
import { KbgError } from '../../model/error.ts'
import type { RouteDocument } from '../../model/route.ts'
import { publishedRoute, publishedText, type RouteParameter, refuseTooLarge } from '../../model/route-publication.ts'
import type { Deadline } from '../../ports/clock.ts'
import type { Published, RoutePublication } from '../../ports/route-publication.ts'
import { ask, awsTransport } from './calls.ts'

/** What a version of the parameter holds; `route` is null where it is none. */
interface Held {
  readonly version: number
  readonly route: RouteDocument | null
}

/** Connects when it is first needed. @param client a test may look at its calls */
export function ssmPublication({ region, name }: RouteParameter, fleet: string, client = new SSMClient({ region, ...awsTransport })): RoutePublication {
  return new SsmPublication(client, name, fleet)
}

class SsmPublication implements RoutePublication {
  readonly place: string
  readonly #client: SSMClient
  readonly #name: string
  readonly #fleet: string

  constructor(client: SSMClient, name: string, fleet: string) {
    this.place = `the parameter ${name}`
    this.#client = client
    this.#name = name
    this.#fleet = fleet
  }

  async epoch(deadline: Deadline): Promise<number> {
    const { text } = await this.#get(this.#name, deadline)
    return publishedRoute(text, this.#fleet, this.place)?.epoch ?? 0
  }

  /**
   * SSM has no compare-and-set: whoever reads epoch 4 and is slow may put his 5 over a 6 that was put meanwhile. So it is act, verify, undo: the version that his write got tells whether somebody wrote in between, what
   * those wrote is kept under its version, and the newest of it is put back. Between the two writes a client that starts just then is told the older epoch; one that has seen the newer ignores it. Whoever ends in between
   * leaves it to the guardians.
   */
  async publish(route: RouteDocument, deadline: Deadline): Promise<Published> {
    this.refuseUnfit(route)
    let before = await this.#held(this.#name, deadline)
    if (before.route !== null && before.route.epoch >= route.epoch) return before.route.epoch === route.epoch ? 'there' : 'ahead'
    for (let own = route; ; ) {
      const version = await this.#put(publishedText(own), deadline)
      const newer = await this.#newestOf(before.version + 1, version - 1, own.epoch, deadline)
      if (newer === null) return own === route ? 'published' : 'ahead'
      own = newer
      before = { version, route: null }
    }
  }

  refuseUnfit(route: RouteDocument): void {
    refuseTooLarge(publishedText(route), this.place)
  }

  close(): void {
    this.#client.destroy()
  }

  /** The newest route beyond `epoch` in these versions; null: none. */
  async #newestOf(first: number, last: number, epoch: number, deadline: Deadline): Promise<RouteDocument | null> {
    let newest: RouteDocument | null = null
    for (let version = first; version <= last; version += 1) {
      const { route } = await this.#held(`${this.#name}:${version}`, deadline)
      if (route !== null && route.epoch > (newest?.epoch ?? epoch)) newest = route
    }
    return newest
  }

  /** What isn't a route is none, so that a publication puts it right; another fleet's is refused. */
  async #held(nameAndVersion: string, deadline: Deadline): Promise<Held> {
    const { version, text } = await this.#get(nameAndVersion, deadline)
    try {
      return { version, route: publishedRoute(text, this.#fleet, this.place) }
    } catch (thrown) {
      if (thrown instanceof KbgError && thrown.code === 'publication-corrupt') return { version, route: null }
      throw thrown
    }
  }

  async #get(nameAndVersion: string, deadline: Deadline): Promise<{ readonly version: number; readonly text: string }> {
    const command = new GetParameterCommand({ Name: nameAndVersion })
    const { Parameter } = await ask(this.place, deadline, ['ParameterNotFound'], (abortSignal) => this.#client.send(command, { abortSignal }))
    return { version: Parameter?.Version ?? 0, text: Parameter?.Value ?? '' }
  }

  async #put(text: string, deadline: Deadline): Promise<number> {
    const command = new PutParameterCommand({ Name: this.#name, Value: text, Overwrite: true })
    const { Version } = await ask(this.place, deadline, [], (abortSignal) => this.#client.send(command, { abortSignal }))
    return Version ?? 0
  }
}
