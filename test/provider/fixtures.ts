import type { ClusterAccess } from '../../engine/model/cluster-access.ts'
import type { Colour } from '../../engine/model/colour.ts'
import type { Wiring } from '../../engine/model/wiring.ts'
import { systemClock } from '../../engine/ports/clock.ts'
import type { Call } from '../../provider/resource-definition.ts'

/** A call that keeps what it was told. */
export interface RecordedCall extends Call {
  readonly lines: string[]
  readonly warnings: string[]
}

export function recordedCall(cancelled: AbortSignal = new AbortController().signal): RecordedCall {
  const lines: string[] = []
  const warnings: string[] = []
  return {
    clock: systemClock,
    cancelled,
    lines,
    warnings,
    tell: ({ step, text }) => lines.push(`${step}: ${text}`),
    inform: (text) => lines.push(text),
    warn: (text) => warnings.push(text),
  }
}

export function accessOf(colour: Colour): ClusterAccess {
  const servers = (port: number): string[] => [`${colour}.invalid:${port}`]
  return {
    colour,
    clusterId: `cluster-${colour}`,
    kafkaVersion: '4.3.1',
    internalBootstrapServers: servers(9092),
    produceBootstrapServers: servers(9094),
    consumeBootstrapServers: servers(9095),
    credentialsFile: '/nowhere/credentials.json',
  }
}

export function wiringOf(fleet: string): Wiring {
  const worker = (colour: Colour) => ({
    colour,
    restUrl: `http://${colour}.invalid:8083`,
    groupId: `kbg-${fleet}-${colour}`,
    credentialsFile: '/nowhere/credentials.json',
    sourceLogin: ['$', '{file:/nowhere:source}'].join(''),
    targetLogin: ['$', '{file:/nowhere:target}'].join(''),
  })
  return {
    fleet,
    routeStore: { endpoints: ['store.invalid:2379'], username: 'kbg', credentialsFile: '/nowhere/credentials.json' },
    clusters: { blue: accessOf('blue'), green: accessOf('green') },
    workers: { blue: worker('blue'), green: worker('green') },
    audit: [{ url: 'http://audit.invalid:8084', credentialsFile: '/nowhere/credentials.json' }],
    guardians: [],
    topics: ['orders'],
    groups: ['billing'],
    waves: { 'wave-1': ['billing'] },
    unprovenGroups: {},
    hooks: [],
    publications: {},
  }
}
