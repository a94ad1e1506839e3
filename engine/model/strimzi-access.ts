import { z } from 'zod'
import type { ClusterAccess } from './cluster-access.ts'
import { Colour } from './colour.ts'
import { colourNamespace, KubernetesName, kafkaName, kubernetesPorts } from './kubernetes-network.ts'

/** A colour on Strimzi, as the other stacks read it. */
export const StrimziColour = z.strictObject({
  fleet: z.string().min(1),
  colour: Colour,
  /** Of the kubeconfig. */
  context: z.string().min(1),
  namespace: KubernetesName,
  /** Kafka's own. */
  clusterId: z.string().min(1),
  kafkaVersion: z.string().min(1),
  brokerIds: z.array(z.int().nonnegative()).min(1),
  /** Certificate (PEM) of the authority that has signed the brokers' certificates. */
  authority: z.string().min(1),
  /** The fleet's file, as its stacks find it. */
  credentialsFile: z.string().min(1),
})
export type StrimziColour = z.infer<typeof StrimziColour>

/** Where pods of this project find what they are given: certificates of both colours' authorities, and the credentials file. */
export const podFiles = {
  authorities: '/mnt/kbg/authorities',
  authority: (colour: Colour) => `/mnt/kbg/authorities/${colour}.crt`,
  credentials: '/mnt/kbg/credentials/credentials.json',
} as const

/** How pods of this project reach a colour: each broker by its own name, which its certificate has too. */
export function accessInPods({
  fleet,
  colour,
  clusterId,
  kafkaVersion,
  brokerIds,
}: Pick<StrimziColour, 'fleet' | 'colour' | 'clusterId' | 'kafkaVersion'> & { readonly brokerIds: readonly number[] }): ClusterAccess {
  const brokers = `${kafkaName(colour)}-kafka-brokers.${colourNamespace(fleet, colour)}.svc`
  const servers = (port: number) => brokerIds.map((id) => `${kafkaName(colour)}-brokers-${id}.${brokers}:${port}`)
  return {
    ...{ colour, clusterId, kafkaVersion },
    internalBootstrapServers: servers(kubernetesPorts.internal),
    produceBootstrapServers: servers(kubernetesPorts.produce),
    consumeBootstrapServers: servers(kubernetesPorts.consume),
    credentialsFile: podFiles.credentials,
    caFile: podFiles.authority(colour),
  }
}
