import type * as pulumi from '@pulumi/pulumi'

/** As Pulumi's Kubernetes provider names an object without a name of its own: after the resource, and with another end for each new one; here always with the same. */
export function autonamed<T extends { readonly metadata?: unknown }>(resource: string, inputs: T): T & { readonly metadata: { readonly name: string } } {
  return { ...inputs, metadata: { name: `${resource}-0a1b2c3d`, ...(inputs.metadata as object) } }
}

/** The same for mocked resources. */
export function autonames({ type, name, inputs }: pulumi.runtime.MockResourceArgs): Record<string, unknown> {
  return type.startsWith('kubernetes:') ? autonamed(name, inputs) : {}
}
