/** `examples/fleet`, a program of a team's own, through the real Pulumi CLI with the policies; and a new project that `pulumi new` makes of this one. */
import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { parseEvents } from '../../cli/pr/events.ts'
import { stackPreview } from '../../cli/pr/stack-preview.ts'
import { loadConfig, projectName } from '../../infra/config.ts'
import { stackFileConfig } from '../../infra/inventories.ts'
import { Checkout } from '../support/checkout.ts'
import { exampleCommands } from '../support/docs-commands.ts'
import { previewed } from '../support/previewed.ts'
import { importColours } from './planted/stand-in-stacks.ts'

let copy: Checkout
beforeAll(() => {
  copy = new Checkout('fleet')
})
afterAll(() => copy?.remove())

test('its preview declares two fleets, and no policy speaks against them', async () => {
  const commands = exampleCommands('fleet', 'In this order')
  const [preview = ''] = commands.filter((each) => each.includes(' preview '))
  for (const command of commands.slice(0, commands.indexOf(preview))) await copy.run(command)
  const { output, exitCode } = await copy.start(`PULUMI_DEBUG_COMMANDS=true ${preview} --non-interactive --event-log events`, 120).ended
  const { changes, violations, errors, policiesNotRun } = stackPreview(
    'shop-traffic',
    parseEvents(readFileSync(join(copy.root, 'examples', 'fleet', 'events'), 'utf8'), 'events'),
  )
  expect({ violations, errors, policiesNotRun }, output).toEqual({ violations: [], errors: [], policiesNotRun: [] })
  expect(exitCode).toBe(0)
  const made = (type: string) => changes.filter((each) => each.type === type).map(({ name }) => name)
  expect(made('kbg:index:LocalCluster').sort()).toEqual(['ledger-blue-cluster', 'ledger-green-cluster', 'shop-blue-cluster', 'shop-green-cluster'])
  expect(made('kbg:index:Switchover').sort()).toEqual(['ledger-traffic-switchover', 'shop-traffic-switchover'])
})

/** A traffic stack in which route store and mirror stood at the top of the program, without `traffic-` before their names. */
function formerTraffic(): object {
  const urn = (type: string, name: string) => `urn:pulumi:traffic::${projectName}::${type}::${name}`
  const [stack, provider] = [urn('pulumi:pulumi:Stack', `${projectName}-traffic`), urn('pulumi:providers:kbg', 'default')]
  const [mirror, id] = [urn('kbg:mirror:LocalMirror', 'mirror'), '00000000-0000-4000-8000-000000000001']
  const access = { endpoints: ['store.invalid:2379'], username: 'kbg', credentialsFile: '/nowhere/credentials.json' }
  const inputs = { fleet: 'main', tls: false, decommission: null }
  const resources = [
    { urn: stack, custom: false, type: 'pulumi:pulumi:Stack' },
    { urn: provider, custom: true, id, type: 'pulumi:providers:kbg', inputs: {}, outputs: {} },
    { urn: mirror, custom: false, type: 'kbg:mirror:LocalMirror', parent: stack },
    {
      ...{ urn: urn('kbg:index:LocalRouteStore', 'route-store'), custom: true, id: 'main/route-store', type: 'kbg:index:LocalRouteStore' },
      ...{ parent: stack, provider: `${provider}::${id}`, inputs, outputs: { ...inputs, access, clientAccess: access, alive: true } },
    },
  ]
  return { version: 3, deployment: { manifest: { time: '2026-01-01T00:00:00Z', magic: '', version: '' }, resources } }
}

test('a traffic stack from before keeps its route store and its mirror: neither is made anew', async () => {
  await importColours(copy)
  writeFileSync(join(copy.root, 'former.json'), JSON.stringify(formerTraffic()))
  await copy.run('npx pulumi stack import -s traffic --file former.json')
  const { preview, output } = await previewed(copy, 'traffic')
  const of = (type: string) => preview.changes.filter((each) => each.type === type).map(({ op, name }) => `${op} ${name}`)
  expect([...of('kbg:index:LocalRouteStore'), ...of('kbg:mirror:LocalMirror')], output).toEqual([])
  expect(output).toContain('store.invalid:2379') // as its state has it
  expect(of('kbg:index:LocalAudit')).toEqual(['create traffic-audit'])
})

test('pulumi new makes a project of another name of it, whose stack files are read', async () => {
  const [template, project] = ['template', 'project'].map((name) => mkdtempSync(join(tmpdir(), `kbg-${name}-`)))
  if (template === undefined || project === undefined) throw new Error('no directory')
  try {
    // What a clone has: no packages, no state.
    await copy.run(`tar -c --exclude=./node_modules --exclude=./.kbg --exclude=./examples/fleet/node_modules . | tar -x -C ${template}`)
    const { output } = await copy.run(`npx pulumi new ${template} --dir ${project} --generate-only --yes --name my-kafka`)
    expect(output).toContain('npx kbg init')
    expect(readFileSync(join(project, 'Pulumi.yaml'), 'utf8')).toMatch(/^name: my-kafka$/m)
    expect(readFileSync(join(project, 'Pulumi.yaml'), 'utf8')).toMatch(/path: \.\/provider/)
    expect(statSync(join(project, 'provider', 'pulumi-resource-kbg')).mode & 0o100).toBe(0o100)
    const values = stackFileConfig(join(project, 'Pulumi.green.yaml')) ?? {}
    expect(loadConfig('my-kafka', 'green', values)).toMatchObject({ colour: 'green', kafkaVersion: '4.3.1' })
    expect(loadConfig('my-kafka', 'green', { ...values, 'my-kafka:kafkaVersion': '3.9.2' })).toMatchObject({ kafkaVersion: '3.9.2' })
  } finally {
    for (const dir of [template, project]) rmSync(dir, { recursive: true, force: true })
  }
})
