/**
 * What happens to a fleet of three stacks, by typed commands: two updates at once, a damaged or missing route, a lost state, ^C before and behind the decision, a killed guardian, a colour
 * that is away, a move that somebody made elsewhere. Each is one clear error, with traffic where it was, or is mended by the next update.
 */
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import { observeGuardian } from '../../engine/adapters/local/guardian-process.ts'
import { fleetDirectory } from '../../engine/adapters/local/state.ts'
import { Limits } from '../../engine/model/limits.ts'
import { routeKeys } from '../../engine/model/route.ts'
import { systemClock } from '../../engine/ports/clock.ts'
import { closePorts, connectPorts, type Ports } from '../../engine/run/ports.ts'
import { moveLive } from '../../engine/run/switchover.ts'
import type { Checkout } from '../support/checkout.ts'
import { mishapsRun, readmeCommands, tourSections } from '../support/docs-commands.ts'
import { deafProducer, fleet, switchoverUrn, TypedFleet, upTraffic, within } from '../support/typed-fleet.ts'

vi.setConfig({ testTimeout: 240_000 })

let typed: TypedFleet
let copy: Checkout

beforeAll(async () => {
  typed = new TypedFleet('mishaps')
  copy = typed.copy
  await copy.run('npx kbg init')
  for (const stack of ['blue', 'green', 'traffic']) await copy.run(`npx pulumi up --skip-preview -s ${stack}`, 180)
  await typed.learnWiring()
  await copy.run('npx pulumi config set live green -s traffic')
}, 300_000)

afterAll(() => typed?.remove(), 180_000)

