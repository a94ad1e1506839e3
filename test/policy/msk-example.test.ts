/**
 * `examples/msk` through the real Pulumi CLI, with the policies. AWS's plugin is a recording stand-in: that shows what the program declares and how it is judged, not that AWS would take it. Nothing connects to brokers.
 * The traffic stack reads two colours' outputs; they are imported as state, since nothing brings colours up here.
 */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { ClusterAccess } from '../../engine/model/cluster-access.ts'
import { type Colour, colours } from '../../engine/model/colour.ts'
import { mskAccess } from '../../engine/model/msk-access.ts'
import { loadCatalog } from '../../infra/catalog.ts'
import { rules } from '../../policy/pack.ts'
import { Checkout } from '../support/checkout.ts'
import { fencedCommands } from '../support/docs-commands.ts'
import { withEdits } from '../support/edits.ts'
import { mskBirthSpec, mskColour } from '../support/msk-colour.ts'
import { counted, previewed } from '../support/previewed.ts'
import { importStack, withRecordingProviders } from '../support/recorded.ts'
import { awsPlants } from './planted/aws-plants.ts'
import { foundIn } from './planted/found.ts'

let copy: Checkout
let end: () => void

beforeAll(async () => {
  copy = new Checkout('msk')
  end = withRecordingProviders(copy)
  const commands = fencedCommands(readFileSync(join(copy.root, 'examples', 'msk', 'README.md'), 'utf8')).map(({ command }) => command)
  expect(commands.filter((each) => each.includes(' preview '))).toEqual(
    ['blue', 'green'].map((colour) => `npx pulumi preview -s msk-${colour} --policy-pack policy`),
  )
  for (const command of commands.filter((each) => !each.includes(' preview '))) await copy.run(command)
})
afterAll(async () => {
  end?.()
  await copy?.remove()
})

test.each(['msk-blue', 'msk-green'])('%s declares a whole colour, and no policy speaks against it', async (stack) => {
  const { exitCode, output, preview } = await previewed(copy, stack)
  expect({ violations: preview.violations, errors: preview.errors, notRun: preview.policiesNotRun }, output).toEqual({ violations: [], errors: [], notRun: [] })
  expect(exitCode).toBe(0)
  expect(counted(preview)).toMatchObject({ Cluster: 1, ManagedCluster: 1, Vpc: 1, Subnet: 6, Secret: 5, MetricAlarm: 11 })
  const { topics, acls, quotas } = loadCatalog(join(copy.root, 'catalog.yaml'))
  const onBrokers = { Topic: Object.keys(topics).length, Acl: acls.length, Quota: quotas.length }
  expect(counted(preview)).toMatchObject({ MskBirth: 1, ...onBrokers, RetirementGuard: 1 })
  expect(counted(preview).UserScramCredential).toBeUndefined()
})

/** As the stack says it from inside the operators' network: mirror and operator are roles. */
function reached(colour: Colour): ClusterAccess {
  return mskAccess({ ...mskBirthSpec(colour), fleet: 'msk', caFile: '/etc/ssl/certs/ca-certificates.crt' }, `cluster-of-${colour}`)
}

test('what lies between is declared from what the colours’ stacks say, and behind it what moves traffic; no connector is part of it', async () => {
  for (const colour of colours) await importStack(copy, `msk-${colour}`, { msk: mskColour(colour), cluster: reached(colour) })
  mkdirSync(join(copy.root, '.kbg', 'mirror'))
  for (const name of ['connect-mirror-3.7.2.jar', 'connect-mirror-client-3.7.2.jar']) writeFileSync(join(copy.root, '.kbg', 'mirror', name), 'not a jar')
  const { output, preview } = await previewed(copy, 'msk-traffic')
  expect({ violations: preview.violations, errors: preview.errors }, output).toEqual({ violations: [], errors: [] })
  expect(counted(preview)).toMatchObject({ VpcPeeringConnection: 1, Route: 12, CustomPlugin: 1, WorkerConfiguration: 2, Role: 2 })
  expect(counted(preview)).toMatchObject({ ManagedMirror: 2, LocalRouteStore: 1, LocalAudit: 1, LocalGuardian: 2, Switchover: 1 })
  expect(output).toMatch(/The plan can be shown once mirror and route store are there/)
  expect(counted(preview).Connector).toBeUndefined()
})

test('each planted violation is red, with resource, observed, required and remedy; every policy that no local stack meets has one', async () => {
  expect(new Set(awsPlants.map(({ policy }) => policy))).toEqual(new Set(rules.map(({ name }) => name).filter((name) => /^(aws|capacity)-/.test(name))))
  const edits = awsPlants.flatMap((plant) => plant.edits)
  const red = await withEdits(copy.root, edits, async () => [(await previewed(copy, 'msk-blue')).preview, (await previewed(copy, 'msk-traffic')).preview])
  const found = foundIn(awsPlants, red)
  expect(
    found.filter(({ remedy }) => remedy === ''),
    JSON.stringify(red.map(({ violations, errors }) => ({ violations, errors }))),
  ).toEqual([])
})

test('the recording stand-in makes nothing', async () => {
  const { output } = await copy.refused('npx pulumi up -s msk-green --skip-preview')
  expect(output).toContain('The recording stand-in for the plugin of @pulumi/aws makes nothing')
})
