import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { parse } from 'yaml'
import { brokersOfColour } from '../components/cluster/colour.ts'
import { awsSpecs } from '../engine/model/aws-colour.ts'
import type { BrokerInventory } from '../engine/model/broker-inventory.ts'
import type { Catalog } from '../engine/model/catalog.ts'
import { type Colour, colours } from '../engine/model/colour.ts'
import { stackName } from '../engine/model/fleet.ts'
import { type ColourInventory, inventoryOf } from '../engine/model/inventory.ts'
import { kubernetesSpecs } from '../engine/model/kubernetes-colour.ts'
import { mskBrokers } from '../engine/model/msk-brokers.ts'
import { strimziBrokers } from '../engine/model/strimzi-brokers.ts'
import { type ColourConfig, loadConfig } from './config.ts'

/** Both colours' inventories; undefined for a colour that has no stack file yet. */
export type Inventories = Readonly<Record<Colour, ColourInventory | undefined>>

/**
 * What the checkout declares for each colour of a fleet: the catalog and the two stack files. Not what is deployed:
 * a pull request is judged by what it changes.
 *
 * @param projectDir the directory of the stack files
 * @param project the Pulumi project's name
 * @throws KbgError `config` when a stack file is wrong
 */
export function bothInventories(projectDir: string, project: string, fleet: string, catalog: Catalog): Inventories {
  const of = (colour: Colour): ColourInventory | undefined => {
    const stack = stackName({ fleet, role: colour })
    const values = stackFileConfig(join(projectDir, `Pulumi.${stack}.yaml`))
    if (values === undefined) return undefined
    const config = loadConfig(project, stack, values)
    return config.role === 'colour' ? inventoryOf(colour, catalog, brokersOf(config)) : undefined
  }
  const [blue, green] = colours.map(of)
  return { blue, green }
}

/** A colour's brokers as its configuration declares them. */
export function brokersOf(config: ColourConfig): BrokerInventory {
  switch (config.platform) {
    case 'local':
    case 'external':
      return brokersOfColour(config)
    case 'aws': {
      const { brokers, network } = awsSpecs(config.fleet, config.colour, config.kafkaVersion, config.brokerConfig, config.aws)
      return mskBrokers(brokers, network)
    }
    case 'kubernetes': {
      const { fleet, colour, kafkaVersion, brokerConfig, kubernetes } = config
      return strimziBrokers(colour, kubernetesSpecs(fleet, colour, kafkaVersion, brokerConfig, kubernetes).brokers)
    }
  }
}

/** A stack file's configuration in the form that Pulumi hands it to a program: text, objects as JSON. Undefined when there is no such file. */
export function stackFileConfig(file: string): Record<string, string> | undefined {
  if (!existsSync(file)) return undefined
  const { config = {} } = (parse(readFileSync(file, 'utf8')) ?? {}) as { config?: Record<string, unknown> }
  return Object.fromEntries(Object.entries(config).map(([key, value]) => [key, typeof value === 'object' ? JSON.stringify(value) : String(value)]))
}
