/** `examples/kubernetes` and `examples/msk-to-kubernetes` in previews on the recording stand-ins for both clouds' plugins: that shows what the programs declare and how it is judged, not that a cloud would take it. */
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { type Colour, colours } from '../../../engine/model/colour.ts'
import { strimziUserNames } from '../../../engine/model/strimzi-catalog.ts'
import { loadCatalog } from '../../../infra/catalog.ts'
import type { Checkout } from '../../support/checkout.ts'
import { fencedCommands } from '../../support/docs-commands.ts'
import { withEdits } from '../../support/edits.ts'
import { mskColour } from '../../support/msk-colour.ts'
import { previewed } from '../../support/previewed.ts'
import { importStack, withRecordingProviders } from '../../support/recorded.ts'
import { strimziColour } from '../../support/strimzi-colour.ts'
import { betweenUsers, writeCertificates } from '../../support/traffic-pods.ts'
import type { Tried } from '../main.ts'
import { foundIn, foundTable } from './found.ts'
import { kubernetesPlants } from './kubernetes-plants.ts'
import { judgedFine, plantsFound } from './run.ts'

/** Fleets of the examples, by their directory. */
export const exampleFleets = { kubernetes: 'k8s', 'msk-to-kubernetes': 'move' } as const

/** Types what an example's README says before its previews, and writes the passwords and certificates that it asks for. @returns the previews that it says */
export async function startExample(copy: Checkout, example: keyof typeof exampleFleets): Promise<readonly string[]> {
  const commands = fencedCommands(readFileSync(join(copy.root, 'examples', example, 'README.md'), 'utf8')).map(({ command }) => command)
  const previews = commands.filter((command) => command.includes(' preview '))
  for (const command of commands.filter((each) => !previews.includes(each))) await copy.run(command)
  const users = [...strimziUserNames(loadCatalog(join(copy.root, 'catalog.yaml'))), ...betweenUsers]
  const passwords = Object.fromEntries(users.map((user) => [user, `secret of ${user}`]))
  writeFileSync(join(copy.root, '.kbg', `${exampleFleets[example]}-credentials.json`), JSON.stringify({ version: 1, passwords }), { mode: 0o600 })
  writeCertificates((short) => join(copy.root, '.kbg', `${exampleFleets[example]}-${short}`))
  return previews
}

/** A colour of `examples/kubernetes` as if it had been brought up. */
export function importStrimzi(copy: Checkout, colour: Colour): Promise<void> {
  const strimzi = { ...strimziColour(colour), fleet: 'k8s', namespace: `kbg-k8s-${colour}` }
  return importStack(copy, `k8s-${colour}`, { strimzi })
}

/** Every stack of both examples green, and one red with everything planted at once. @param copy is changed for good */
export async function kubernetesPreviews(copy: Checkout, say: (line: string) => void): Promise<readonly Tried[]> {
  const end = withRecordingProviders(copy)
  try {
    await startExample(copy, 'kubernetes')
    await startExample(copy, 'msk-to-kubernetes')
    const green: Tried[] = []
    for (const fleet of Object.values(exampleFleets)) for (const colour of colours) green.push(await judgedFine(copy, `${fleet}-${colour}`))
    for (const colour of colours) await importStrimzi(copy, colour)
    green.push(await judgedFine(copy, 'k8s-traffic'))
    green.push(await movesNothing(copy))
    const edits = kubernetesPlants.flatMap((plant) => plant.edits)
    const red = [await withEdits(copy.root, edits, async () => (await previewed(copy, 'k8s-blue')).preview)]
    const found = foundIn(kubernetesPlants, red)
    say(foundTable(found))
    return [...green, ...plantsFound(found, red)]
  } finally {
    end()
  }
}

/** With one colour on MSK and one on Kubernetes the traffic stack that `kbg init` makes is refused by name. */
async function movesNothing(copy: Checkout): Promise<Tried> {
  await importStack(copy, 'move-blue', { msk: mskColour('blue') })
  await importStack(copy, 'move-green', { strimzi: strimziColour('green') })
  const { exitCode, output } = await previewed(copy, 'move-traffic')
  // Both stacks are read at once; the one that answers first is named.
  const isRefused =
    exitCode !== 0 &&
    /no-switchover: The stack move-(?:blue stands on Amazon MSK|green stands on Kubernetes), and this traffic stack moves traffic between colours on local and external only\./.test(
      output,
    )
  return { what: 'traffic between MSK and Kubernetes is refused by name', problem: isRefused ? '' : output }
}
