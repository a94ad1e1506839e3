import type * as aws from '@pulumi/aws/iam/index.js'
import * as kms from '@pulumi/aws/kms/index.js'
import * as pulumi from '@pulumi/pulumi'

export interface CustomerKeyArgs {
  readonly account: string
  readonly region: string
  /** Log groups that are encrypted with it, by name; `*` may stand at the end. */
  readonly logGroups: string
  readonly protect: boolean
}

/** A colour's own key, with rotation: records at rest, logins and logs. The other colour has another one, so no grant reaches over. */
export class CustomerKey extends pulumi.ComponentResource {
  readonly arn: pulumi.Output<string>

  constructor(name: string, args: CustomerKeyArgs, opts?: pulumi.ComponentResourceOptions) {
    super('kbg:cluster:CustomerKey', name, {}, opts)
    const { account, region, logGroups } = args
    const policy = JSON.stringify(keyPolicy(account, region, logGroups))
    const key = new kms.Key(
      name,
      { description: `${name}: records, logins and logs`, enableKeyRotation: true, deletionWindowInDays: 30, policy },
      { parent: this, protect: args.protect },
    )
    new kms.Alias(name, { name: `alias/${name}`, targetKeyId: key.id }, { parent: this })
    this.arn = key.arn
    this.registerOutputs({ arn: this.arn })
  }
}

/** The account decides through its roles; CloudWatch Logs may use the key for these groups. In a key's own policy `*` is the key. */
function keyPolicy(account: string, region: string, logGroups: string): aws.PolicyDocument {
  return {
    Version: '2012-10-17',
    Statement: [
      { Sid: 'Account', Effect: 'Allow', Principal: { AWS: `arn:aws:iam::${account}:root` }, Action: 'kms:*', Resource: '*' },
      {
        ...{ Sid: 'Logs', Effect: 'Allow', Principal: { Service: `logs.${region}.amazonaws.com` } },
        Action: ['kms:Encrypt*', 'kms:Decrypt*', 'kms:ReEncrypt*', 'kms:GenerateDataKey*', 'kms:Describe*'],
        Resource: '*',
        Condition: { ArnLike: { 'kms:EncryptionContext:aws:logs:arn': `arn:aws:logs:${region}:${account}:log-group:${logGroups}` } },
      },
    ],
  }
}
