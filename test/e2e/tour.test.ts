/**
 * The tour of README.md, typed line by line as it stands there, in a copy of the checkout; and, between its lines, what people do wrong or what happens to
 * them: wrong values, two updates at once, a damaged or missing route, a lost state, ^C, a colour that is away. Each is one clear error, with traffic where it was.
 */
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import { JournaledSwitchover } from '../../cli/report/journaled.ts'
import { EtcdConnection } from '../../engine/adapters/etcd/etcd-connection.ts'
import { readCredentials } from '../../engine/adapters/local/credentials.ts'
import { observeGuardian } from '../../engine/adapters/local/guardian-process.ts'
import { findProcess } from '../../engine/adapters/local/process.ts'
import { colourDirectory, credentialsPath, fleetDirectory } from '../../engine/adapters/local/state.ts'
import type { Colour } from '../../engine/model/colour.ts'
import { Limits } from '../../engine/model/limits.ts'
import { type ClientRegistration, routeKeys } from '../../engine/model/route.ts'
import { Wiring } from '../../engine/model/wiring.ts'
import { Deadline, systemClock } from '../../engine/ports/clock.ts'
import { sampleLag } from '../../engine/run/lag.ts'
import { closePorts, connectPorts, type Ports, withPorts } from '../../engine/run/ports.ts'
import { moveLive } from '../../engine/run/switchover.ts'
import { mirrorRecord } from '../../engine/switchover/journal-reading.ts'
import { Checkout } from '../support/checkout.ts'
import { readmeCommands, tourAlsoRuns, tourSections } from '../support/docs-commands.ts'
import { isPrivate, leakedSecrets } from '../support/leaked-secrets.ts'
import { endLocalFleet } from '../support/local-fleet.ts'

vi.setConfig({ testTimeout: 240_000 })
const fleet = 'main'
const switchoverUrn = "'urn:pulumi:traffic::kafka-blue-green::kbg:traffic:Traffic$kbg:index:Switchover::traffic-switchover'"
const upTraffic = 'npx pulumi up --skip-preview -s traffic'
const tour = [...readmeCommands(tourSections.tour)]

let copy: Checkout
let known: Wiring | undefined
let ended = false

const within = (seconds: number) => new Deadline(systemClock, seconds * 1_000, 'the test')
/** What the stacks are wired to. */
function wiring(): Wiring {
  if (known === undefined) throw new Error('the three stacks did not come up, so this was not tested')
  return known
}
const withFleet = <T>(work: (ports: Ports) => Promise<T>) => withPorts(wiring(), systemClock, work)
const route = () => withFleet(async (ports) => (await ports.store.read(within(10))).route)

/** Types the tour's next line, which has to be this one. */
async function nextOfTour(command: string): Promise<{ readonly output: string }> {
  expect(tour.shift()).toBe(command)
  return await copy.run(command, 180)
}

/** Something is done to the store by hand, as with `etcdctl`. */
async function inStore(work: (etcd: EtcdConnection['etcd']) => unknown): Promise<void> {
  const connection = new EtcdConnection(wiring().routeStore)
  try {
    await within(10).race(Promise.resolve(work(connection.etcd)))
  } finally {
    connection.close()
  }
}

/** A routed producer as the store sees it, which never acknowledges anything. */
function deafProducer(ackedEpoch: number): ClientRegistration {
  const identity = { clientId: 'deaf', instanceId: 'deaf-1', kind: 'producer', groupId: null, transactionalId: null, software: 'a test' } as const
  return { version: 1, ...identity, ackedEpoch, state: 'running', colour: 'blue' }
}
const register = (client: ClientRegistration) => inStore((etcd) => etcd.put(routeKeys(fleet).client(client.instanceId)).value(JSON.stringify(client)))
const unregister = () => inStore((etcd) => etcd.delete().key(routeKeys(fleet).client(deafProducer(0).instanceId)))

/** Waits until the route is as asked for. Polled every 20 ms: what is waited for lasts hundreds. */
async function untilRoute(state: string, live: Colour): Promise<void> {
  await withFleet((ports) =>
    within(120).poll(20, async () => {
      const seen = (await ports.store.read(within(10))).route
      return seen?.state === state && seen.live === live ? true : undefined
    }),
  )
}

