import { z } from 'zod'
import { unmirrorableBecause } from './mirror-template.ts'

const KafkaName = z
  .string()
  .min(1)
  .max(249)
  .regex(/^[a-zA-Z0-9._-]+$/, 'letters, digits, dot, underscore and dash')
  .refine((name) => name !== '.' && name !== '..', 'not . or ..')

/** Topic names that belong to the tool itself or to Kafka; a catalog can't declare them. */
export const reservedTopicPrefixes = ['__', 'kbg.', 'connect-', 'mm2-'] as const

const TopicSpec = z.strictObject({
  partitions: z.int().positive().max(10_000),
  replicationFactor: z.int().positive().default(3),
  /** Kafka's topic configuration as text, for example `cleanup.policy: compact`. */
  config: z.record(z.string(), z.union([z.string(), z.number(), z.boolean()], { error: 'text, a number, true or false' }).transform(String)).default({}),
})
export type TopicSpec = z.infer<typeof TopicSpec>

export const AclSpec = z.strictObject({
  principal: z.string().regex(/^User:.+$/, 'User:<name>'),
  resourceType: z.enum(['Topic', 'Group', 'Cluster', 'TransactionalID']),
  resourceName: z.string().min(1),
  patternType: z.enum(['Literal', 'Prefixed']).default('Literal'),
  operation: z.enum(['All', 'Read', 'Write', 'Create', 'Delete', 'Alter', 'Describe', 'DescribeConfigs', 'AlterConfigs', 'IdempotentWrite', 'ClusterAction']),
  permission: z.enum(['Allow', 'Deny']).default('Allow'),
  host: z.string().default('*'),
  /** Names a topic or group that the catalog doesn't declare, and is meant to: one that was, or will be, there. */
  dormant: z.literal(true).optional(),
})
export type AclSpec = z.infer<typeof AclSpec>

const QuotaSpec = z.strictObject({
  user: z.string().min(1),
  producerByteRate: z.number().positive().optional(),
  consumerByteRate: z.number().positive().optional(),
  requestPercentage: z.number().positive().optional(),
})
export type QuotaSpec = z.infer<typeof QuotaSpec>

const GroupSpec = z.strictObject({
  /** Waves move in this order, the least critical first. Groups without one move with the producers. */
  wave: z.int().positive().max(9_999).optional(),
  /** Reads and writes in one application: moves with the producers. */
  alsoProduces: z.boolean().default(false),
})
export type GroupSpec = z.infer<typeof GroupSpec>

/** A SCRAM user that the platform can make. */
export const UserName = z.string().regex(/^[a-zA-Z0-9._-]{1,64}$/)

/** What must exist on both colours: declared once in `catalog.yaml`. */
export const Catalog = z.strictObject({
  topics: z.record(
    KafkaName.refine((name) => !reservedTopicPrefixes.some((prefix) => name.startsWith(prefix)), { error: 'a reserved name', abort: true }).refine(
      (name) => unmirrorableBecause(name) === null,
      { error: (issue) => `MirrorMaker 2 would leave it out: it ${unmirrorableBecause(String(issue.input))}` },
    ),
    TopicSpec,
  ),
  users: z.array(UserName).default([]),
  /** Users of bindings and quotas that don't log in by SCRAM (a certificate's subject, for one), or not any more: nobody makes them. */
  principals: z.array(z.string().min(1)).default([]),
  acls: z.array(AclSpec).default([]),
  quotas: z.array(QuotaSpec).default([]),
  groups: z.record(z.string().min(1), GroupSpec).default({}),
})
export type Catalog = z.infer<typeof Catalog>
