/** Three stacks that speak TLS everywhere, as the runbook configures them: a drill on them, a switchover by `pulumi up`, and the way down. */
import { afterAll, beforeAll, expect, test, vi } from 'vitest'
import { Wiring } from '../../engine/model/wiring.ts'
import { Checkout } from '../support/checkout.ts'
import { readmeCommands, tourSections } from '../support/docs-commands.ts'
import { endLocalFleet } from '../support/local-fleet.ts'

vi.setConfig({ testTimeout: 300_000 })
const fleet = 'main'
const stacks = ['blue', 'green', 'traffic'] as const
let copy: Checkout

beforeAll(() => {
  copy = new Checkout('tls')
})

afterAll(async () => {
  await endLocalFleet(copy.root, fleet)
  await copy.remove()
}, 180_000)

test('three stacks with tls: true come up; everything that they are wired to trusts the fleet’s authority', async () => {
  await copy.run('npx kbg init')
  for (const stack of stacks) await copy.run(`npx pulumi config set tls true -s ${stack}`)
  for (const stack of stacks) await copy.run(`npx pulumi up --skip-preview -s ${stack}`, 180)
  const wiring = Wiring.parse(JSON.parse((await copy.run('npx pulumi stack output wiring --json -s traffic')).stdout))
  const trusted = [wiring.clusters.blue.caFile, wiring.clusters.green.caFile, wiring.routeStore.caFile]
  expect(new Set(trusted).size).toBe(1)
  expect(trusted[0]).toMatch(/tls\/ca\.pem$/)
})

test('a drill passes on them', async () => {
  const { output } = await copy.run('npx kbg drill', 240)
  expect(output).toMatch(/The drill has passed/)
})

test('traffic moves by pulumi up, and both sides are equal', async () => {
  await copy.run('npx pulumi config set live green -s traffic')
  await copy.run('npx pulumi up --skip-preview -s traffic', 180)
  expect((await copy.run('npx kbg status')).output).toMatch(/producers write to green[\s\S]*blue fenced; green open/)
  expect((await copy.run('npx kbg audit')).output).toMatch(/^EQUAL/m)
})

test('everything ends by the commands that the README names', async () => {
  for (const command of readmeCommands(tourSections.end)) await copy.run(command, 180)
  expect(await endLocalFleet(copy.root, fleet)).toEqual([])
})