/** A mirror whose worker has just lost its colour needs a moment: the gate would refuse rightly. */
async function untilMirrored(source: Colour, target: Colour): Promise<void> {
  await withFleet((ports) =>
    within(90).poll(500, async () => {
      const connector = mirrorRecord((await ports.store.read(within(10))).journal, source)?.connector ?? ''
      const subject = {
        clock: systemClock,
        source: ports.clusters[source],
        target: ports.clusters[target],
        mirror: ports.mirrors[source],
        topics: wiring().topics,
      }
      const facts = await ports.mirrors[source].facts(connector, within(10))
      if (facts.state !== 'RUNNING' || facts.tasks.some((task) => task.state !== 'RUNNING')) return undefined
      return (await sampleLag({ ...subject, connector }, 2_000)).kind === 'caught-up' ? true : undefined
    }),
  )
}

/** Other bounds for the traffic stack, until the returned function is called. */
function setLimits(limits: Partial<Limits>): () => void {
  const file = join(copy.root, 'Pulumi.traffic.yaml')
  const config = readFileSync(file, 'utf8')
  const line = `  kafka-blue-green:limits: '${JSON.stringify(limits)}'\n`
  writeFileSync(file, config.replace('config:\n', `config:\n${line}`))
  return () => writeFileSync(file, readFileSync(file, 'utf8').replace(line, ''))
}

function signalBrokers(colour: Colour, name: NodeJS.Signals): void {
  for (const id of colour === 'blue' ? [1, 2, 3] : [11, 12, 13]) {
    const found = findProcess(join(colourDirectory(copy.root, fleet, colour), `node-${id}`, 'pid'))
    if (!found) throw new Error(`broker ${id} of ${colour} does not run`)
    process.kill(found.pid, name)
  }
}

beforeAll(() => {
  copy = new Checkout('tour')
})

afterAll(async () => {
  // Whatever happened: no process of the fleet is left, and no file.
  if (!ended) await endLocalFleet(copy.root, fleet)
  await copy.remove()
}, 180_000)

