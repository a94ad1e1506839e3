import * as msk from '@pulumi/aws/msk/index.js'
import * as secretsmanager from '@pulumi/aws/secretsmanager/index.js'
import * as pulumi from '@pulumi/pulumi'
import { filedPassword } from '../catalog/credentials.ts'

export interface MskUsersArgs {
  readonly clusterArn: pulumi.Input<string>
  readonly clusterName: string
  readonly keyArn: pulumi.Input<string>
  readonly users: readonly string[]
  readonly credentialsFile: string
}

/**
 * SCRAM users of an MSK cluster: MSK takes them from Secrets Manager, from secrets whose names begin with `AmazonMSK_` and that a customer's key encrypts. MSK itself lets the cluster read them.
 * Each is associated by itself, so that a new user touches no other.
 */
export class MskUsers extends pulumi.ComponentResource {
  constructor(name: string, args: MskUsersArgs, opts?: pulumi.ComponentResourceOptions) {
    super('kbg:cluster:MskUsers', name, {}, opts)
    const { clusterArn, clusterName, keyArn, credentialsFile } = args
    for (const user of args.users) {
      const secret = new secretsmanager.Secret(
        `${name}-${user}`,
        {
          ...{ name: `AmazonMSK_${clusterName}-${user}`, description: `Login of ${user} at ${clusterName}`, kmsKeyId: keyArn },
          recoveryWindowInDays: 0, // a name whose secret can still be recovered is taken: the colour couldn't be made anew for 30 days. The file has the password
        },
        { parent: this },
      )
      const secretString = filedPassword(credentialsFile, user).apply((password) => JSON.stringify({ username: user, password }))
      const version = new secretsmanager.SecretVersion(`${name}-${user}`, { secretId: secret.id, secretString }, { parent: this })
      // Behind the version: MSK refuses a secret that holds nothing.
      new msk.SingleScramSecretAssociation(`${name}-${user}`, { clusterArn, secretArn: secret.arn }, { parent: this, dependsOn: [version] })
    }
    this.registerOutputs({})
  }
}
