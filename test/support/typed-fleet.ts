/** A fleet of the embedded platform whose commands a test types in a copy of the checkout, and what the test does behind their backs. */
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { EtcdConnection } from '../../engine/adapters/etcd/etcd-connection.ts'
import { readCredentials } from '../../engine/adapters/local/credentials.ts'
import { findProcess } from '../../engine/adapters/local/process.ts'
import { colourDirectory, credentialsPath } from '../../engine/adapters/local/state.ts'
import type { Colour } from '../../engine/model/colour.ts'
import type { Limits } from '../../engine/model/limits.ts'
import { type ClientRegistration, type RouteDocument, routeKeys } from '../../engine/model/route.ts'
import { Wiring } from '../../engine/model/wiring.ts'
import { Deadline, systemClock } from '../../engine/ports/clock.ts'
import { sampleLag } from '../../engine/run/lag.ts'
import { type Ports, withPorts } from '../../engine/run/ports.ts'
import { mirrorRecord } from '../../engine/switchover/journal-reading.ts'
import { Checkout } from './checkout.ts'
import { isPrivate, leakedSecrets } from './leaked-secrets.ts'
import { endLocalFleet } from './local-fleet.ts'

/** The fleet of the checkout's own stack files. */
export const fleet = 'main'
export const upTraffic = 'npx pulumi up --skip-preview -s traffic'
export const switchoverUrn = "'urn:pulumi:traffic::kafka-blue-green::kbg:traffic:Traffic$kbg:index:Switchover::traffic-switchover'"
export const within = (seconds: number) => new Deadline(systemClock, seconds * 1_000, 'the test')

/** A routed producer as the store sees it, which never acknowledges anything. */
export function deafProducer(ackedEpoch: number): ClientRegistration {
  const identity = { clientId: 'deaf', instanceId: 'deaf-1', kind: 'producer', groupId: null, transactionalId: null, software: 'a test' } as const
  return { version: 1, ...identity, ackedEpoch, state: 'running', colour: 'blue' }
}

export class TypedFleet {
  readonly copy: Checkout
  #wiring: Wiring | undefined
  #ended = false

  constructor(name: string) {
    this.copy = new Checkout(name)
  }

  /** What the stacks are wired to. */
  get wiring(): Wiring {
    if (this.#wiring === undefined) throw new Error('the three stacks did not come up, so this was not tested')
    return this.#wiring
  }

  /** Once the three stacks are up. */
  async learnWiring(): Promise<void> {
    this.#wiring = Wiring.parse(JSON.parse((await this.copy.run('npx pulumi stack output wiring --json -s traffic')).stdout))
  }

  async withPorts<T>(work: (ports: Ports) => Promise<T>): Promise<T> {
    return await withPorts(this.wiring, systemClock, work)
  }

  async route(): Promise<RouteDocument | null> {
    return await this.withPorts(async (ports) => (await ports.store.read(within(10))).route)
  }

  /** Something is done to the store by hand, as with `etcdctl`. */
  async inStore(work: (etcd: EtcdConnection['etcd']) => unknown): Promise<void> {
    const connection = new EtcdConnection(this.wiring.routeStore)
    try {
      await within(10).race(Promise.resolve(work(connection.etcd)))
    } finally {
      connection.close()
    }
  }

  async register(client: ClientRegistration): Promise<void> {
    await this.inStore((etcd) => etcd.put(routeKeys(fleet).client(client.instanceId)).value(JSON.stringify(client)))
  }

  async unregister({ instanceId }: ClientRegistration): Promise<void> {
    await this.inStore((etcd) => etcd.delete().key(routeKeys(fleet).client(instanceId)))
  }

  /** Waits until the route is as asked for. Polled every 20 ms: what is waited for lasts hundreds. */
  async untilRoute(state: string, live: Colour): Promise<void> {
    await this.withPorts((ports) =>
      within(120).poll(20, async () => {
        const seen = (await ports.store.read(within(10))).route
        return seen?.state === state && seen.live === live ? true : undefined
      }),
    )
  }

  /** A mirror whose worker has just lost its colour needs a moment: the gate would refuse rightly. */
  async untilMirrored(source: Colour, target: Colour): Promise<void> {
    await this.withPorts((ports) =>
      within(90).poll(500, async () => {
        const connector = mirrorRecord((await ports.store.read(within(10))).journal, source)?.connector ?? ''
        const subject = {
          clock: systemClock,
          source: ports.clusters[source],
          target: ports.clusters[target],
          mirror: ports.mirrors[source],
          topics: this.wiring.topics,
        }
        const facts = await ports.mirrors[source].facts(connector, within(10))
        if (facts.state !== 'RUNNING' || facts.tasks.some((task) => task.state !== 'RUNNING')) return undefined
        return (await sampleLag({ ...subject, connector }, 2_000)).kind === 'caught-up' ? true : undefined
      }),
    )
  }

  /** Other bounds for the traffic stack, until the returned function is called. */
  setLimits(limits: Partial<Limits>): () => void {
    const file = join(this.copy.root, 'Pulumi.traffic.yaml')
    const config = readFileSync(file, 'utf8')
    const line = `  kafka-blue-green:limits: '${JSON.stringify(limits)}'\n`
    writeFileSync(file, config.replace('config:\n', `config:\n${line}`))
    return () => writeFileSync(file, readFileSync(file, 'utf8').replace(line, ''))
  }

  signalBrokers(colour: Colour, name: NodeJS.Signals): void {
    for (const id of colour === 'blue' ? [1, 2, 3] : [11, 12, 13]) {
      const found = findProcess(join(colourDirectory(this.copy.root, fleet, colour), `node-${id}`, 'pid'))
      if (!found) throw new Error(`broker ${id} of ${colour} does not run`)
      process.kill(found.pid, name)
    }
  }

  /**
   * Where a password stands and shouldn't: in a state, a log, an argument, a connector, the journal, a report, or in what a command said; or in a file that others may read. None at all is told too: then the search is broken.
   */
  passwordsOutOfPlace(): readonly string[] {
    const { passwords } = readCredentials(credentialsPath(this.copy.root, fleet))
    const found = leakedSecrets(this.copy.root, passwords)
    const mayHold = /(^|\/)(credentials\.json|server\.properties|rest-users\.properties|secrets\/logins\.properties)$/
    const said = this.copy.commands.filter(({ output }) => Object.values(passwords).some((password) => output.includes(password)))
    const users = new Set(found.map(({ user }) => user))
    return [
      ...found.filter(({ where }) => !mayHold.test(where)).map(({ where, user }) => `${where} holds that of ${user}`),
      ...found.filter(({ where }) => mayHold.test(where) && !isPrivate(join(this.copy.root, where))).map(({ where }) => `${where} is not private`),
      ...said.map(({ command }) => `${command} has told one`),
      ...[...Object.keys(passwords), 'operator', 'mirror', 'orders-app'].filter((user) => !users.has(user)).map((user) => `that of ${user} stands nowhere`),
    ]
  }

  /** Ends every process that was left. @returns what had to be ended */
  async end(): Promise<readonly string[]> {
    const left = await endLocalFleet(this.copy.root, fleet)
    this.#ended = true
    return left
  }

  /** Whatever happened: no process of the fleet is left, and no file. */
  async remove(): Promise<void> {
    if (!this.#ended) await this.end()
    await this.copy.remove()
  }
}
