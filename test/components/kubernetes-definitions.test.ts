/** What the components declare of Strimzi's kinds, against Strimzi's own definitions. */
import { expect, test } from 'vitest'
import { parse } from 'yaml'
import { strimziApi } from '../../engine/model/strimzi-brokers.ts'
import { strimziDefinitions } from '../../tools/strimzi.ts'
import { declaredObjects, type KubernetesObject, spoiled } from '../support/kubernetes-declared.ts'
import { Definition, type StructuralSchema, schemaProblems } from '../support/structural-schema.ts'

const schemas = new Map<string, StructuralSchema>(
  strimziDefinitions().map((text) => {
    const { names, versions } = Definition.parse(parse(text)).spec
    return [names.kind, versions[0].schema.openAPIV3Schema]
  }),
)
const declared = (await declaredObjects()).filter(({ apiVersion }) => apiVersion === strimziApi)
/** Without its metadata, which are Kubernetes' own affair. */
const problemsOf = ({ metadata: _, ...object }: KubernetesObject) => schemaProblems(object, schemas.get(object.kind) ?? {}, object.kind)

test('every object is as its definition says', () => {
  expect(new Set(declared.map(({ kind }) => kind))).toEqual(new Set(schemas.keys()))
  expect(declared.flatMap(problemsOf)).toEqual([])
})

test.each([
  ['Kafka', 'spec/kafka/listeners/0/encrypted', true, 'Kafka.spec.kafka.listeners[0].encrypted: unknown'],
  ['Kafka', 'spec/kafka/listeners/0/port', 80, 'Kafka.spec.kafka.listeners[0].port: 80 is below 9092'],
  ['Kafka', 'spec/kafka/listeners', undefined, 'Kafka.spec.kafka.listeners: missing'],
  ['Kafka', 'spec/kafka/listeners/0/name', 'Internal', 'Kafka.spec.kafka.listeners[0].name: Internal should match ^[a-z0-9]{1,11}$'],
  ['KafkaNodePool', 'spec/storage/volumes/0/deleteClaim', 'no', 'KafkaNodePool.spec.storage.volumes[0].deleteClaim: no boolean'],
  ['KafkaNodePool', 'spec/roles', ['zookeeper'], 'KafkaNodePool.spec.roles[0]: zookeeper is none of controller, broker'],
  ['KafkaTopic', 'spec/partitions', 1.5, 'KafkaTopic.spec.partitions: not a whole number'],
  ['KafkaUser', 'spec/authentication', [], 'KafkaUser.spec.authentication: not an object'],
] as const)('%s with %s %j is seen', (kind, path, value, problem) => {
  const object = declared.find((each) => each.kind === kind && (kind !== 'KafkaUser' || each.metadata.name === 'shop'))
  expect(problemsOf(spoiled(object, path, value))).toContain(problem)
})
