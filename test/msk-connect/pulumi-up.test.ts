/**
 * Traffic whose connectors MSK Connect makes, moved by typed `pulumi up` as a host in an operators' network runs it: first route, an orchestrator that died, a move, the way back, and the end of it all. Brokers (3.9.2 and
 * 4.3.1), etcd, Connect's workers, Pulumi and the guardians are real; the API is a stand-in, which every process finds as it would find its role: by nothing of its environment but HOME. Judged by the clients' own histories.
 */
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { judge, startLoad } from '../../cli/rollout/demo-load.ts'
import { provisionRouteStore } from '../../engine/adapters/local/etcd-process.ts'
import { findProcess } from '../../engine/adapters/local/process.ts'
import { colourDirectory } from '../../engine/adapters/local/state.ts'
import { ClusterAccess } from '../../engine/model/cluster-access.ts'
import { type Colour, colours, otherColour } from '../../engine/model/colour.ts'
import { Limits } from '../../engine/model/limits.ts'
import type { MskConnectWorker } from '../../engine/model/msk-connect-worker.ts'
import { Wiring } from '../../engine/model/wiring.ts'
import { Deadline, systemClock } from '../../engine/ports/clock.ts'
import { withPorts } from '../../engine/run/ports.ts'
import { mirrorRecord } from '../../engine/switchover/journal-reading.ts'
import { longestStallMs } from '../../engine/switchover/stall.ts'
import { setHome } from '../support/aws-emulator.ts'
import { Checkout } from '../support/checkout.ts'
import { isClosed, leaveHeldAndFenced } from '../support/left-held.ts'
import { endLocalFleet } from '../support/local-fleet.ts'
import { MskConnectStandIn } from '../support/msk-connect/stand-in.ts'
import { workersBehind } from '../support/msk-connect/workers.ts'
import type { WorkloadProcess } from '../support/workload/process.ts'

const fleet = `msk-up-${process.pid}`
const program = 'test/msk-connect/program'
const up = `npx pulumi -C ${program} up --skip-preview -s dev`
const set = (key: string, value: string) => copy.run(`npx pulumi -C ${program} config set ${key} ${value} -s dev`)
const within = (seconds: number) => new Deadline(systemClock, seconds * 1_000, 'the test')

let dir: string
let copy: Checkout
let standIn: MskConnectStandIn
/** None before the colours stand: their addresses are in it. */
let workers: Record<Colour, MskConnectWorker>
let store: Awaited<ReturnType<typeof provisionRouteStore>>
let wiring: Wiring
let load: WorkloadProcess | undefined
let restoreHome: () => void = () => undefined

beforeAll(async () => {
  dir = mkdtempSync(join(tmpdir(), 'kbg-msk-up-'))
  for (const name of ['workers', 'home', 'home/.aws']) mkdirSync(join(dir, name), { mode: 0o700 })
  standIn = await MskConnectStandIn.start(join(dir, 'workers'))
  standIn.late = { made: 3, ended: 3 }
  writeFileSync(join(dir, 'home', '.aws', 'config'), `[default]\nregion = eu-central-1\nendpoint_url = ${standIn.endpoint}\n`)
  writeFileSync(join(dir, 'home', '.aws', 'credentials'), '[default]\naws_access_key_id = stand-in\naws_secret_access_key = stand-in\n', { mode: 0o600 })
  copy = new Checkout('msk-up')
  const stored = { projectRoot: copy.root, fleet, subnets: process.platform === 'linux' }
  store = await provisionRouteStore(stored, systemClock, () => undefined, within(60))
  give()
  restoreHome = setHome(join(dir, 'home'))
  mkdirSync(join(copy.root, program, 'node_modules'))
  symlinkSync(copy.root, join(copy.root, program, 'node_modules', 'kafka-blue-green')) // as npm links it
  await copy.run('npx kbg init')
  await copy.run(`npx pulumi -C ${program} stack init dev`)
  await set('fleet', fleet)
  await copy.run(up, 300)
  const { clusters } = JSON.parse((await copy.run(`npx pulumi -C ${program} stack output --json -s dev`)).stdout)
  workers = workersBehind(standIn, fleet, { blue: ClusterAccess.parse(clusters.blue), green: ClusterAccess.parse(clusters.green) })
  give()
}, 400_000)

