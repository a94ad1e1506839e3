import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { basename } from 'node:path'
import * as cloudwatch from '@pulumi/aws/cloudwatch/index.js'
import * as iam from '@pulumi/aws/iam/index.js'
import * as mskconnect from '@pulumi/aws/mskconnect/index.js'
import * as s3 from '@pulumi/aws/s3/index.js'
import * as pulumi from '@pulumi/pulumi'
import { type Colour, otherColour } from '../../engine/model/colour.ts'
import { connectorPromises, workerPromises } from '../../engine/model/mirror-template.ts'
import { type MirrorPlugin, type MskSide, mirrorStatements, mskConnectorRequest, mskWorkerProperties } from '../../engine/model/msk-connect.ts'
import type { NetworkAccess } from '../../engine/model/network-access.ts'

/** A colour as the mirror sees it. */
export interface MirroredMsk extends MskSide {
  readonly keyArn: string
  readonly network: NetworkAccess
}

export interface MskConnectMirrorArgs {
  readonly environment: string
  readonly fleet: string
  readonly account: string
  readonly clusters: Readonly<Record<Colour, MirroredMsk>>
  readonly topics: readonly string[]
  readonly plugin: MirrorPlugin
}

/** Days that the workers' logs are kept. */
const logRetentionDays = 365

/**
 * The mirror's parts on MSK Connect: plugin, and beside each colour a worker configuration, a role and a log. Connectors aren't resources, as on `local`: which direction runs is the switchover's
 * decision. What it would ask MSK Connect for is the output `requests`.
 */
export class MskConnectMirror extends pulumi.ComponentResource {
  /** `CreateConnector` without a name, by the colour that is copied into. */
  readonly requests: Readonly<Record<Colour, pulumi.Output<ReturnType<typeof mskConnectorRequest>>>>
  readonly #name: string
  readonly #args: MskConnectMirrorArgs

  constructor(name: string, args: MskConnectMirrorArgs, opts?: pulumi.ComponentResourceOptions) {
    super('kbg:mirror:MskConnectMirror', name, {}, opts)
    this.#name = name
    this.#args = args
    const plugin = this.#plugin()
    this.requests = { blue: this.#into('blue', plugin), green: this.#into('green', plugin) }
    this.registerOutputs({ requests: this.requests, promises: { version: args.plugin.version, connector: connectorPromises(), worker: workerPromises } })
  }

  /** Another content is another plugin under another name: MSK Connect never changes one, and a name is free again only when what had it is gone. */
  #plugin(): mskconnect.CustomPlugin {
    const { environment, fleet } = this.#args
    const { version, jars } = this.#args.plugin
    const child = { parent: this }
    const bucket = new s3.Bucket(this.#name, {}, child)
    const closed = { blockPublicAcls: true, blockPublicPolicy: true, ignorePublicAcls: true, restrictPublicBuckets: true }
    new s3.BucketPublicAccessBlock(this.#name, { bucket: bucket.id, ...closed }, child)
    const content = digestOf(...jars.flatMap((jar) => [basename(jar), readFileSync(jar)]))
    const files = Object.fromEntries(jars.map((jar) => [basename(jar), new pulumi.asset.FileAsset(jar)]))
    const object = new s3.BucketObjectv2(
      `${this.#name}-plugin`,
      { bucket: bucket.id, key: `mirror-${version}-${content}.zip`, source: new pulumi.asset.AssetArchive(files) },
      child,
    )
    return new mskconnect.CustomPlugin(
      `${this.#name}-plugin`,
      {
        name: `kbg-${environment}-${fleet}-mirror-${version.replaceAll('.', '-')}-${content}`,
        contentType: 'ZIP',
        location: { s3: { bucketArn: bucket.arn, fileKey: object.key } },
      },
      child,
    )
  }

  #into(target: Colour, plugin: mskconnect.CustomPlugin): pulumi.Output<ReturnType<typeof mskConnectorRequest>> {
    const { environment, fleet, clusters, topics } = this.#args
    const [to, from] = [clusters[target], clusters[otherColour(target)]]
    const name = `${this.#name}-into-${target}`
    const propertiesFileContent = propertiesText(mskWorkerProperties(target))
    const worker = new mskconnect.WorkerConfiguration(
      name,
      { name: `kbg-${environment}-${fleet}-into-${target}-${digestOf(propertiesFileContent)}`, propertiesFileContent },
      { parent: this },
    )
    const logs = new cloudwatch.LogGroup(
      name,
      { name: `/kbg/${environment}/${fleet}/${target}/mirror`, retentionInDays: logRetentionDays, kmsKeyId: to.keyArn },
      { parent: this },
    )
    const role = this.#role(name, from, to)
    return pulumi
      .all([plugin.arn, plugin.latestRevision, worker.arn, worker.latestRevision, role.arn, logs.name])
      .apply(([pluginArn, pluginRevision, workerConfigurationArn, workerConfigurationRevision, roleArn, logGroup]) =>
        mskConnectorRequest(
          from,
          to,
          to.network,
          { pluginArn, pluginRevision, workerConfigurationArn, workerConfigurationRevision, roleArn, logGroup },
          topics,
        ),
      )
  }

  /** Only MSK Connect of this account takes the role, and it names every topic. */
  #role(name: string, from: MskSide, to: MskSide): iam.Role {
    const assumeRolePolicy = JSON.stringify({
      Version: '2012-10-17',
      Statement: [
        {
          ...{ Effect: 'Allow', Principal: { Service: 'kafkaconnect.amazonaws.com' }, Action: 'sts:AssumeRole' },
          Condition: { StringEquals: { 'aws:SourceAccount': this.#args.account } },
        },
      ],
    })
    const role = new iam.Role(name, { assumeRolePolicy, description: `The mirror from ${from.colour} into ${to.colour}` }, { parent: this })
    const policy = JSON.stringify({ Version: '2012-10-17', Statement: mirrorStatements(from, to, this.#args.topics) })
    new iam.RolePolicy(name, { role: role.id, policy }, { parent: this })
    return role
  }
}

function propertiesText(properties: Readonly<Record<string, string>>): string {
  return Object.entries(properties)
    .map(([key, value]) => `${key}=${value}\n`)
    .sort()
    .join('')
}

/** The start of a content's digest, for a name: it tells contents of one thing apart. */
function digestOf(...contents: readonly (string | Buffer)[]): string {
  const hash = createHash('sha256')
  for (const content of contents) hash.update(`${content.length}:`).update(content)
  return hash.digest('hex').slice(0, 10)
}
