/** Names, addresses and references of the simulated fleet. Nothing listens anywhere. */
import type { Colour } from '../../../engine/model/colour.ts'
import { Wiring } from '../../../engine/model/wiring.ts'

export const fleet = 'sim'
export const topic = 'orders'
/** The member of one reads and commits all the time, the other group has stopped somewhere. */
export const groups = { reading: 'billing', idle: 'archive' } as const

export const storeAccess = { endpoints: ['simulated:2379'], username: 'simulated', credentialsFile: 'none' }

/** The actor that is the guardian beside that colour. */
export function guardianName(colour: Colour): string {
  return `guardian ${colour}`
}

export function clusterIdOf(colour: Colour): string {
  return `id-of-${colour}`
}

const credentialsFile = 'none'
const reference = (key: string) => ['$', `{file:none:${key}}`].join('')
const login = { sourceLogin: reference('source'), targetLogin: reference('target') }

function accessOf(colour: Colour, kafkaVersion: string) {
  const addresses = {
    internalBootstrapServers: [`${colour}:9092`],
    produceBootstrapServers: [`${colour}:9094`],
    consumeBootstrapServers: [`${colour}:9095`],
  }
  return { colour, clusterId: clusterIdOf(colour), kafkaVersion, ...addresses, credentialsFile }
}

function workerOf(colour: Colour) {
  return { colour, restUrl: `http://${colour}:8083`, groupId: `kbg-sim-${colour}`, credentialsFile, ...login }
}

export const wiring: Wiring = Wiring.parse({
  fleet,
  routeStore: storeAccess,
  clusters: { blue: accessOf('blue', '3.9.2'), green: accessOf('green', '4.3.1') },
  workers: { blue: workerOf('blue'), green: workerOf('green') },
  topics: [topic],
  groups: Object.values(groups),
})
