import type * as pulumi from '@pulumi/pulumi'

/** A platform on which colours can be declared and no switchover runs yet, by the output with which a colour's stack says that it stands there. */
const platforms = {
  msk: { platform: 'aws', called: 'Amazon MSK' },
  strimzi: { platform: 'kubernetes', called: 'Kubernetes' },
} as const

export type Elsewhere = (typeof platforms)[keyof typeof platforms]

/** Where a colour stands on which no switchover runs yet; undefined: elsewhere than on these platforms, or it isn't there. */
export async function standsElsewhere(colour: pulumi.StackReference): Promise<Elsewhere | undefined> {
  for (const [output, platform] of Object.entries(platforms)) {
    if ((await colour.getOutputValue(output)) !== undefined) return platform
  }
  return undefined
}
