import { z } from 'zod'
import type { Colour } from './colour.ts'
import { ImageName } from './kubernetes-birth.ts'
import { KubernetesNetwork } from './kubernetes-network.ts'
import { type StrimziPlace, StrimziSpec } from './strimzi-brokers.ts'

/** What a stack says of a colour on Kubernetes beside version and broker properties: where it is, how large, and who reaches it. */
export const KubernetesSettings = z.strictObject({
  /** Of the kubeconfig: nothing is made in another cluster. */
  context: z.string().min(1),
  ...KubernetesNetwork.shape,
  ...StrimziSpec.omit({ kafkaVersion: true, brokerConfig: true }).shape,
  image: ImageName,
  /** File with the passwords of the catalog's users and of this project's own, the same in all stacks of a fleet, see CredentialsFile. */
  credentialsFile: z.string().min(1),
})
export type KubernetesSettings = z.infer<typeof KubernetesSettings>

/** The two halves of a colour's settings, as planners take them. */
export function kubernetesSpecs(
  fleet: string,
  colour: Colour,
  kafkaVersion: StrimziSpec['kafkaVersion'],
  brokerConfig: Readonly<Record<string, string>>,
  settings: KubernetesSettings,
): { readonly place: StrimziPlace; readonly brokers: StrimziSpec } {
  const { producers, consumers, apiServers, apiServerPort, brokers, storageGib, storageClass, cpu, memoryGib, zoneLabel } = settings
  return {
    place: { fleet, colour, network: { producers, consumers, apiServers, apiServerPort } },
    brokers: { kafkaVersion, brokers, storageGib, storageClass, cpu, memoryGib, zoneLabel, brokerConfig },
  }
}