afterAll(async () => {
  load?.kill()
  await standIn?.end()
  await endLocalFleet(copy.root, fleet)
  await copy?.remove()
  restoreHome()
  rmSync(dir, { recursive: true, force: true })
}, 180_000)

/** Tells the program how connectors are asked for, and where the store is. */
function give(): void {
  writeFileSync(join(copy.root, program, 'given.json'), JSON.stringify({ store: { access: store.operator, clientAccess: store.client }, workers }))
}

const reading = () => withPorts(wiring, systemClock, (ports) => ports.store.read(within(10)))
const route = async () => (await reading()).route
const mirrorOf = async (source: Colour) => `${workers[otherColour(source)].namePrefix}${mirrorRecord((await reading()).journal, source)?.connector}`
const atLeast = (colour: Colour, records: number) =>
  within(120).poll(100, async () => ((load?.lastStatus?.ackedRecords[colour] ?? 0) >= records ? true : undefined))

/** The last visible records of every partition, as one text. */
const endsOf = (colour: Colour) =>
  withPorts(wiring, systemClock, async ({ clusters }) => {
    const { logs } = clusters[colour]
    const ends = await logs.ends(wiring.topics, within(10))
    const last = await logs.lastVisibleOfAll(new Map(ends.map(({ partition, lastStableOffset }) => [partition, lastStableOffset])), 1, within(20))
    return JSON.stringify([...last].map(([partition, records]) => [partition, records.map(({ digest }) => digest)]).sort())
  })

/** A busy machine makes the mirror lag; a gate that refuses for that has touched nothing and is asked again. */
async function switchTo(live: Colour): Promise<string> {
  await set('live', live)
  for (let tries = 1; ; tries += 1) {
    const { exitCode, output } = await copy.start(up, 500).ended
    if (exitCode === 0) return output
    if (!/gate: /.test(output) || tries === 6) throw new Error(output)
  }
}

test('the first route: the mirror and both canaries are made behind MSK Connect, and no worker of this machine is', async () => {
  const output = await switchTo('blue')
  expect(output).toMatch(/ManagedMirror/)
  expect(output).not.toMatch(/LocalMirrorWorker|LocalRouteStore/)
  wiring = Wiring.parse(JSON.parse((await copy.run(`npx pulumi -C ${program} stack output ${fleet} --json -s dev`)).stdout).wiring)
  expect(await route()).toMatchObject({ live: 'blue', state: 'open' })
  expect(wiring.routeStore).toEqual(store.operator)
  const named = [await mirrorOf('blue'), `${workers.green.namePrefix}kbg-canary-blue-green`, `${workers.blue.namePrefix}kbg-canary-green-blue`]
  expect([...standIn.there].sort()).toEqual(named.sort())
  const said = (await copy.run(`KBG_PROJECT=${program} KBG_STACK=dev npx kbg status --fleet ${fleet}`, 60)).output
  expect(said).toMatch(/epoch 1, producers write to blue/)
}, 600_000)

test('an orchestrator died while clients were held: a guardian, which finds MSK Connect by HOME alone, gives blue its writers and its mirror back', async () => {
  load = await startLoad(
    wiring,
    dir,
    { ratePerSecond: 200, preloadRecords: 0 },
    () => undefined,
    () => undefined,
  )
  load.startLoad()
  await atLeast('blue', 500)
  const [forward, before] = [await mirrorOf('blue'), standIn.asked.length]
  await withPorts(wiring, systemClock, async (ports) => {
    const died = await leaveHeldAndFenced(ports, wiring, 0)
    await within(longestStallMs(Limits.parse({})) / 1_000).poll(100, async () => ((await isClosed(ports, died)) ? true : undefined))
  })
  expect(await route()).toMatchObject({ live: 'blue', state: 'open', latch: { attempt: 0, reason: 'it was left while clients were held' } })
  expect(await mirrorOf('blue')).toBe(forward)
  const asked = standIn.asked.slice(before).map((request) => request.split(' ')[0])
  expect(asked).toContain('DELETE') // more than once where the list still names it
  expect(asked.filter((method) => method === 'POST')).toHaveLength(1)
  await set('live', 'green')
  expect((await copy.refused(up, 300)).output).toMatch(/route: fail; observed latched at attempt 0/)
  await set('attempt', '1')
}, 600_000)