describe('the tour, and what may go wrong on the way', () => {
  test('set-up finds what is there; init makes backend, passphrase and stacks', async () => {
    await nextOfTour('npm run setup')
    expect((await copy.run('npx kbg doctor')).output).not.toContain('MISSING')
    expect((await nextOfTour('npx kbg init')).output).toContain('+ stack traffic')
  })

  test('wrong values are named all at once, with what is allowed, before anything is made', async () => {
    const file = join(copy.root, 'Pulumi.traffic.yaml')
    const good = readFileSync(file, 'utf8')
    const wrong = { live: 'purple', lives: 'green', kafkaVersion: '4.3.1', limits: '{"lagSamples": 0, "lagSample": 3}' }
    const lines = Object.entries(wrong).map(([key, value]) => `  kafka-blue-green:${key}: '${value}'`)
    writeFileSync(file, `${good.replace(/^ {2}kafka-blue-green:live:.*\n/m, '')}\n`.replace('config:\n', `config:\n${lines.join('\n')}\n`))
    const { output } = await copy.refused('npx pulumi preview -s traffic')
    writeFileSync(file, good)
    expect(output).toMatch(/config: The configuration of the stack traffic has 5 problems:/)
    expect(output).toMatch(/live: "purple" is not allowed; allowed: blue or green/)
    expect(output).toMatch(/lives: unknown key; did you mean live\?/)
    expect(output).toMatch(/kafkaVersion: belongs to the stack blue or green/)
    expect(output).toMatch(/limits\.lagSamples: 0 is not allowed/)
    expect(output).toMatch(/limits\.lagSample: unknown key; did you mean lagSamples\?/)
  })

  test('an unknown topic and an unknown key of the catalog are both named, with their lines', async () => {
    const file = join(copy.root, 'catalog.yaml')
    const good = readFileSync(file, 'utf8')
    writeFileSync(file, good.replaceAll('resourceName: payments,', 'resourceName: paymnets,').replace('wave: 3', 'wave: 3, wvae: 1'))
    const { output } = await copy.refused('npx pulumi preview -s blue')
    writeFileSync(file, good)
    expect(output).toMatch(/catalog: The catalog .*catalog\.yaml has 5 problems:\s+- line \d+: acls\[2\]: no topic of the catalog is called paymnets;/)
    expect(output).toMatch(/there are: orders, payments, audit-log[\s\S]*- line \d+: groups\.ledger\.wvae: unknown key/)
  })

  test('the three stacks come up; blue is live', async () => {
    await nextOfTour('npx pulumi up -s blue')
    await nextOfTour('npx pulumi up -s green')
    await nextOfTour('npx pulumi up -s traffic')
    known = Wiring.parse(JSON.parse((await copy.run('npx pulumi stack output wiring --json -s traffic')).stdout))
    expect((await copy.run('npx pulumi stack output clients -s traffic')).output).toContain(wiring().routeStore.endpoints[0])
    expect(await route()).toMatchObject({ live: 'blue', state: 'open' })
    expect((await nextOfTour('npx kbg audit')).output).toMatch(/^EQUAL {2}0 records equal in 12 partitions/m)
  })

  test('kbg groups tells of the catalog’s groups, a reset of what is not there is refused, and groups can be named', async () => {
    expect((await copy.run('npx kbg groups')).output).toMatch(/^MOVABLE {2}4 groups, 2 left out by rule[\s\S]*archive +blue +- +- +not there/m)
    expect((await copy.refused('npx kbg groups --reset billing')).output).toMatch(/reset-refused: .*no such group on green/)
    await copy.run('npx pulumi config set --path unprovenGroups.billing stay -s traffic')
    await copy.run('npx pulumi config set --path unprovenGroups.billing redeliver -s traffic')
  })

  test('the preview shows the plan and moves nothing', async () => {
    const before = await route()
    await nextOfTour('npx pulumi config set live green -s traffic')
    const { output } = await nextOfTour('npx pulumi preview -s traffic --policy-pack policy')
    expect(output).toMatch(/Switchover blue -> green:[\s\S]* 8\. release[\s\S]*12\. finish/)
    // Every policy could judge, and found nothing.
    expect(output).toMatch(/Policies:\s+✅ kafka-blue-green@/)
    expect(await route()).toEqual(before)
  })

  test('while somebody else moves the fleet, a second update is refused: by Pulumi on the same stack, by the lock from any other', async () => {
    const before = await route()
    const restore = setLimits({ lagSamples: 20 }) // the first update is still asking its gate when the second one comes
    // What else is configured is the same: two stacks that disagree would restart the fleet's processes under each other.
    const config = readFileSync(join(copy.root, 'Pulumi.traffic.yaml'), 'utf8')
      .replace(/^encryptionsalt:.*\n/m, '')
      .replace(/^( {2}kafka-blue-green:live:).*$/m, '$1 blue')
    writeFileSync(
      join(copy.root, 'Pulumi.second.yaml'),
      config.replace('config:\n', 'config:\n  kafka-blue-green:fleet: main\n  kafka-blue-green:role: traffic\n'),
    )
    await copy.run('npx pulumi stack init second --no-select')
    const ports = await connectPorts(wiring(), systemClock)
    const lock = await ports.store.lock('ann at her desk', 10, within(10))
    try {
      const first = copy.start(upTraffic, 180)
      await within(60).poll(50, async () => (copy.hasPulumiLock('traffic') ? true : undefined))
      const [sameStack, otherStack, its] = await Promise.all([copy.refused(upTraffic), copy.refused('npx pulumi up --skip-preview -s second'), first.ended])
      expect(sameStack.output).toMatch(/the stack is currently locked by 1 lock/)
      for (const refused of [otherStack, its]) {
        expect(refused.exitCode).not.toBe(0)
        expect(refused.output).toMatch(/locked: Somebody else is moving the traffic of this fleet\..*holder: ann at her desk/)
      }
    } finally {
      restore()
      await lock.release()
      await closePorts(ports)
    }
    await copy.run('npx pulumi stack rm second --force --yes')
    expect(await route()).toEqual(before)
  })

  test('a killed update leaves a lock of Pulumi: kbg repair says so, and `pulumi cancel` ends it', async () => {
    const killed = copy.start(upTraffic, 120)
    await within(60).poll(20, async () => (copy.hasPulumiLock('traffic') ? true : undefined))
    killed.signal('SIGKILL')
    await killed.ended
    const { output } = await copy.run('npx kbg repair')
    expect(output).toMatch(/traffic was killed \(.*pid \d+\) and left Pulumi's lock\. Type: npx pulumi cancel -s traffic --yes/)
    expect(output).toMatch(/Nothing was left open, and the fences follow the route: blue is live/)
    await copy.run('npx pulumi cancel -s traffic --yes')
    expect(copy.hasPulumiLock('traffic')).toBe(false)
    expect((await copy.run('npx kbg repair')).output).not.toContain('pulumi cancel')
  })

  test('a route document that is damaged: status, preview and update say so, and nothing moves', async () => {
    const before = await route()
    const key = routeKeys(fleet).route
    await inStore((etcd) => etcd.put(key).value('{"version":1,"fleet":"main","epoch":"one"'))
    expect((await copy.refused('npx kbg status')).output).toMatch(/route-corrupt: .*can't be read.*\/kbg\/main\/route/)
    expect((await copy.start('npx pulumi preview -s traffic', 120).ended).output).toMatch(/route-corrupt/)
    // the update before had a gate that passed, and failed at the lock: its verdict is in the state, and yet this retry meets the gate
    expect((await copy.refused(upTraffic)).output).toMatch(/Resource \(traffic-gate\):\s+error: route-corrupt: The config store holds the route document/)
    await inStore((etcd) => etcd.put(key).value(JSON.stringify(before)))
    expect(await route()).toEqual(before)
  })

  test('a route document that is missing: nothing is moved; when the state is gone too, it is made again above every epoch', async () => {
    const before = await route()
    await inStore((etcd) => etcd.delete().key(routeKeys(fleet).route))
    expect((await copy.refused(upTraffic)).output).toMatch(/no-route: The route store holds no route of main/)
    await register(deafProducer(41))
    await copy.run('npx pulumi config set live blue -s traffic')
    await copy.run(`npx pulumi state delete ${switchoverUrn} -s traffic --yes`)
    await copy.run(upTraffic)
    const made = await route()
    expect(made).toMatchObject({ live: 'blue', state: 'open', colours: before?.colours })
    expect(made?.epoch).toBeGreaterThan(41)
    await unregister()
  })

  test('a lost state of the switchover: the next update adopts the route as it is', async () => {
    const before = await route()
    await copy.run(`npx pulumi state delete ${switchoverUrn} -s traffic --yes`)
    await copy.run(upTraffic)
    expect(await route()).toEqual(before)
  })

  test('^C before the decision takes everything back; kbg ack allows the next move', async () => {
    const before = await route()
    await register(deafProducer(before?.epoch ?? 0)) // keeps the hold waiting, so that ^C meets it
    await copy.run('npx pulumi config set live green -s traffic')
    const restore = setLimits({ holdDeadlineMs: 20_000 })
    const update = copy.start(upTraffic, 120)
    await untilRoute('held', 'blue')
    update.signal('SIGINT')
    const { exitCode, output } = await update.ended
    restore()
    expect(exitCode).not.toBe(0)
    expect(output).toMatch(/aborted: The switchover blue -> green was taken back: blue is live, nothing was lost\. Cause: cancelled/)
    expect(await route()).toMatchObject({ live: 'blue', state: 'open', target: null, latch: { attempt: 0, reason: 'cancelled' } })
    expect((await copy.run('npx kbg status')).output).toMatch(/producers write to blue[\s\S]*blue open; green fenced[\s\S]*switch {4}none is open/)
    await unregister()
    expect((await copy.run('npx kbg ack')).output).toMatch(/attempt is 1 now \(latched was 0: cancelled\)/)
  })

  test('kbg abort in another terminal does the same, and has nothing to do where nothing is moved', async () => {
    expect((await copy.run('npx kbg abort')).output).toMatch(/Nothing is being moved: blue is live/)
    await untilMirrored('blue', 'green')
    await register(deafProducer((await route())?.epoch ?? 0))
    const restore = setLimits({ holdDeadlineMs: 20_000 })
    const update = copy.start(upTraffic, 120)
    await untilRoute('held', 'blue')
    const aborted = await copy.run('npx kbg abort')
    const { exitCode, output } = await update.ended
    restore()
    expect(aborted.output).toMatch(/told pulumi up by .*[\s\S]*Taken back by pulumi up by .*: blue is live, nothing was lost/)
    expect(exitCode).not.toBe(0)
    expect(output).toMatch(/aborted: The switchover blue -> green was taken back.* by order of kbg abort by /)
    expect(await route()).toMatchObject({ live: 'blue', state: 'open', latch: { attempt: 1 } })
    await unregister()
    expect((await copy.run('npx kbg ack')).output).toContain('attempt is 2 now')
  })

  test('a guardian that was killed: the gate refuses, and the next update starts it', async () => {
    const guardian = observeGuardian({ projectRoot: copy.root, fleet }, 'green')
    process.kill(guardian?.pid ?? 0, 'SIGKILL')
    const isForgotten = async (ports: Ports) => (await ports.store.clients(within(10))).every(({ clientId }) => clientId !== 'kbg-guardian-green')
    await withFleet((ports) => within(30).poll(200, async () => ((await isForgotten(ports)) ? true : undefined)))
    expect((await copy.run('npx kbg status')).output).toMatch(
      /guardians beside blue \(epoch \d+\); none beside green: pulumi up on the traffic stack starts it/,
    )
    expect((await copy.run('npx pulumi preview -s traffic')).output).toMatch(/guardians: fail; observed none beside green/)
  })

  test('the switchover', async () => {
    await untilMirrored('blue', 'green')
    await nextOfTour('npx pulumi up -s traffic')
    expect(await route()).toMatchObject({ live: 'green', state: 'open' })
    expect((await nextOfTour('npx kbg status')).output).toMatch(
      /producers write to green[\s\S]*blue fenced; green open[\s\S]*guardians beside blue .*, beside green/,
    )
  })

  test('its report is made from the journal, with the gate that let it begin; the one before it was taken back', async () => {
    const made = async (command: string) => {
      const [json = '', page = ''] = (await copy.run(command)).stdout.trim().split('\n')
      return { report: JournaledSwitchover.parse(JSON.parse(readFileSync(json, 'utf8'))), page: readFileSync(page, 'utf8') }
    }
    const switched = await made('npx kbg report')
    expect(switched.report).toMatchObject({ fleet, source: 'blue', target: 'green', outcome: 'switched', gate: { epoch: switched.report.openedEpoch } })
    expect(switched.page).toContain('Not observed. This report is made from the journal')
    expect((await made('npx kbg report --switchover 2')).report).toMatchObject({ outcome: 'aborted', reason: expect.stringContaining('kbg abort'), gate: null })
  })

  test('the live colour is not destroyed', async () => {
    const command = 'npx pulumi destroy -s green'
    expect(tour.shift()).toBe(command)
    expect((await copy.refused(command)).output).toMatch(/green is live|protect/)
    expect((await withFleet((ports) => ports.clusters.green.inventory.cluster(within(10)))).brokers).toHaveLength(3)
  })

  test('--target of the switchover alone goes around no gate: the verdict is of another epoch', async () => {
    await nextOfTour('npx pulumi config set live blue -s traffic')
    const before = await route()
    expect((await copy.refused(`${upTraffic} --target ${switchoverUrn}`)).output).toMatch(/stale-verdict: The gate's verdict is of another epoch/)
    expect(await route()).toEqual(before)
  })

  test('a colour that hangs or is dead: the preview is bounded, the update refuses, and an update of the colour brings it back', async () => {
    const before = await route()
    const restore = setLimits({ lagSamples: 1 }) // instead of five: the gate gives up sooner
    signalBrokers('blue', 'SIGSTOP')
    const preview = await copy.start('npx pulumi preview -s traffic', 120).ended
    const update = await copy.refused(upTraffic, 120)
    expect(preview.output).toMatch(
      /It would be refused now:[\s\S]*fence of blue: inconclusive; observed deadline: Gave up waiting for observations for the plan/,
    )
    expect(preview.seconds).toBeLessThan(60) // 5 s on a quiet machine; a client's own timeouts would take minutes
    expect(update.output).toMatch(/gate: The gate is inconclusive, so nothing was moved:[\s\S]*fence of blue: inconclusive/)
    signalBrokers('blue', 'SIGKILL')
    restore()
    expect(await route()).toEqual(before)
    expect((await copy.run('npx kbg status')).output).toMatch(/blue not known \(.*\); green open/)
    await copy.run('npx pulumi up -s blue')
    await untilMirrored('green', 'blue')
  })

  test('the way back is the same, after a failure too: the gate is asked again', async () => {
    await nextOfTour('npx pulumi up -s traffic')
    expect(await route()).toMatchObject({ live: 'blue', state: 'open' })
  })

  test('a wave of groups moves to the standby while everybody else stays', async () => {
    await untilMirrored('blue', 'green')
    await nextOfTour('npx pulumi config set --path consumers.wave-1 green -s traffic')
    expect((await nextOfTour('npx pulumi up -s traffic')).output).toMatch(/wave-1: blue -> green, archive, orders-dashboard[\s\S]*wave-1 reads on green/)
    expect(await route()).toMatchObject({ live: 'blue', groups: { archive: { colour: 'green', state: 'running' } }, defaultConsumerColour: 'blue' })
    expect((await copy.run('npx kbg status')).output).toMatch(/waves {5}wave-1 reads on green, wave-2 reads on blue, wave-3 reads on blue/)
    expect((await nextOfTour('npx kbg groups')).output).toMatch(/archive +green/)
    expect(tour).toEqual([])
    expect((await copy.run('npx pulumi preview -s traffic')).output).not.toMatch(/to update/)
  })

  test('^C after the decision: the switch is finished first', async () => {
    await untilMirrored('blue', 'green')
    await copy.run('npx pulumi config set live green -s traffic')
    const update = copy.start(upTraffic, 120)
    await untilRoute('open', 'green')
    update.signal('SIGINT')
    const { output } = await update.ended
    expect(output).toMatch(/green is live at epoch/)
    expect(await route()).toMatchObject({ live: 'green', state: 'open', groups: {}, defaultConsumerColour: 'green' })
    expect((await copy.run('npx kbg status')).output).toMatch(/blue fenced; green open[\s\S]*green -> blue running[\s\S]*switch {4}none is open/)
  })

  test('a move that somebody made elsewhere: refresh shows who is live, and the next preview what an update would do', async () => {
    await untilMirrored('green', 'blue')
    await withFleet(async (ports) => {
      const now = (await ports.store.read(within(10))).route
      const intent = { live: 'blue' as const, attempt: now?.attempt ?? 0, consumers: { 'wave-1': 'green' as const } }
      const run = { limits: Limits.parse({}), holder: 'a test', tell: () => undefined, cancelled: new AbortController().signal }
      await moveLive(ports, { wiring: wiring(), intent, gateEpoch: now?.epoch ?? 0, ...run })
    })
    await copy.run('npx pulumi refresh -s traffic')
    const state: { deployment: { resources: { type: string; outputs?: { live?: string } }[] } } = JSON.parse(
      (await copy.run('npx pulumi stack export -s traffic')).stdout,
    )
    expect(state.deployment.resources.find(({ type }) => type === 'kbg:index:Switchover')?.outputs).toMatchObject({ live: 'blue', state: 'open' })
    expect((await copy.run('npx pulumi preview -s traffic')).output).toMatch(/Switchover blue -> green:/)
  })

  test('no password stands in a state, a log, an argument, a connector, the journal or a report: only in private files that need it', () => {
    const { passwords } = readCredentials(credentialsPath(copy.root, fleet))
    const known = Object.keys(passwords)
    expect(known).toEqual(expect.arrayContaining(['operator', 'mirror', 'orders-app']))
    const found = leakedSecrets(copy.root, passwords)
    const mayHold = /(^|\/)(credentials\.json|server\.properties|rest-users\.properties|secrets\/logins\.properties)$/
    expect(found.filter(({ where }) => !mayHold.test(where))).toEqual([])
    expect(new Set(found.map(({ user }) => user))).toEqual(new Set(known)) // the search finds what it looks for
    expect(found.filter(({ where }) => !isPrivate(join(copy.root, where)))).toEqual([])
    const said = copy.commands.filter(({ output }) => Object.values(passwords).some((password) => output.includes(password)))
    expect(said.map(({ command }) => command)).toEqual([])
  })

  test('everything ends by the commands that the README names, and nothing is left', async () => {
    await copy.run('npx pulumi config set live blue -s traffic') // an update would switch otherwise
    await copy.run('npx pulumi config rm --path consumers.wave-1 -s traffic')
    for (const command of readmeCommands(tourSections.end)) await copy.run(command, 180)
    expect(await endLocalFleet(copy.root, fleet)).toEqual([])
    expect(existsSync(fleetDirectory(copy.root, fleet))).toBe(false)
    ended = true
    const typed = new Set(copy.commands.map(({ command }) => command))
    expect(tourAlsoRuns.filter((command) => !typed.has(command))).toEqual([])
  })
})
