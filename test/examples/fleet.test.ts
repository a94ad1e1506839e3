/** `examples/fleet`, typed line by line as its README says it: two fleets in one stack, one of them switched. Run by `npm run test:examples`. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { Checkout } from '../support/checkout.ts'
import { exampleCommands, fencedCommands } from '../support/docs-commands.ts'
import { endLocalFleet } from '../support/local-fleet.ts'

let copy: Checkout

beforeAll(() => {
  copy = new Checkout('fleets')
})
afterAll(async () => {
  for (const fleet of ['shop', 'ledger']) await endLocalFleet(copy.root, fleet)
  await copy.remove()
}, 120_000)

test('every line of its README does what it says: one fleet is switched and the other is not touched', async () => {
  const commands = exampleCommands('fleet', 'In this order')
  expect(fencedCommands(readFileSync(join(copy.root, 'examples', 'fleet', 'README.md'), 'utf8')).map(({ command }) => command)).toEqual(commands)
  const status = (fleet: string) => copy.run(`KBG_PROJECT=examples/fleet KBG_STACK=dev npx kbg status --fleet ${fleet}`, 60)
  const said: Record<string, string[]> = {}
  for (const command of commands) {
    if (command.includes('config set end')) {
      expect((await status('shop')).output).toMatch(/producers write to green/)
      expect((await status('ledger')).output).toMatch(/epoch 1, producers write to blue/)
    }
    said[command] = [...(said[command] ?? []), (await copy.run(command, 600)).output]
  }
  const saidBy = (part: string) => Object.entries(said).find(([command]) => command.includes(part))?.[1] ?? []
  expect(saidBy(' preview ').join()).not.toMatch(/mandatory/)
  expect(saidBy('npx kbg status').join()).toMatch(/epoch 1, producers write to blue/)
  expect(saidBy('fleet up')).toHaveLength(3)
}, 2_400_000)