test('a move under load: the preview shows the plan and moves nothing, the update moves it', async () => {
  await atLeast('blue', 1_000)
  const forward = await mirrorOf('blue')
  await set('live', 'green')
  const { output } = await copy.run(`npx pulumi -C ${program} preview -s dev`, 120)
  expect(output).toMatch(/Switchover blue -> green[\s\S]* fence [\s\S]* drain /)
  expect(await route()).toMatchObject({ live: 'blue', state: 'open' })
  await switchTo('green')
  expect(await route()).toMatchObject({ live: 'green', state: 'open' })
  expect(standIn.there).not.toContain(forward)
  expect(standIn.there).toContain(await mirrorOf('green'))
  await atLeast('green', 1_000)
}, 900_000)

test('another request restarts who is told of it and moves nothing: what runs goes on as it was asked for, what is made next is asked for like that', async () => {
  const before = { route: await route(), there: [...standIn.there].sort() }
  const { request } = workers.green
  workers.green = {
    ...workers.green,
    request: { ...request, plugins: [{ customPlugin: { customPluginArn: `${request.plugins[0].customPlugin.customPluginArn}-2`, revision: 1 } }] },
  }
  give()
  const { output } = await copy.run(up, 300)
  expect(output).toMatch(/traffic-guardian-blue.*updated/)
  expect({ route: await route(), there: [...standIn.there].sort() }).toEqual(before)
  await switchTo('blue')
  expect(await route()).toMatchObject({ live: 'blue', state: 'open' })
  expect(standIn.orderOf(await mirrorOf('blue'))?.plugins).toEqual(workers.green.request.plugins)
  await atLeast('blue', 2_000)
}, 900_000)

test('the clients lost nothing, and saw nothing twice or out of order', async () => {
  await load?.stopProducers()
  load?.resumeGroups()
  expect(Object.values((await load?.drain(90)) ?? { none: 1 }).every((records) => records === 0)).toBe(true)
  await load?.end()
  load = undefined
  await within(60).poll(300, async () => ((await endsOf('blue')) === (await endsOf('green')) ? true : undefined))
  const verdict = await judge(wiring, 'blue', dir)
  expect(verdict.lines.join('\n')).toMatch(/^PASS/)
  const { acked, ...faults } = verdict.statistics
  expect(faults).toEqual({ lost: 0, duplicated: 0, redelivered: 0, reordered: 0, errors: 0 })
  expect(acked).toBeGreaterThan(3_000)
  expect(verdict.windows.map(({ from, to }) => `${from} -> ${to}`)).toEqual(['blue -> green', 'green -> blue'])
  console.log(`MSK Connect's stand-in was asked ${standIn.asked.length} times; ${acked} records acknowledged; ${JSON.stringify(faults)}`)
}, 200_000)

test('where no broker answers, as from outside the operators’ network, a preview ends soon and says what it doesn’t know', async () => {
  signalBrokers('SIGSTOP')
  try {
    await set('live', 'green')
    const { output, seconds } = await copy.run(`npx pulumi -C ${program} preview -s dev`, 120)
    expect(output).toMatch(/It would be refused now|can't be (told|shown) now/)
    expect(seconds).toBeLessThan(60)
  } finally {
    signalBrokers('SIGCONT')
    await set('live', 'blue')
  }
}, 200_000)

test('destroy ends every connector, and nothing else is left but the store, which is somebody else’s', async () => {
  await set('end', 'true')
  await copy.run(up, 300)
  expect(standIn.there.length).toBeGreaterThan(0)
  await copy.run(`npx pulumi -C ${program} destroy --skip-preview -s dev`, 500)
  expect(standIn.there).toEqual([])
  expect(await endLocalFleet(copy.root, fleet)).toEqual([join('traffic', 'etcd', 'pid')])
}, 600_000)

function signalBrokers(name: NodeJS.Signals): void {
  const ids = { blue: [1, 2, 3], green: [11, 12, 13] }
  for (const colour of colours) {
    for (const id of ids[colour]) {
      const found = findProcess(join(colourDirectory(copy.root, fleet, colour), `node-${id}`, 'pid'))
      if (found === undefined) throw new Error(`broker ${id} of ${colour} does not run`)
      process.kill(found.pid, name)
    }
  }
}
