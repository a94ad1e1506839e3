/** A client of the simulated etcd with the part of etcd3's interface that the real route store is written for. */
import { CompareTarget, type Etcd3, type ICompare, type IKeyValue, type IRequestOp, type ITxnRequest } from 'etcd3'
import type { Actor } from './actor.ts'
import type { Comparison, FoundKey, StoreOperation, TransactionAnswer } from './etcd.ts'
import type { StoreChange } from './world.ts'

type Listener = (argument: never) => void

/** One watch of an actor: told of changes behind `revision`, some time after they happened. */
export interface StoreWatch {
  readonly actor: Actor
  readonly isWatched: (key: string) => boolean
  revision: number
  readonly tell: (changes: readonly StoreChange[]) => void
  readonly disconnect: () => void
}

/** etcd3's client over an actor's requests. */
export function etcdOf(actor: Actor): Etcd3 {
  const transact = async (request: ITxnRequest) => {
    const answer = await actor.call('etcd transaction', {
      compare: (request.compare ?? []).map(comparisonOf),
      success: (request.success ?? []).map(operationOf),
      failure: (request.failure ?? []).map(operationOf),
    })
    return {
      header: { revision: String(answer.revision) },
      succeeded: answer.succeeded,
      responses: answer.ranges.map((range) => ({ response_range: rangeOf(answer, range), response_delete_range: { prev_kvs: range.keys.map(keyValueOf) } })),
    }
  }
  const single = async (operation: IRequestOp) => await transact({ success: [operation] })
  return {
    kv: {
      txn: transact,
      range: async (range: NonNullable<IRequestOp['request_range']>) => (await single({ request_range: range })).responses[0]?.response_range,
      put: async (put: NonNullable<IRequestOp['request_put']>) => await single({ request_put: put }),
    },
    lease: (seconds: number) => leaseOf(actor, seconds),
    leaseClient: { leaseRevoke: async ({ ID }: { readonly ID: string }) => await actor.call('etcd revoke', { lease: ID }) },
    watch: () => watchOf(actor),
    close: () => undefined,
  } as unknown as Etcd3
}

function leaseOf(actor: Actor, seconds: number) {
  let id = ''
  return {
    grant: async () => {
      id = await actor.call('etcd grant', { seconds })
      return id
    },
    keepaliveOnce: async () => ({ TTL: (await actor.call('etcd keep alive', { lease: id })) ? String(seconds) : '0' }),
  }
}

/** etcd3's builder of a watch, as far as it is used. */
function watchOf(actor: Actor) {
  const listeners = new Map<string, Listener>()
  let isWatched = (_key: string) => false
  let revision = 0
  const builder = {
    key: (name: string) => {
      isWatched = (key) => key === name
      return builder
    },
    prefix: (start: string) => {
      isWatched = (key) => key.startsWith(start)
      return builder
    },
    startRevision: (start: string) => {
      revision = Number(start) - 1
      return builder
    },
    watcher: () => {
      const tell = (changes: readonly StoreChange[]) => {
        const events = changes.map(({ key, stored }) => ({ type: stored === null ? 'Delete' : 'Put', kv: keyValueOf({ key, ...(stored ?? gone) }) }))
        listeners.get('data')?.({ events } as never)
        for (const { type, kv } of events) listeners.get(type === 'Put' ? 'put' : 'delete')?.(kv as never)
      }
      const watch: StoreWatch = { actor, isWatched, revision, tell, disconnect: () => listeners.get('disconnected')?.(undefined as never) }
      actor.simulation.watches.add(watch)
      const watcher = {
        on: (event: string, listener: Listener) => {
          listeners.set(event, listener)
          return watcher
        },
        cancel: async () => void actor.simulation.watches.delete(watch),
      }
      return watcher
    },
  }
  return builder
}

const gone = { value: '', create: 0, mod: 0, lease: null }

function comparisonOf(compare: ICompare): Comparison {
  const key = text(compare.key)
  switch (compare.target) {
    case CompareTarget.Create:
      return { key, target: 'create', equals: String(compare.create_revision) }
    case CompareTarget.Mod:
      return { key, target: 'mod', equals: String(compare.mod_revision) }
    case CompareTarget.Value:
      return { key, target: 'value', equals: text(compare.value) }
    default:
      throw new Error(`a comparison that the simulation doesn't know: ${compare.target}`)
  }
}

function operationOf({ request_put, request_range, request_delete_range }: IRequestOp): StoreOperation {
  if (request_put)
    return { kind: 'put', key: text(request_put.key), value: text(request_put.value), lease: request_put.lease ? String(request_put.lease) : null }
  if (request_delete_range) return { kind: 'delete', key: text(request_delete_range.key), end: textOrNull(request_delete_range.range_end) }
  if (request_range) {
    const { key, range_end, limit = 0, revision } = request_range
    return { kind: 'range', key: text(key), end: textOrNull(range_end), limit: Number(limit), revision: revision ? Number(revision) : null }
  }
  throw new Error('an operation that the simulation does not know')
}

function rangeOf(answer: TransactionAnswer, { keys, more }: TransactionAnswer['ranges'][number]) {
  return { header: { revision: String(answer.revision) }, kvs: keys.map(keyValueOf), more, count: String(keys.length) }
}

function keyValueOf({ key, value, create, mod, lease }: FoundKey): IKeyValue {
  const texts = { create_revision: String(create), mod_revision: String(mod), version: '1', lease: lease ?? '0' }
  return { key: Buffer.from(key), value: Buffer.from(value), ...texts }
}

function text(bytes: Buffer | string | undefined): string {
  return bytes === undefined ? '' : bytes.toString('utf8')
}

function textOrNull(bytes: Buffer | undefined): string | null {
  return bytes === undefined ? null : bytes.toString('utf8')
}
