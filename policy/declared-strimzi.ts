import type { PolicyResource } from '@pulumi/policy'
import { z } from 'zod'
import { canaryTopic, platformUsers } from '../engine/model/cluster-access.ts'
import { colours } from '../engine/model/colour.ts'
import type { Real } from './declared.ts'
import { type Known, read } from './judging/known.ts'

/** What Strimzi's resources make on a colour, in the words of an inventory; this project's own topics and users are none of it. */

const Topic = z.object({ topicName: z.string(), partitions: z.int(), replicas: z.int(), config: z.record(z.string(), z.coerce.string()).default({}) })

const Acl = z.object({
  type: z.enum(['allow', 'deny']),
  host: z.string().default('*'),
  resource: z.object({
    type: z.enum(['topic', 'group', 'cluster', 'transactionalId']),
    name: z.string().default('kafka-cluster'),
    patternType: z.enum(['literal', 'prefix']).default('literal'),
  }),
  operations: z.array(z.string()),
})
const User = z.object({
  authorization: z.object({ acls: z.array(Acl).default([]) }).optional(),
  quotas: z.object({ producerByteRate: z.number().optional(), consumerByteRate: z.number().optional(), requestPercentage: z.number().optional() }).optional(),
})

const resourceTypes = { topic: 'Topic', group: 'Group', cluster: 'Cluster', transactionalId: 'TransactionalID' } as const
const quotaNames = { producerByteRate: 'producer_byte_rate', consumerByteRate: 'consumer_byte_rate', requestPercentage: 'request_percentage' } as const

export function strimziReal(resource: PolicyResource): Known<readonly Real[]> {
  return resource.type.endsWith(':KafkaTopic') ? topicLines(resource) : userLines(resource)
}

function topicLines(resource: PolicyResource): Known<readonly Real[]> {
  const spec = read(resource, 'spec', Topic)
  if (spec.kind === 'unknown') return spec
  const { topicName, partitions, replicas, config } = spec.value
  if (colours.map(canaryTopic).includes(topicName)) return { kind: 'known', value: [] }
  const values = { partitions: String(partitions), replicationFactor: String(replicas), ...config }
  const lines = Object.entries(values).map(([property, value]) => ({ where: `topic ${topicName}`, property, value, urn: resource.urn }))
  return { kind: 'known', value: lines }
}

function userLines(resource: PolicyResource): Known<readonly Real[]> {
  const metadata = read(resource, 'metadata', z.object({ name: z.string() }))
  if (metadata.kind === 'unknown') return metadata
  const spec = read(resource, 'spec', User)
  if (spec.kind === 'unknown') return spec
  const { name } = metadata.value
  if (Object.values<string>(platformUsers).includes(name)) return { kind: 'known', value: [] }
  const { authorization, quotas = {} } = spec.value
  const declared = (where: string): Real => ({ where, property: 'declared', value: 'declared', urn: resource.urn })
  const acls = (authorization?.acls ?? []).flatMap(({ type, host, resource: { type: of, name: on, patternType }, operations }) =>
    operations.map((operation) => {
      const permission = type === 'allow' ? 'Allow' : 'Deny'
      return declared(
        `acl ${[`User:${name}`, host, operation, permission, resourceTypes[of], on, patternType === 'prefix' ? 'Prefixed' : 'Literal'].join('|')}`,
      )
    }),
  )
  const limits = Object.entries(quotaNames).flatMap(([key, property]) => {
    const value = quotas[key as keyof typeof quotaNames]
    return value === undefined ? [] : [{ where: `quota of ${name}`, property, value: String(value), urn: resource.urn }]
  })
  return { kind: 'known', value: [declared(`user ${name}`), ...acls, ...limits] }
}
