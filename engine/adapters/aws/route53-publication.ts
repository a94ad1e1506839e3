/** The route as TXT records of a private zone of Route 53. */
import { type Change, ChangeResourceRecordSetsCommand, ListResourceRecordSetsCommand, type ResourceRecordSet, Route53Client } from '@aws-sdk/client-route-53'
import { KbgError } from '../../model/error.ts'
import type { RouteDocument } from '../../model/route.ts'
import { routeNameTtlSeconds } from '../../model/route-names.ts'
import type { RouteNamesZone } from '../../model/route-publication.ts'
import type { Deadline } from '../../ports/clock.ts'
import type { Published, RoutePublication } from '../../ports/route-publication.ts'
import { ask, awsTransport } from './calls.ts'

/** By full name: the texts that it answers. */
export type NamesOf = (route: RouteDocument) => ReadonlyMap<string, readonly string[]>

/** Connects when it is first needed. @param namesOf what is to be answered for a route */
export function route53Publication(at: RouteNamesZone, namesOf: NamesOf, client = new Route53Client({ region: at.region, ...awsTransport })): RoutePublication {
  return new Route53Publication(client, at, namesOf)
}

class Route53Publication implements RoutePublication {
  readonly place: string
  readonly #client: Route53Client
  readonly #at: RouteNamesZone
  readonly #namesOf: NamesOf

  constructor(client: Route53Client, at: RouteNamesZone, namesOf: NamesOf) {
    this.place = `the zone ${at.zone}`
    this.#client = client
    this.#at = at
    this.#namesOf = namesOf
  }

  async epoch(deadline: Deadline): Promise<number> {
    return epochOf(await this.#own(deadline))
  }

  /**
   * A batch of changes is made as a whole or not at all, and a DELETE has to name exactly what stands there: so taking the old records away and making the new ones in one batch is a compare-and-set. Whoever loses looks again.
   */
  async publish(route: RouteDocument, deadline: Deadline): Promise<Published> {
    const names = this.#namesOf(route)
    for (;;) {
      const standing = await this.#own(deadline)
      const epoch = epochOf(standing)
      if (epoch >= route.epoch) return epoch === route.epoch ? 'there' : 'ahead'
      try {
        await this.#change(changes(standing, names), deadline)
        return 'published'
      } catch (thrown) {
        if (!(thrown instanceof KbgError) || thrown.facts.said !== 'InvalidChangeBatch' || deadline.over) throw thrown
        if (sameRecords(standing, await this.#own(deadline))) throw thrown // nobody was faster: it is refused for what it is
      }
    }
  }

  refuseUnfit(route: RouteDocument): void {
    this.#namesOf(route)
  }

  close(): void {
    this.#client.destroy()
  }

  /** The zone's records that tell a route. */
  async #own(deadline: Deadline): Promise<readonly ResourceRecordSet[]> {
    const command = new ListResourceRecordSetsCommand({ HostedZoneId: this.#at.zoneId })
    const answer = await ask(this.place, deadline, ['NoSuchHostedZone'], (abortSignal) => this.#client.send(command, { abortSignal }))
    if (answer.IsTruncated === true) {
      throw new KbgError('publication-foreign', `${this.place} holds more than one answer's records.`, { remedy: 'Give the route a zone of its own.' })
    }
    return (answer.ResourceRecordSets ?? []).filter((records) => records.Type === 'TXT' && textsOf(records).some((text) => text.startsWith('epoch=')))
  }

  async #change(wanted: Change[], deadline: Deadline): Promise<void> {
    const command = new ChangeResourceRecordSetsCommand({ HostedZoneId: this.#at.zoneId, ChangeBatch: { Changes: wanted } })
    await ask(this.place, deadline, ['NoSuchHostedZone'], (abortSignal) => this.#client.send(command, { abortSignal }))
  }
}

/** Everything that stands is taken away, so that the name of a wave that is no more goes too. */
function changes(standing: readonly ResourceRecordSet[], names: ReadonlyMap<string, readonly string[]>): Change[] {
  const gone = standing.map((ResourceRecordSet): Change => ({ Action: 'DELETE', ResourceRecordSet }))
  const made = [...names].map(([name, texts]): Change => {
    const ResourceRecords = texts.map((text) => ({ Value: `"${text}"` }))
    return { Action: 'CREATE', ResourceRecordSet: { Name: name, Type: 'TXT', TTL: routeNameTtlSeconds, ResourceRecords } }
  })
  return [...gone, ...made]
}

/** The newest: a batch writes all of them, so they differ only where somebody else wrote one by hand. */
function epochOf(records: readonly ResourceRecordSet[]): number {
  const told = records.flatMap((each) => textsOf(each).flatMap((text) => /^epoch=(\d{1,15})$/.exec(text)?.[1] ?? []))
  return Math.max(0, ...told.map(Number))
}

function textsOf({ ResourceRecords = [] }: ResourceRecordSet): readonly string[] {
  return ResourceRecords.map(({ Value = '' }) => Value.replace(/^"|"$/g, ''))
}

function sameRecords(a: readonly ResourceRecordSet[], b: readonly ResourceRecordSet[]): boolean {
  return JSON.stringify(a) === JSON.stringify(b)
}