describe('mishaps', () => {
  test('while somebody else moves the fleet, a second update is refused: by Pulumi on the same stack, by the lock from any other', async () => {
    const before = await typed.route()
    const restore = typed.setLimits({ lagSamples: 20 }) // the first update is still asking its gate when the second one comes
    // What else is configured is the same: two stacks that disagree would restart the fleet's processes under each other.
    const config = readFileSync(join(copy.root, 'Pulumi.traffic.yaml'), 'utf8')
      .replace(/^encryptionsalt:.*\n/m, '')
      .replace(/^( {2}kafka-blue-green:live:).*$/m, '$1 blue')
    writeFileSync(
      join(copy.root, 'Pulumi.second.yaml'),
      config.replace('config:\n', 'config:\n  kafka-blue-green:fleet: main\n  kafka-blue-green:role: traffic\n'),
    )
    await copy.run('npx pulumi stack init second --no-select')
    const ports = await connectPorts(typed.wiring, systemClock)
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
    expect(await typed.route()).toEqual(before)
  })

  test('a route document that is damaged: status, preview and update say so, and nothing moves', async () => {
    const before = await typed.route()
    const key = routeKeys(fleet).route
    await typed.inStore((etcd) => etcd.put(key).value('{"version":1,"fleet":"main","epoch":"one"'))
    expect((await copy.refused('npx kbg status')).output).toMatch(/route-corrupt: .*can't be read.*\/kbg\/main\/route/)
    expect((await copy.start('npx pulumi preview -s traffic', 120).ended).output).toMatch(/route-corrupt/)
    // the update before had a gate that passed, and failed at the lock: its verdict is in the state, and yet this retry meets the gate
    expect((await copy.refused(upTraffic)).output).toMatch(/Resource \(traffic-gate\):\s+error: route-corrupt: The config store holds the route document/)
    await typed.inStore((etcd) => etcd.put(key).value(JSON.stringify(before)))
    expect(await typed.route()).toEqual(before)
  })

  test('a route document that is missing: nothing is moved; when the state is gone too, it is made again above every epoch', async () => {
    const before = await typed.route()
    await typed.inStore((etcd) => etcd.delete().key(routeKeys(fleet).route))
    expect((await copy.refused(upTraffic)).output).toMatch(/no-route: The route store holds no route of main/)
    await typed.register(deafProducer(41))
    await copy.run('npx pulumi config set live blue -s traffic')
    await copy.run(`npx pulumi state delete ${switchoverUrn} -s traffic --yes`)
    await copy.run(upTraffic)
    const made = await typed.route()
    expect(made).toMatchObject({ live: 'blue', state: 'open', colours: before?.colours })
    expect(made?.epoch).toBeGreaterThan(41)
    await typed.unregister(deafProducer(0))
  })

  test('a lost state of the switchover: the next update adopts the route as it is', async () => {
    const before = await typed.route()
    await copy.run(`npx pulumi state delete ${switchoverUrn} -s traffic --yes`)
    await copy.run(upTraffic)
    expect(await typed.route()).toEqual(before)
  })

  test('^C before the decision takes everything back; kbg ack allows the next move', async () => {
    const before = await typed.route()
    await typed.register(deafProducer(before?.epoch ?? 0)) // keeps the hold waiting, so that ^C meets it
    await copy.run('npx pulumi config set live green -s traffic')
    const restore = typed.setLimits({ holdDeadlineMs: 20_000 })
    const update = copy.start(upTraffic, 120)
    await typed.untilRoute('held', 'blue')
    update.signal('SIGINT')
    const { exitCode, output } = await update.ended
    restore()
    expect(exitCode).not.toBe(0)
    expect(output).toMatch(/aborted: The switchover blue -> green was taken back: blue is live, nothing was lost\. Cause: cancelled/)
    expect(await typed.route()).toMatchObject({ live: 'blue', state: 'open', target: null, latch: { attempt: 0, reason: 'cancelled' } })
    expect((await copy.run('npx kbg status')).output).toMatch(/producers write to blue[\s\S]*blue open; green fenced[\s\S]*switch {4}none is open/)
    await typed.unregister(deafProducer(0))
    expect((await copy.run('npx kbg ack')).output).toMatch(/attempt is 1 now \(latched was 0: cancelled\)/)
  })

  test('a guardian that was killed: the gate refuses', async () => {
    const guardian = observeGuardian({ projectRoot: copy.root, fleet }, 'green')
    process.kill(guardian?.pid ?? 0, 'SIGKILL')
    const isForgotten = async (ports: Ports) => (await ports.store.clients(within(10))).every(({ clientId }) => clientId !== 'kbg-guardian-green')
    await typed.withPorts((ports) => within(30).poll(200, async () => ((await isForgotten(ports)) ? true : undefined)))
    expect((await copy.run('npx kbg status')).output).toMatch(
      /guardians beside blue \(epoch \d+\); none beside green: pulumi up on the traffic stack starts it/,
    )
    expect((await copy.run('npx pulumi preview -s traffic')).output).toMatch(/guardians: fail; observed none beside green/)
  })

  test('the next update starts it, and switches', async () => {
    await typed.untilMirrored('blue', 'green')
    await copy.run(upTraffic)
    expect(await typed.route()).toMatchObject({ live: 'green', state: 'open' })
    expect((await copy.run('npx kbg status')).output).toMatch(/guardians beside blue .*, beside green/)
  })

  test('a colour that hangs or is dead: the preview is bounded, the update refuses, and an update of the colour brings it back', async () => {
    const before = await typed.route()
    await copy.run('npx pulumi config set live blue -s traffic')
    const restore = typed.setLimits({ lagSamples: 1 }) // instead of five: the gate gives up sooner
    typed.signalBrokers('blue', 'SIGSTOP')
    const preview = await copy.start('npx pulumi preview -s traffic', 120).ended
    const update = await copy.refused(upTraffic, 120)
    expect(preview.output).toMatch(
      /It would be refused now:[\s\S]*fence of blue: inconclusive; observed deadline: Gave up waiting for observations for the plan/,
    )
    expect(preview.seconds).toBeLessThan(60) // 5 s on a quiet machine; a client's own timeouts would take minutes
    expect(update.output).toMatch(/gate: The gate is inconclusive, so nothing was moved:[\s\S]*fence of blue: inconclusive/)
    typed.signalBrokers('blue', 'SIGKILL')
    restore()
    expect(await typed.route()).toEqual(before)
    expect((await copy.run('npx kbg status')).output).toMatch(/blue not known \(.*\); green open/)
    await copy.run('npx pulumi up -s blue')
    await typed.untilMirrored('green', 'blue')
  })

  test('the way back is asked of the gate again, after a failure too', async () => {
    await copy.run(upTraffic)
    expect(await typed.route()).toMatchObject({ live: 'blue', state: 'open' })
  })

  test('^C after the decision: the switch is finished first, a wave that was on the target included', async () => {
    await typed.untilMirrored('blue', 'green')
    await copy.run('npx pulumi config set --path consumers.wave-1 green -s traffic')
    await copy.run(upTraffic)
    expect(await typed.route()).toMatchObject({ live: 'blue', groups: { archive: { colour: 'green', state: 'running' } } })
    await copy.run('npx pulumi config set live green -s traffic')
    const update = copy.start(upTraffic, 120)
    await typed.untilRoute('open', 'green')
    update.signal('SIGINT')
    const { output } = await update.ended
    expect(output).toMatch(/green is live at epoch/)
    expect(await typed.route()).toMatchObject({ live: 'green', state: 'open', groups: {}, defaultConsumerColour: 'green' })
    expect((await copy.run('npx kbg status')).output).toMatch(/blue fenced; green open[\s\S]*green -> blue running[\s\S]*switch {4}none is open/)
  })

  test('a move that somebody made elsewhere: refresh shows who is live, and the next preview what an update would do', async () => {
    await typed.untilMirrored('green', 'blue')
    await typed.withPorts(async (ports) => {
      const now = (await ports.store.read(within(10))).route
      const intent = { live: 'blue' as const, attempt: now?.attempt ?? 0, consumers: { 'wave-1': 'green' as const } }
      const run = { limits: Limits.parse({}), holder: 'a test', tell: () => undefined, cancelled: new AbortController().signal }
      await moveLive(ports, { wiring: typed.wiring, intent, gateEpoch: now?.epoch ?? 0, ...run })
    })
    await copy.run('npx pulumi refresh -s traffic')
    const state: { deployment: { resources: { type: string; outputs?: { live?: string } }[] } } = JSON.parse(
      (await copy.run('npx pulumi stack export -s traffic')).stdout,
    )
    expect(state.deployment.resources.find(({ type }) => type === 'kbg:index:Switchover')?.outputs).toMatchObject({ live: 'blue', state: 'open' })
    expect((await copy.run('npx pulumi preview -s traffic')).output).toMatch(/Switchover blue -> green:/)
  })

  test('no password stands where it should not, behind all that either', () => {
    expect(typed.passwordsOutOfPlace()).toEqual([])
  })

  test('everything ends by the commands that the README names, and nothing is left; every command that is this file’s to type was typed', async () => {
    await copy.run('npx pulumi config set live blue -s traffic') // an update would switch otherwise
    for (const command of readmeCommands(tourSections.end)) await copy.run(command, 180)
    expect(await typed.end()).toEqual([])
    expect(existsSync(fleetDirectory(copy.root, fleet))).toBe(false)
    const commands = new Set(copy.commands.map(({ command }) => command))
    expect(mishapsRun.filter((command) => !commands.has(command))).toEqual([])
  })
})
