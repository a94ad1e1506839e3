/**
 * A stand-in for Strimzi's operators: it writes the status that they would write, into the fields that they use, by a hand of its own. It makes nothing, checks nothing, and no broker runs: what an
 * operator says of a resource is what a test puts here.
 */
import { KbgError } from '../../engine/model/error.ts'
import type { KubeApiServer } from './kube-api-server.ts'
import type { KubernetesObject } from './kubernetes-declared.ts'

const ready = { conditions: [{ type: 'Ready', status: 'True', lastTransitionTime: '2026-01-01T00:00:00Z' }], observedGeneration: 1 }

/** What each operator reports of a kind, by Strimzi's definitions. */
function statusOf({ kind, metadata }: KubernetesObject): object {
  const host = `${metadata.name}-kafka-bootstrap.${metadata.namespace}.svc`
  switch (kind) {
    case 'Kafka':
      return {
        ...{ ...ready, clusterId: 'of-kafka-itself', kafkaVersion: '4.3.1', kafkaNodePools: [{ name: 'brokers' }, { name: 'controllers' }] },
        listeners: [{ name: 'internal', addresses: [{ host, port: 9_092 }], bootstrapServers: `${host}:9092`, certificates: ['-----BEGIN CERTIFICATE-----'] }],
      }
    case 'KafkaNodePool':
      return { ...ready, nodeIds: [1, 2, 3], roles: ['broker'], replicas: 3, clusterId: 'of-kafka-itself' }
    case 'KafkaUser':
      return { ...ready, username: metadata.name, secret: metadata.name }
    case 'KafkaTopic':
      return { ...ready, topicName: metadata.name }
    default:
      throw new KbgError('no-operator', `Strimzi has no operator for ${kind}.`)
  }
}

export async function reportReady(server: KubeApiServer, object: KubernetesObject): Promise<void> {
  await server.report(object, statusOf(object))
}
