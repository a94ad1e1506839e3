import { Provider } from '@pulumi/aws/provider.js'
import type * as pulumi from '@pulumi/pulumi'

export interface AwsAccount {
  readonly account: string
  readonly region: string
  /** On everything that is made. */
  readonly tags: Readonly<Record<string, string>>
}

/** AWS, in this account and region only: with credentials of another account nothing is made. */
export function awsProvider(name: string, { account, region, tags }: AwsAccount, parent: pulumi.Resource): Provider {
  const named = Object.fromEntries(Object.entries(tags).map(([key, value]) => [`kbg:${key}`, value]))
  return new Provider(`${name}-aws`, { region, allowedAccountIds: [account], defaultTags: { tags: named } }, { parent })
}
