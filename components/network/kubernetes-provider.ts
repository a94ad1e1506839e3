import { Provider } from '@pulumi/kubernetes/provider.js'
import type * as pulumi from '@pulumi/pulumi'

/** Talks to one cluster by its context's name, whichever one the machine's kubeconfig points at now. Server-side apply: a field that an operator owns is not taken from it. */
export function kubernetesProvider(name: string, context: string, parent: pulumi.Resource): Provider {
  return new Provider(`${name}-kubernetes`, { context, enableServerSideApply: true }, { parent })
}
