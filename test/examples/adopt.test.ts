/** `examples/adopt`, typed line by line as its README says it, against plain brokers at the addresses that its stack file names. Run by `npm run test:examples`. */
import { copyFileSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { systemClock } from '../../engine/ports/clock.ts'
import { loadCatalog } from '../../infra/catalog.ts'
import { projectFile } from '../../infra/project.ts'
import { Checkout } from '../support/checkout.ts'
import { exampleCommands } from '../support/docs-commands.ts'
import { endLocalFleet } from '../support/local-fleet.ts'
import { type PlainCluster, startPlainCluster } from '../support/workload/plain-cluster.ts'
import { fillPlainCluster } from '../support/workload/plain-cluster-contents.ts'

const fleet = 'adopt'
const catalog = loadCatalog(projectFile('examples/adopt/catalog.yaml'))
const applications = Object.fromEntries(catalog.users.map((user) => [user, `${user}-secret`]))
let dir = ''
let theirs: PlainCluster
let copy: Checkout

beforeAll(async () => {
  dir = mkdtempSync(join(tmpdir(), 'kbg-example-'))
  copy = new Checkout('adopt')
  theirs = await startPlainCluster({ version: '3.9.2', dir, hosts: ['127.0.91.1', '127.0.91.2', '127.0.91.3'], applications, clock: systemClock })
  await fillPlainCluster(theirs, catalog, applications)
}, 240_000)

afterAll(async () => {
  await endLocalFleet(copy.root, fleet)
  await copy.remove()
  await theirs?.stop()
  rmSync(dir, { recursive: true, force: true })
}, 120_000)

test('every line of its README does what it says, and green is live at its end', async () => {
  const said: Record<string, string> = {}
  for (const command of exampleCommands('adopt', 'In this order')) {
    said[command] = (await copy.run(command, 300)).output
    // "put the real passwords in"
    if (command.startsWith('chmod 600 ')) copyFileSync(theirs.credentialsFile, join(copy.root, 'adopt.credentials.json'))
  }
  const saidBy = (start: string) => Object.entries(said).find(([command]) => command.startsWith(start))?.[1] ?? ''
  expect(saidBy('npx kbg adopt')).toContain('nothing that was read rules out a step of a switchover')
  const written = loadCatalog(join(copy.root, 'catalog.yaml'))
  expect(written).toEqual({ ...catalog, groups: written.groups }) // its waves are as the groups are now
  expect(Object.keys(written.groups)).toEqual(Object.keys(catalog.groups))
  expect(saidBy('npx pulumi preview')).toMatch(/Switchover blue -> green/)
  expect(saidBy('npx kbg status')).toMatch(/producers write to green/)
  const { output } = await copy.run('npx pulumi preview -s adopt-blue --policy-pack policy', 120)
  expect(output).not.toMatch(/mandatory/)
}, 900_000)
