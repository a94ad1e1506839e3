import { z } from 'zod'
import { NetworkSpec, smallestZoneCount, ZoneLetter } from './aws-network.ts'
import { CaFile } from './cluster-access.ts'
import { Colour } from './colour.ts'
import { MskSpec } from './msk-brokers.ts'
import { ClientNetworks, NetworkAccess } from './network-access.ts'

const AccountId = z.string().regex(/^\d{12}$/, "an account's 12 digits, in quotes")
export const Region = z.string().regex(/^[a-z]{2}(?:-[a-z]+)+-\d$/, 'a region, for example eu-central-1')

/** What a stack says of a colour on AWS beside version and broker properties: where it is, how large, and who reaches it. */
export const AwsSettings = z.strictObject({
  /** Nothing is made in another one. */
  account: AccountId,
  region: Region,
  environment: NetworkSpec.shape.environment.default('production'),
  /** Private space of the organization's fleets, see {@link NetworkSpec}. */
  pool: NetworkSpec.shape.pool.default('10.0.0.0/8'),
  zones: NetworkSpec.shape.zones.default(ZoneLetter.options.slice(0, smallestZoneCount)),
  instanceType: MskSpec.shape.instanceType,
  brokersPerZone: MskSpec.shape.brokersPerZone.default(1),
  storageGib: MskSpec.shape.storageGib,
  maxStorageGib: MskSpec.shape.maxStorageGib,
  clients: ClientNetworks.default(ClientNetworks.parse({})),
  /** File with the passwords of the catalog's users and of this project's own, see CredentialsFile. */
  credentialsFile: z.string().min(1),
  /** SNS topics that alarms go to. */
  alarmTopics: z.array(z.string().regex(/^arn:aws[a-z-]*:sns:/, 'the ARN of an SNS topic')).default([]),
  /** This stack is run from one of `clients.operators`, with the operator's role. Left out, nothing is asked of the brokers and nothing made on them. */
  access: z
    .strictObject({
      /** Whom to trust behind MSK's certificates: a file with Amazon's roots, for example the system's bundle. */
      caFile: CaFile,
    })
    .optional(),
})
export type AwsSettings = z.infer<typeof AwsSettings>

/** A colour on Amazon MSK, as the other stacks read it. */
export const MskColour = z.strictObject({
  colour: Colour,
  account: AccountId,
  region: Region,
  environment: z.string().min(1),
  arn: z.string().min(1),
  keyArn: z.string().min(1),
  /** `host:port,host:port` by login: applications use SCRAM and are fenced by ACLs; IAM is the platform's, and ACLs don't reach it. */
  addresses: z.strictObject({ scram: z.string().min(1), iam: z.string().min(1) }),
  network: NetworkAccess,
})
export type MskColour = z.infer<typeof MskColour>

/** The two halves of a colour's settings, as planners take them. */
export function awsSpecs(fleet: string, colour: Colour, kafkaVersion: string, brokerConfig: Readonly<Record<string, string>>, settings: AwsSettings) {
  const { environment, pool, zones, instanceType, brokersPerZone, storageGib, maxStorageGib } = settings
  const network: NetworkSpec = { pool, environment, fleet, colour, zones }
  const brokers: MskSpec = { kafkaVersion, instanceType, brokersPerZone, storageGib, maxStorageGib, brokerConfig }
  return { network, brokers }
}
