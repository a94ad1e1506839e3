import { z } from 'zod'
import { MskColour, Region } from './aws-colour.ts'
import { CaFile, type ClusterAccess, platformUsers } from './cluster-access.ts'
import { Colour } from './colour.ts'
import { FleetName } from './fleet.ts'
import { RouteStoreAccess } from './wiring.ts'

/** A colour on MSK, as somebody in an operators' network makes it one. No secret: the operator's role is this process's own, the probe's password stands in the file. */
export const MskBirthSpec = z.strictObject({
  fleet: FleetName,
  colour: Colour,
  /** As the names of its mirror's connectors have it. */
  environment: z.string().min(1),
  /** As MSK names it. */
  kafkaVersion: z.string().min(1),
  region: Region,
  /** Brokers that have to answer, and to refuse. */
  brokers: z.int().positive(),
  addresses: MskColour.shape.addresses,
  credentialsFile: z.string().min(1),
  caFile: CaFile,
  /** Where a route may say that the colour is in use; null: where the local platform puts the fleet's store. */
  routeStore: RouteStoreAccess.nullable(),
})
export type MskBirthSpec = z.infer<typeof MskBirthSpec>

/** How this project's processes reach a colour on MSK (ADR 14): themselves and the mirror's connectors as roles, whom no fence stops, the probe and applications by password, whom it does. */
export function mskAccess(spec: MskBirthSpec, clusterId: string): ClusterAccess {
  const { colour, kafkaVersion, region, addresses, credentialsFile, caFile } = spec
  const role = { mechanism: 'AWS_MSK_IAM', region } as const
  const applications = addresses.scram.split(',')
  return {
    ...{ colour, clusterId, kafkaVersion, credentialsFile, caFile },
    internalBootstrapServers: addresses.iam.split(','),
    produceBootstrapServers: applications,
    consumeBootstrapServers: [...applications],
    users: { operator: role, mirror: { ...role }, probe: { username: platformUsers.probe, mechanism: 'SCRAM-SHA-512' }, others: [] },
  }
}
