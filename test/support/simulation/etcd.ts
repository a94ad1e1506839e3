/** etcd: keys with their revisions, transactions that compare, leases, and what watchers are told. */
import { type RouteDocument, routeKeys } from '../../../engine/model/route.ts'
import { spreadNews } from './clients.ts'
import { after, Unanswered } from './events.ts'
import { fleet } from './names.ts'
import type { StoredKey, World } from './world.ts'

/** One comparison of a transaction. */
export interface Comparison {
  readonly key: string
  readonly target: 'create' | 'mod' | 'value'
  readonly equals: string
}

export type StoreOperation =
  | { readonly kind: 'put'; readonly key: string; readonly value: string; readonly lease: string | null }
  | { readonly kind: 'range'; readonly key: string; readonly end: string | null; readonly limit: number; readonly revision: number | null }
  | { readonly kind: 'delete'; readonly key: string; readonly end: string | null }

export interface FoundKey extends StoredKey {
  readonly key: string
}

export interface TransactionAnswer {
  readonly revision: number
  readonly succeeded: boolean
  /** What was found by each range, and removed by each deletion. */
  readonly ranges: readonly { readonly keys: readonly FoundKey[]; readonly more: boolean }[]
}

function present(world: World): void {
  if (world.etcd.isAway) throw new Unanswered('refused')
}

export function newEtcd(): World['etcd'] {
  return { revision: 1, keys: {}, leases: {}, changes: [], isAway: false }
}

export function put(world: World, key: string, value: string, lease: string | null): void {
  const { etcd } = world
  etcd.revision += 1
  write(world, key, value, lease)
}

function write(world: World, key: string, value: string, lease: string | null): void {
  const { etcd } = world
  const stored: StoredKey = { value, create: etcd.keys[key]?.create ?? etcd.revision, mod: etcd.revision, lease }
  etcd.keys[key] = stored
  etcd.changes.push({ revision: etcd.revision, key, stored })
  if (key === routeKeys(fleet).route) spreadNews(world, JSON.parse(value) as RouteDocument)
}

function remove(world: World, key: string): void {
  delete world.etcd.keys[key]
  world.etcd.changes.push({ revision: world.etcd.revision, key, stored: null })
}

function isWithin(key: string, from: string, end: string | null): boolean {
  return end === null ? key === from : key >= from && key < end
}

function perform(world: World, operation: StoreOperation): TransactionAnswer['ranges'] {
  const { etcd } = world
  switch (operation.kind) {
    case 'put':
      write(world, operation.key, operation.value, operation.lease)
      return []
    case 'delete': {
      const gone = Object.entries(etcd.keys).filter(([key]) => isWithin(key, operation.key, operation.end))
      for (const [key] of gone) remove(world, key)
      return [{ keys: gone.map(([key, stored]) => ({ key, ...stored })), more: false }]
    }
    case 'range': {
      const { revision } = operation
      const all = Object.entries(etcd.keys)
        .filter(([key, { mod }]) => isWithin(key, operation.key, operation.end) && (revision === null || mod <= revision))
        .map(([key, stored]) => ({ key, ...stored }))
        .sort((a, b) => (a.key < b.key ? -1 : 1))
      const keys = operation.limit > 0 ? all.slice(0, operation.limit) : all
      return [{ keys, more: keys.length < all.length }]
    }
  }
}

function holds(world: World, { key, target, equals }: Comparison): boolean {
  const stored = world.etcd.keys[key]
  if (target === 'value') return stored?.value === equals
  return String(stored === undefined ? 0 : target === 'create' ? stored.create : stored.mod) === equals
}

/** What an orchestrator asks of etcd. @throws Unanswered while it is away */
export const etcdOperations = {
  'etcd transaction': (
    world: World,
    request: { readonly compare: readonly Comparison[]; readonly success: readonly StoreOperation[]; readonly failure: readonly StoreOperation[] },
  ): TransactionAnswer => {
    present(world)
    const lost = request.success.find((operation) => operation.kind === 'put' && operation.lease !== null && world.etcd.leases[operation.lease] === undefined)
    if (lost !== undefined) throw new Error('etcdserver: requested lease not found')
    const succeeded = request.compare.every((comparison) => holds(world, comparison))
    const operations = succeeded ? request.success : request.failure
    if (operations.some(({ kind }) => kind !== 'range')) world.etcd.revision += 1
    return { revision: world.etcd.revision, succeeded, ranges: operations.flatMap((operation) => perform(world, operation)) }
  },
  'etcd grant': (world: World, { seconds }: { readonly seconds: number }): string => {
    present(world)
    const lease = `lease-${world.sequence}`
    world.sequence += 1
    world.etcd.leases[lease] = { ttlMs: seconds * 1_000, endsAtMs: world.nowMs + seconds * 1_000 }
    after(world, seconds * 1_000, { kind: 'lease-end', lease })
    return lease
  },
  'etcd keep alive': (world: World, { lease }: { readonly lease: string }): boolean => {
    present(world)
    const kept = world.etcd.leases[lease]
    if (kept === undefined) return false
    kept.endsAtMs = world.nowMs + kept.ttlMs
    after(world, kept.ttlMs, { kind: 'lease-end', lease })
    return true
  },
  'etcd revoke': (world: World, { lease }: { readonly lease: string }): void => {
    present(world)
    endLease(world, lease)
  },
} as const

/** A lease that is over takes its keys with it. */
function endLease(world: World, lease: string): void {
  const { etcd } = world
  delete etcd.leases[lease]
  const keys = Object.entries(etcd.keys).flatMap(([key, stored]) => (stored.lease === lease ? [key] : []))
  if (keys.length === 0) return
  etcd.revision += 1
  for (const key of keys) remove(world, key)
}

/** etcd ends no lease while it is away; it gives all of them their time again when it is back. */
export function leaseEnds(world: World, lease: string): void {
  const kept = world.etcd.leases[lease]
  if (kept === undefined || kept.endsAtMs > world.nowMs) return
  if (world.etcd.isAway) after(world, kept.ttlMs, { kind: 'lease-end', lease })
  else endLease(world, lease)
}

export function takeStoreAway(world: World, ms: number): void {
  world.history.isFaulty = true
  world.etcd.isAway = true
  after(world, ms, { kind: 'store-back' })
}
