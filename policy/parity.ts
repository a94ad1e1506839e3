import type { PolicyResource } from '@pulumi/policy'
import { compareBrokers, compareVersions, isWholeLine } from '../engine/model/broker-inventory.ts'
import { Colour, type Colour as ColourName, otherColour } from '../engine/model/colour.ts'
import { shownValue } from '../engine/model/credential-name.ts'
import { type ColourInventory, type InventoryDifference, inventoryDifferences } from '../engine/model/inventory.ts'
import { nounOf, readInventories } from './inventories.ts'
import { type Finding, type Judgement, rule } from './judging/rule.ts'

/** Blue against green, by what both are declared to hold: of a pull request, before anything is deployed. */

type Both = Readonly<Record<ColourName, ColourInventory>> & { readonly urn: string }

/** Judges two readable inventories; what is missing is a finding, because parity was not shown. */
function compared(
  resources: readonly PolicyResource[],
  judge: (both: Both) => readonly Finding[],
  unknownOf: (both: Both) => readonly string[] = () => [],
): Judgement {
  const inventories = readInventories(resources)
  switch (inventories.kind) {
    case 'no colour':
      return { findings: [], unknown: [] }
    case 'unknown':
      return { findings: [], unknown: [inventories.why] }
    case 'missing':
      return {
        findings: [{ where: 'both colours', property: 'inventories', observed: inventories.why, required: 'both, in one Parity component' }],
        unknown: [],
      }
    case 'read':
      return { findings: judge(inventories), unknown: unknownOf(inventories) }
  }
}

function differences({ blue, green, urn }: Both, areas: readonly InventoryDifference['area'][]): readonly Finding[] {
  return inventoryDifferences(blue, green)
    .filter(({ area }) => areas.includes(area))
    .map(({ area, name, property, blue: onBlue, green: onGreen }) => ({
      ...{ where: `${nounOf[area]} ${name}`, property, urn },
      ...{ observed: `${onBlue} on blue and ${onGreen} on green`, required: 'the same on both' },
    }))
}

export const parityTopics = rule({
  name: 'parity-topics',
  displayName: 'Topics of both colours are equal',
  description:
    'Blue and green hold the same topics with the same partitions, replicas and configs, also those that topics inherit from their brokers (message size, timestamp type, retention).',
  severity: 'critical',
  level: 'mandatory',
  remedy: 'Declare it the same for both: in catalog.yaml, or in the brokerConfig of both stack files.',
  settings: {},
  judge: (resources) => compared(resources, (both) => differences(both, ['topics'])),
})

export const parityAccess = rule({
  name: 'parity-access',
  displayName: 'ACLs, users, quotas and groups of both colours are equal',
  description: 'Blue and green have the same bindings of every resource type, the same users, quotas and consumer groups.',
  severity: 'high',
  level: 'mandatory',
  remedy: 'Declare it once, in catalog.yaml: both colours take it from there.',
  settings: {},
  judge: (resources) => compared(resources, (both) => differences(both, ['acls', 'users', 'quotas', 'groups'])),
})

export const parityBrokers = rule({
  name: 'parity-brokers',
  displayName: 'Brokers of both colours are equal',
  description:
    'Blue and green have as many brokers, of the same instance class, storage and configuration, with the same listeners, encryption and authentication.',
  severity: 'high',
  level: 'mandatory',
  remedy: 'Make it the same in both stack files; when the difference is what this switchover is for, declare an exception with a reason and an expiry date.',
  settings: {},
  judge: (resources) =>
    compared(
      resources,
      ({ blue, green, urn }) =>
        compareBrokers(blue.brokers, green.brokers).differing.map(({ property, blue: onBlue, green: onGreen }) => ({
          ...{ where: 'brokers', property, urn },
          ...{ observed: `${shownValue(property, onBlue)} on blue and ${shownValue(property, onGreen)} on green`, required: 'the same on both' },
        })),
      ({ blue, green }) => compareBrokers(blue.brokers, green.brokers).unknown,
    ),
})

export const parityVersion = rule({
  name: 'parity-version',
  displayName: 'The newer colour is not older',
  description:
    'The colour that is meant to be the newer one runs at least the other one’s Kafka version: records, features and formats of the newer one can not always be carried back.',
  severity: 'high',
  level: 'mandatory',
  remedy: 'Raise kafkaVersion in its stack file, or say in this policy’s configuration (`newer`) that the other colour is now the newer one.',
  settings: { newer: Colour.default('green') },
  judge: (resources, settings) =>
    compared(
      resources,
      (both) => {
        const newer = settings.newer as ColourName
        const { version, other } = versionsOf(both, newer)
        if (isUndecided(version, other) || compareVersions(version, other) >= 0) return []
        return [
          {
            where: `brokers of ${newer}`,
            property: 'kafkaVersion',
            observed: version,
            required: `at least ${other}, as ${otherColour(newer)} has`,
            urn: both.urn,
          },
        ]
      },
      (both) => {
        const { version, other } = versionsOf(both, settings.newer as ColourName)
        return isUndecided(version, other) ? [`kafkaVersion: ${version} and ${other} are of one line, and one of them is any version of it`] : []
      },
    ),
})

function versionsOf(both: Both, newer: ColourName): { readonly version: string; readonly other: string } {
  return { version: both[newer].brokers.kafkaVersion, other: both[otherColour(newer)].brokers.kafkaVersion }
}

/** Whether one is a whole line that the other is of: only two names of one platform are the same then. */
function isUndecided(version: string, other: string): boolean {
  const line = (each: string) => each.split('.', 2).join('.')
  return version !== other && line(version) === line(other) && (isWholeLine(version) || isWholeLine(other))
}
