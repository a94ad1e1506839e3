import { CustomResource } from '@pulumi/kubernetes/apiextensions/customResource.js'
import { ConfigMap } from '@pulumi/kubernetes/core/v1/configMap.js'
import { Secret } from '@pulumi/kubernetes/core/v1/secret.js'
import * as pulumi from '@pulumi/pulumi'
import { type Colour, colours } from '../../engine/model/colour.ts'
import {
  authoritiesName,
  kubernetesWorkerProperties,
  mirrorKafkaVersion,
  mirrorName,
  workerDeployment,
  workerPasswordNames,
  workerSecrets,
  workerService,
} from '../../engine/model/kubernetes-mirror.ts'
import { connectorPromises, workerPromises } from '../../engine/model/mirror-template.ts'
import { propertiesText } from '../../engine/model/properties.ts'
import type { StrimziColour } from '../../engine/model/strimzi-access.ts'
import { filedPassword } from '../catalog/credentials.ts'

export interface KubernetesMirrorArgs {
  /** As the colours' own stacks say. */
  readonly colours: Readonly<Record<Colour, StrimziColour>>
}

/**
 * The mirror's workers, one beside each colour. Connectors aren't resources: which direction runs is the switchover's decision, and no `up` may revive one. Their template is
 * `engine/model/mirror-template.ts`.
 */
export class KubernetesMirror extends pulumi.ComponentResource {
  constructor(name: string, args: KubernetesMirrorArgs, opts?: pulumi.ComponentResourceOptions) {
    super('kbg:mirror:KubernetesMirror', name, {}, opts)
    const child = { parent: this }
    const authorities = Object.fromEntries(colours.map((colour) => [`${colour}.crt`, args.colours[colour].authority]))
    for (const colour of colours) this.#worker(`${name}-into-${colour}`, args.colours[colour], authorities, child)
    // For policies: connectors aren't resources, so what they are made with is said here.
    this.registerOutputs({ promises: { version: mirrorKafkaVersion, connector: connectorPromises(), worker: workerPromises } })
  }

  #worker(name: string, target: StrimziColour, authorities: Readonly<Record<string, string>>, child: pulumi.CustomResourceOptions): void {
    const named = (object: string) => ({ metadata: { name: object, namespace: target.namespace } })
    const properties = new ConfigMap(name, { ...named(mirrorName), data: { 'worker.properties': propertiesText(kubernetesWorkerProperties(target)) } }, child)
    const trusted = new ConfigMap(`${name}-authorities`, { ...named(authoritiesName), data: authorities }, child)
    const passwords = pulumi.all(Object.fromEntries(workerPasswordNames.map((each) => [each, filedPassword(target.credentialsFile, each)])))
    const stringData = passwords.apply((known) => workerSecrets((each) => known[each] ?? ''))
    const logins = new Secret(name, { ...named(mirrorName), stringData }, child)
    const service = new CustomResource(`${name}-service`, { ...workerService(target) }, child)
    new CustomResource(name, { ...workerDeployment(target) }, { ...child, dependsOn: [properties, trusted, logins, service] })
  }
}
