/** What happens in a simulated fleet by itself, as data: the agenda of a world. */
import type { Colour } from '../../../engine/model/colour.ts'
import type { TopicPartition } from '../../../engine/model/partition.ts'
import type { ClientRegistration, RouteDocument } from '../../../engine/model/route.ts'
import type { World } from './world.ts'

export type WorldEvent =
  // brokers
  | { readonly kind: 'replicate'; readonly colour: Colour; readonly partition: TopicPartition }
  | { readonly kind: 'learn'; readonly colour: Colour; readonly broker: number; readonly version: number }
  | { readonly kind: 'session-over'; readonly colour: Colour; readonly broker: number; readonly outage: number }
  | { readonly kind: 'broker-back'; readonly colour: Colour; readonly broker: number; readonly outage: number }
  | { readonly kind: 'follower-back'; readonly colour: Colour; readonly partition: TopicPartition }
  // the mirror
  | { readonly kind: 'copy' | 'copied' | 'connector'; readonly worker: Colour; readonly connector: string; readonly generation: number }
  // the store
  | { readonly kind: 'lease-end'; readonly lease: string }
  | { readonly kind: 'store-back' }
  | { readonly kind: 'register'; readonly registration: ClientRegistration }
  // clients
  | { readonly kind: 'news'; readonly clientId: string; readonly route: RouteDocument }
  | { readonly kind: 'read-again'; readonly clientId: string }
  | { readonly kind: 'produce-next' | 'pump'; readonly clientId: string }
  | { readonly kind: 'produce' | 'acknowledge'; readonly clientId: string; readonly partition: TopicPartition; readonly attempt: number }
  | { readonly kind: 'append-late'; readonly clientId: string; readonly partition: TopicPartition; readonly attempt: number }
  | { readonly kind: 'end-transaction'; readonly clientId: string; readonly name: string; readonly commit: boolean }
  | { readonly kind: 'consume' | 'left' | 'join'; readonly clientId: string }
  /** Time passes. */
  | { readonly kind: 'nothing' }
  /** A request of an orchestrator that lands after its sender has given it up. */
  | { readonly kind: 'land'; readonly operation: string; readonly args: unknown; readonly isLate: boolean }

/** Puts an event on the agenda. */
export function after(world: World, ms: number, event: WorldEvent): void {
  world.sequence += 1
  world.agenda.push({ atMs: world.nowMs + ms, sequence: world.sequence, event })
}

/** An operation got no answer: `refused` at once (nobody listens there), or `silence` because a process is paused, until when. */
export class Unanswered extends Error {
  readonly how: 'refused' | 'silence'
  /** When a paused process goes on, and the request is looked at; undefined: never. */
  readonly untilMs: number | undefined

  constructor(how: 'refused' | 'silence', untilMs?: number) {
    super(`no answer: ${how}`)
    this.how = how
    this.untilMs = untilMs
  }
}
