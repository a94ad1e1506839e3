/**
 * The tour of README.md, typed line by line as it stands there, in a copy of the checkout; and, between its lines, what people type wrong: each is one clear error, with
 * traffic where it was. What happens to a fleet beside that is test/e2e/mishaps.
 */
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import { JournaledSwitchover } from '../../cli/report/journaled.ts'
import { fleetDirectory } from '../../engine/adapters/local/state.ts'
import type { Checkout } from '../support/checkout.ts'
import { readmeCommands, tourAlsoRuns, tourSections } from '../support/docs-commands.ts'
import { deafProducer, fleet, switchoverUrn, TypedFleet, upTraffic, within } from '../support/typed-fleet.ts'

vi.setConfig({ testTimeout: 240_000 })
const tour = [...readmeCommands(tourSections.tour)]

let typed: TypedFleet
let copy: Checkout

/** Types the tour's next line, which has to be this one. */
async function nextOfTour(command: string): Promise<{ readonly output: string }> {
  expect(tour.shift()).toBe(command)
  return await copy.run(command, 180)
}

beforeAll(() => {
  typed = new TypedFleet('tour')
  copy = typed.copy
})

afterAll(() => typed?.remove(), 180_000)

describe('the tour, and what people type wrong on the way', () => {
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
    await typed.learnWiring()
    expect((await copy.run('npx pulumi stack output clients -s traffic')).output).toContain(typed.wiring.routeStore.endpoints[0])
    expect(await typed.route()).toMatchObject({ live: 'blue', state: 'open' })
    expect((await nextOfTour('npx kbg audit')).output).toMatch(/^EQUAL {2}0 records equal in 12 partitions/m)
  })

  test('kbg groups tells of the catalog’s groups, a reset of what is not there is refused, and groups can be named', async () => {
    expect((await copy.run('npx kbg groups')).output).toMatch(/^MOVABLE {2}4 groups, 2 left out by rule[\s\S]*archive +blue +- +- +not there/m)
    expect((await copy.refused('npx kbg groups --reset billing')).output).toMatch(/reset-refused: .*no such group on green/)
    await copy.run('npx pulumi config set --path unprovenGroups.billing stay -s traffic')
    await copy.run('npx pulumi config set --path unprovenGroups.billing redeliver -s traffic')
  })

  test('the preview shows the plan and moves nothing', async () => {
    const before = await typed.route()
    await nextOfTour('npx pulumi config set live green -s traffic')
    const { output } = await nextOfTour('npx pulumi preview -s traffic --policy-pack policy')
    expect(output).toMatch(/Switchover blue -> green:[\s\S]* 8\. release[\s\S]*12\. finish/)
    // Every policy could judge, and found nothing.
    expect(output).toMatch(/Policies:\s+✅ kafka-blue-green@/)
    expect(await typed.route()).toEqual(before)
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

  test('kbg abort in another terminal takes a switchover back, and has nothing to do where nothing is moved; kbg ack allows the next move', async () => {
    expect((await copy.run('npx kbg abort')).output).toMatch(/Nothing is being moved: blue is live/)
    await typed.untilMirrored('blue', 'green')
    await typed.register(deafProducer((await typed.route())?.epoch ?? 0))
    const restore = typed.setLimits({ holdDeadlineMs: 20_000 })
    const update = copy.start(upTraffic, 120)
    await typed.untilRoute('held', 'blue')
    const aborted = await copy.run('npx kbg abort')
    const { exitCode, output } = await update.ended
    restore()
    expect(aborted.output).toMatch(/told pulumi up by .*[\s\S]*Taken back by pulumi up by .*: blue is live, nothing was lost/)
    expect(exitCode).not.toBe(0)
    expect(output).toMatch(/aborted: The switchover blue -> green was taken back.* by order of kbg abort by /)
    expect(await typed.route()).toMatchObject({ live: 'blue', state: 'open', latch: { attempt: 0 } })
    await typed.unregister(deafProducer(0))
    expect((await copy.run('npx kbg ack')).output).toMatch(/attempt is 1 now \(latched was 0: /)
  })

  test('the switchover', async () => {
    await typed.untilMirrored('blue', 'green')
    await nextOfTour('npx pulumi up -s traffic')
    expect(await typed.route()).toMatchObject({ live: 'green', state: 'open' })
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
    expect((await typed.withPorts((ports) => ports.clusters.green.inventory.cluster(within(10)))).brokers).toHaveLength(3)
  })

  test('--target of the switchover alone goes around no gate: the verdict is of another epoch', async () => {
    await nextOfTour('npx pulumi config set live blue -s traffic')
    const before = await typed.route()
    expect((await copy.refused(`${upTraffic} --target ${switchoverUrn}`)).output).toMatch(/stale-verdict: The gate's verdict is of another epoch/)
    expect(await typed.route()).toEqual(before)
  })

  test('the way back is the same', async () => {
    await nextOfTour('npx pulumi up -s traffic')
    expect(await typed.route()).toMatchObject({ live: 'blue', state: 'open' })
  })

  test('a wave of groups moves to the standby while everybody else stays', async () => {
    await typed.untilMirrored('blue', 'green')
    await nextOfTour('npx pulumi config set --path consumers.wave-1 green -s traffic')
    expect((await nextOfTour('npx pulumi up -s traffic')).output).toMatch(/wave-1: blue -> green, archive, orders-dashboard[\s\S]*wave-1 reads on green/)
    expect(await typed.route()).toMatchObject({ live: 'blue', groups: { archive: { colour: 'green', state: 'running' } }, defaultConsumerColour: 'blue' })
    expect((await copy.run('npx kbg status')).output).toMatch(/waves {5}wave-1 reads on green, wave-2 reads on blue, wave-3 reads on blue/)
    expect((await nextOfTour('npx kbg groups')).output).toMatch(/archive +green/)
    expect(tour).toEqual([])
    expect((await copy.run('npx pulumi preview -s traffic')).output).not.toMatch(/to update/)
  })

  test('no password stands in a state, a log, an argument, a connector, the journal or a report: only in private files that need it', () => {
    expect(typed.passwordsOutOfPlace()).toEqual([])
  })

  test('everything ends by the commands that the README names, and nothing is left', async () => {
    await copy.run('npx pulumi config set live blue -s traffic') // an update would switch otherwise
    await copy.run('npx pulumi config rm --path consumers.wave-1 -s traffic')
    for (const command of readmeCommands(tourSections.end)) await copy.run(command, 180)
    expect(await typed.end()).toEqual([])
    expect(existsSync(fleetDirectory(copy.root, fleet))).toBe(false)
    const commands = new Set(copy.commands.map(({ command }) => command))
    expect(tourAlsoRuns.filter((command) => !commands.has(command))).toEqual([])
  })
})
