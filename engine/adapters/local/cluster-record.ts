import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { z } from 'zod'
import { endpointText, type NodeAddresses } from '../../model/addresses.ts'
import type { ClusterAccess } from '../../model/cluster-access.ts'
import type { Colour } from '../../model/colour.ts'
import { KbgError } from '../../model/error.ts'
import { LocalClusterSpec } from './cluster-spec.ts'
import { writePrivately } from './credentials.ts'
import { caFile, colourDirectory, credentialsPath } from './state.ts'

const Endpoint = z.strictObject({ host: z.string(), port: z.int().positive() })
const Node = z.strictObject({ nodeId: z.int(), internal: Endpoint, controller: Endpoint, produce: Endpoint, consume: Endpoint })

/** What `cluster.json` holds: a colour as it was provisioned. Addresses are kept, so that a later version that plans them otherwise finds it. */
const ClusterRecord = z.strictObject({
  version: z.literal(1),
  spec: LocalClusterSpec,
  clusterId: z.string().min(1),
  addresses: z.strictObject({ nodes: z.array(Node).min(1).readonly(), connectRest: Endpoint }),
  /** True from the moment on when the first provisioning had finished, fence included. */
  complete: z.boolean(),
})
export type ClusterRecord = z.infer<typeof ClusterRecord>

function recordFile(projectRoot: string, fleet: string, colour: Colour): string {
  return join(colourDirectory(projectRoot, fleet, colour), 'cluster.json')
}

/** The colour's record; undefined if there is none. @throws KbgError `cluster-record` when it can't be read as one */
export function readClusterRecord(projectRoot: string, fleet: string, colour: Colour): ClusterRecord | undefined {
  const file = recordFile(projectRoot, fleet, colour)
  if (!existsSync(file)) return undefined
  const parsed = ClusterRecord.safeParse(parseJson(readFileSync(file, 'utf8')))
  if (parsed.success) return parsed.data
  throw new KbgError('cluster-record', `What was written down about ${colour} of fleet ${fleet} is damaged.`, {
    facts: { file, problems: parsed.error.issues.map((issue) => `${issue.path.map(String).join('.')}: ${issue.message}`) },
    remedy: 'Restore the file, or destroy this colour and provision it again.',
  })
}

export function writeClusterRecord(projectRoot: string, record: ClusterRecord): void {
  writePrivately(recordFile(projectRoot, record.spec.fleet, record.spec.colour), `${JSON.stringify(record, null, 2)}\n`)
}

/** How to reach a recorded colour. */
export function accessOf(projectRoot: string, record: ClusterRecord): ClusterAccess {
  const { spec, addresses, clusterId } = record
  const servers = (listener: 'internal' | 'produce' | 'consume'): string[] => addresses.nodes.map((node: NodeAddresses) => endpointText(node[listener]))
  return {
    colour: spec.colour,
    clusterId,
    kafkaVersion: spec.kafkaVersion,
    internalBootstrapServers: servers('internal'),
    produceBootstrapServers: servers('produce'),
    consumeBootstrapServers: servers('consume'),
    credentialsFile: credentialsPath(projectRoot, spec.fleet),
    ...(spec.tls ? { caFile: caFile(projectRoot, spec.fleet) } : {}),
  }
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined // the schema refuses it, and the message names the file
  }
}
