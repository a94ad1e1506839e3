import type * as pulumi from '@pulumi/pulumi'

/** A cloud, which has traffic stacks of its own, by the output with which a colour's stack says that it stands there. */
const platforms = {
  msk: { platform: 'aws', called: 'Amazon MSK' },
  strimzi: { platform: 'kubernetes', called: 'Kubernetes' },
} as const

export type Elsewhere = (typeof platforms)[keyof typeof platforms]

/** On which cloud a colour stands; undefined: on none of these, or it isn't there. */
export async function standsElsewhere(colour: pulumi.StackReference): Promise<Elsewhere | undefined> {
  for (const [output, platform] of Object.entries(platforms)) {
    if ((await colour.getOutputValue(output)) !== undefined) return platform
  }
  return undefined
}
