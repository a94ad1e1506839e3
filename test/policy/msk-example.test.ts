/**
 * `examples/msk` through the real Pulumi CLI, with the policies. AWS's plugin is a recording stand-in: that shows what the program declares and how it is judged, not that AWS would take it.
 * The traffic stack reads two colours' outputs; they are imported as state, since nothing brings colours up here.
 */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { delimiter, join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { rules } from '../../policy/pack.ts'
import { Checkout } from '../support/checkout.ts'
import { fencedCommands } from '../support/docs-commands.ts'
import { withEdits } from '../support/edits.ts'
import { mskColour } from '../support/msk-colour.ts'
import { previewed } from '../support/previewed.ts'
import { awsPlants } from './planted/aws-plants.ts'
import { foundIn } from './planted/found.ts'

const path = process.env.PATH
let copy: Checkout

beforeAll(async () => {
  copy = new Checkout('msk')
  process.env.PATH = [join(copy.root, 'test', 'support', 'providers', 'recording'), path].join(delimiter)
  const commands = fencedCommands(readFileSync(join(copy.root, 'examples', 'msk', 'README.md'), 'utf8')).map(({ command }) => command)
  expect(commands.filter((each) => each.includes(' preview '))).toEqual(
    ['blue', 'green'].map((colour) => `npx pulumi preview -s msk-${colour} --policy-pack policy`),
  )
  for (const command of commands.filter((each) => !each.includes(' preview '))) await copy.run(command)
})
afterAll(async () => {
  process.env.PATH = path
  await copy?.remove()
})

/** The stack of a colour as if it had been brought up. */
async function importColour(colour: 'blue' | 'green'): Promise<void> {
  const stack = `msk-${colour}`
  const urn = `urn:pulumi:${stack}::kafka-blue-green::pulumi:pulumi:Stack::kafka-blue-green-${stack}`
  const resources = [{ urn, custom: false, type: 'pulumi:pulumi:Stack', outputs: { msk: mskColour(colour) } }]
  const manifest = { time: '2026-01-01T00:00:00Z', magic: '', version: '' }
  const file = join(copy.root, '.kbg', `${stack}.json`)
  writeFileSync(file, JSON.stringify({ version: 3, deployment: { manifest, resources } }))
  await copy.run(`npx pulumi stack import -s ${stack} --file ${file}`)
}

/** What is created, by type. */
function counted(changes: readonly { readonly op: string; readonly type: string }[]): Record<string, number> {
  const types = changes.filter(({ op }) => op === 'create').map(({ type }) => type.split(':').at(-1) ?? '')
  return Object.fromEntries(Object.entries(Object.groupBy(types, (type) => type)).map(([type, all]) => [type, all?.length ?? 0]))
}

test.each(['msk-blue', 'msk-green'])('%s declares a whole colour, and no policy speaks against it', async (stack) => {
  const { exitCode, output, preview } = await previewed(copy, stack)
  expect({ violations: preview.violations, errors: preview.errors, notRun: preview.policiesNotRun }, output).toEqual({ violations: [], errors: [], notRun: [] })
  expect(exitCode).toBe(0)
  expect(counted(preview.changes)).toMatchObject({ Cluster: 1, ManagedCluster: 1, Vpc: 1, Subnet: 6, Secret: 5, MetricAlarm: 11 })
})

test('what lies between is declared from what the colours’ stacks say, and no connector is part of it', async () => {
  await importColour('blue')
  await importColour('green')
  mkdirSync(join(copy.root, '.kbg', 'mirror'))
  for (const name of ['connect-mirror-3.7.2.jar', 'connect-mirror-client-3.7.2.jar']) writeFileSync(join(copy.root, '.kbg', 'mirror', name), 'not a jar')
  const { output, preview } = await previewed(copy, 'msk-traffic')
  expect({ violations: preview.violations, errors: preview.errors }, output).toEqual({ violations: [], errors: [] })
  expect(counted(preview.changes)).toMatchObject({ VpcPeeringConnection: 1, Route: 12, CustomPlugin: 1, WorkerConfiguration: 2, Role: 2 })
  expect(counted(preview.changes).Connector).toBeUndefined()
})

test('each planted violation is red, with resource, observed, required and remedy; every policy for AWS has one', async () => {
  expect(new Set(awsPlants.map(({ policy }) => policy))).toEqual(new Set(rules.map(({ name }) => name).filter((name) => name.startsWith('aws-'))))
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
  expect(output).toContain('The recording stand-in for the AWS plugin makes nothing')
})
