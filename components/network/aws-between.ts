import * as pulumi from '@pulumi/pulumi'
import type { MskColour } from '../../engine/model/aws-colour.ts'
import type { Colour } from '../../engine/model/colour.ts'
import { type MirrorPlugin, mskConnectWorker } from '../../engine/model/msk-connect.ts'
import type { MskConnectWorker } from '../../engine/model/msk-connect-worker.ts'
import { type MirroredMsk, MskConnectMirror } from '../mirror/msk-connect.ts'
import { awsProvider } from './aws-provider.ts'
import { MirrorPeering } from './mirror-peering.ts'

export interface AwsBetweenArgs {
  readonly fleet: string
  /** As the colours' own stacks say; of one account and region. */
  readonly colours: Readonly<Record<Colour, MskColour>>
  /** The catalog's topics. */
  readonly topics: readonly string[]
  readonly plugin: MirrorPlugin
}

/** What connects two colours on AWS: the peering of their networks, and the mirror's parts. */
export class AwsBetween extends pulumi.ComponentResource {
  /** What a switchover would ask MSK Connect for, see {@link MskConnectMirror}. */
  readonly requests: MskConnectMirror['requests']
  /** The same for what moves traffic, with the names of its connectors. */
  readonly workers: Readonly<Record<Colour, pulumi.Output<MskConnectWorker>>>

  constructor(name: string, args: AwsBetweenArgs, opts?: pulumi.ComponentResourceOptions) {
    super('kbg:network:AwsBetween', name, {}, opts)
    const { blue, green } = args.colours
    const { account, region, environment } = blue
    const child = { parent: this, providers: { aws: awsProvider(name, { account, region, tags: { environment, fleet: args.fleet } }, this) } }
    new MirrorPeering(`${name}-peering`, { networks: { blue: blue.network, green: green.network } }, child)
    const side = ({ colour, arn, keyArn, network, addresses }: MskColour): MirroredMsk => ({ colour, arn, keyArn, network, iamBootstrapServers: addresses.iam })
    const clusters = { blue: side(blue), green: side(green) }
    const { fleet, topics, plugin } = args
    this.requests = new MskConnectMirror(`${name}-mirror`, { environment, fleet, account, clusters, topics, plugin }, child).requests
    const into = (target: Colour) => this.requests[target].apply((request) => mskConnectWorker({ region, environment, fleet }, target, request))
    this.workers = { blue: into('blue'), green: into('green') }
    this.registerOutputs({ requests: this.requests })
  }
}
