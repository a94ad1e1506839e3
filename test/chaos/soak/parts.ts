/** The processes of a pair: found by their pid files, signalled, and started again as a supervisor does. */
import { join } from 'node:path'
import { findNode } from '../../../engine/adapters/local/broker-process.ts'
import { startDeadBrokers } from '../../../engine/adapters/local/cluster.ts'
import { observeWorker, startDeadWorker } from '../../../engine/adapters/local/connect-worker.ts'
import { provisionRouteStore } from '../../../engine/adapters/local/etcd-process.ts'
import { observeGuardian } from '../../../engine/adapters/local/guardian-process.ts'
import { findProcess } from '../../../engine/adapters/local/process.ts'
import { colourDirectory, localAddresses, trafficDirectory } from '../../../engine/adapters/local/state.ts'
import type { Colour } from '../../../engine/model/colour.ts'
import type { Limits } from '../../../engine/model/limits.ts'
import { Deadline, systemClock } from '../../../engine/ports/clock.ts'
import { type Pair, startGuardians } from '../../support/pair.ts'

/** One process of a pair that can be met. */
export type Part =
  | { readonly kind: 'broker'; readonly colour: Colour; readonly nodeId: number }
  /** The worker that stands beside this colour and copies into it. */
  | { readonly kind: 'connect'; readonly colour: Colour }
  | { readonly kind: 'guardian'; readonly colour: Colour }
  | { readonly kind: 'etcd' }

export const within = (seconds: number, what = 'the soak'): Deadline => new Deadline(systemClock, seconds * 1_000, what)
const quiet = (): void => undefined
/** A JVM on a busy machine. */
const startSeconds = 90

export function partText(part: Part): string {
  switch (part.kind) {
    case 'broker':
      return `broker ${part.nodeId} of ${part.colour}`
    case 'connect':
      return `the worker beside ${part.colour}`
    case 'guardian':
      return `the guardian beside ${part.colour}`
    case 'etcd':
      return 'etcd'
  }
}

export class Parts {
  readonly #pair: Pair
  readonly #limits: Limits

  constructor(pair: Pair, limits: Limits) {
    this.#pair = pair
    this.#limits = limits
  }

  /** Its process id; null: it doesn't run. */
  pidOf(part: Part): number | null {
    const { root, wiring } = this.#pair
    const at = { projectRoot: root, fleet: wiring.fleet }
    switch (part.kind) {
      case 'broker':
        return findNode(colourDirectory(root, wiring.fleet, part.colour), part.nodeId)?.pid ?? null
      case 'connect':
        return observeWorker({ ...at, colour: part.colour }).pid
      case 'guardian':
        return observeGuardian(at, part.colour)?.pid ?? null
      case 'etcd':
        return findProcess(join(trafficDirectory(root, wiring.fleet), 'etcd', 'pid'))?.pid ?? null
    }
  }

  /** @throws Error when it doesn't run: a fault that meets nobody would be none */
  signal(part: Part, name: NodeJS.Signals): void {
    const pid = this.pidOf(part)
    if (pid === null) throw new Error(`${partText(part)} doesn't run`)
    process.kill(pid, name)
  }

  /** Ends it like a power failure, and waits until it is gone. */
  async kill(part: Part): Promise<void> {
    this.signal(part, 'SIGKILL')
    await this.gone(part)
  }

  /** Waits until it has ended. */
  async gone(part: Part): Promise<void> {
    await within(60, `${partText(part)} to end`).poll(5, async () => (this.pidOf(part) === null ? true : undefined))
  }

  /** Starts it again if it has ended, and waits until it serves. */
  async start(part: Part): Promise<void> {
    const { root, wiring } = this.#pair
    const { fleet } = wiring
    switch (part.kind) {
      case 'broker':
        await startDeadBrokers(root, fleet, part.colour, quiet, within(startSeconds, `${partText(part)} to start`))
        return
      case 'connect':
        return await startDeadWorker({ projectRoot: root, fleet, colour: part.colour }, quiet, within(startSeconds, `${partText(part)} to start`))
      case 'guardian':
        return await startGuardians(root, wiring, this.#limits)
      case 'etcd':
        await provisionRouteStore(
          { projectRoot: root, fleet, subnets: process.platform === 'linux' },
          systemClock,
          quiet,
          within(startSeconds, 'etcd to start'),
        )
        return
    }
  }

  /** Every broker's node id of a colour. */
  nodeIds(colour: Colour): readonly number[] {
    return localAddresses(this.#pair.wiring.fleet)[colour].nodes.map(({ nodeId }) => nodeId)
  }

  /** Where a part, or a whole colour, sends from: hosts of the fleet's own loopback subnets. */
  hostsOf(of: Part | { readonly kind: 'colour'; readonly colour: Colour }): readonly string[] {
    const addresses = localAddresses(this.#pair.wiring.fleet)
    switch (of.kind) {
      case 'broker':
        return addresses[of.colour].nodes.filter(({ nodeId }) => nodeId === of.nodeId).map(({ internal }) => internal.host)
      case 'connect':
        return [addresses[of.colour].connectRest.host]
      case 'etcd':
        return [addresses.etcd.client.host]
      case 'colour':
        return [subnetOf(addresses[of.colour].nodes[0]?.internal.host ?? '')]
      case 'guardian':
        return [] // it listens nowhere
    }
  }
}

/** The /24 that a host is in. */
function subnetOf(host: string): string {
  return `${host.split('.').slice(0, 3).join('.')}.0/24`
}
