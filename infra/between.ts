import * as pulumi from '@pulumi/pulumi'
import type { z } from 'zod'
import { Parity } from '../components/catalog/parity.ts'
import { MskColour } from '../engine/model/aws-colour.ts'
import type { Catalog } from '../engine/model/catalog.ts'
import type { Colour } from '../engine/model/colour.ts'
import { KbgError } from '../engine/model/error.ts'
import { stackName } from '../engine/model/fleet.ts'
import { StrimziColour } from '../engine/model/strimzi-access.ts'
import { projectDir } from '../tools/paths.ts'
import type { AwsBetweenConfig, BetweenConfig, KubernetesBetweenConfig } from './config.ts'
import { standsElsewhere } from './elsewhere.ts'
import { bothInventories } from './inventories.ts'

/** What lies between two colours, as people and the CLI read it. */
export interface BetweenOutputs {
  /** On AWS: what a switchover would ask MSK Connect for, by the colour that is copied into. */
  readonly mirror?: object
  /** On Kubernetes: the job that brought traffic to where it was wanted last. */
  readonly switchover?: { readonly namespace: string; readonly name: string }
}

/** Between two colours on one cloud: there nothing on this machine reaches route or brokers, so what acts is a pod of its own, or nothing yet (docs/platforms.md). */
export async function betweenProgram(config: BetweenConfig, catalog: Catalog): Promise<BetweenOutputs> {
  new Parity('parity', { ...bothInventories(projectDir, pulumi.getProject(), config.fleet, catalog), own: null, deployed: null })
  switch (config.platform) {
    case 'aws':
      return await betweenOnAws(config, catalog)
    case 'kubernetes':
      return await betweenOnKubernetes(config, catalog)
  }
}

/** The networks' peering, and the mirror's parts on MSK Connect. */
async function betweenOnAws({ fleet, platform, mirror }: AwsBetweenConfig, catalog: Catalog): Promise<BetweenOutputs> {
  const said = (colour: Colour) => saidBy(fleet, colour, platform, 'msk', MskColour)
  const [blue, green] = [await said('blue'), await said('green')]
  if (blue.account !== green.account || blue.region !== green.region) {
    throw new KbgError('colours-apart', 'The colours are not in one account and region.', {
      facts: { blue: `${blue.account} ${blue.region}`, green: `${green.account} ${green.region}` },
      remedy: 'Put both there: their networks are connected by a peering that this stack makes and accepts itself.',
    })
  }
  const { AwsBetween } = await import('../components/network/aws-between.ts')
  return { mirror: new AwsBetween('between', { fleet, colours: { blue, green }, topics: Object.keys(catalog.topics), plugin: mirror }).requests }
}

/** The fleet's own namespace, the mirror's workers, the audit, the guardians, and the job that moves traffic where the stack says who is to be live. */
async function betweenOnKubernetes({ fleet, platform, ...config }: KubernetesBetweenConfig, catalog: Catalog): Promise<BetweenOutputs> {
  const said = (colour: Colour) => saidBy(fleet, colour, platform, 'strimzi', StrimziColour)
  const [blue, green] = [await said('blue'), await said('green')]
  if (blue.context !== green.context) {
    throw new KbgError('colours-apart', 'The colours are not in one Kubernetes cluster.', {
      facts: { blue: blue.context, green: green.context },
      remedy: 'Put both there: NetworkPolicies name the other colour’s pods, and can’t name those of another cluster.',
    })
  }
  const left = (['acceptLoss', 'failover'] as const).filter((word) => config.intent?.[word] !== undefined)
  // Nothing here sees whether the move that it is for is still to come (elsewhere the preview does: leftWordLines).
  if (left.length > 0)
    await pulumi.log.warn(`${left.join(' and ')} in the config lets the next move leave records behind: take it out once the one that it is for is made.`)
  const { KubernetesBetween } = await import('../components/network/kubernetes-between.ts')
  const { job } = new KubernetesBetween('between', { ...config, fleet, colours: { blue, green }, catalog })
  return job === null ? {} : { switchover: job }
}

/** What a colour's own stack says of it. */
async function saidBy<T extends { readonly colour: Colour }>(
  fleet: string,
  colour: Colour,
  platform: BetweenConfig['platform'],
  output: 'msk' | 'strimzi',
  schema: z.ZodType<T>,
): Promise<T> {
  const stack = stackName({ fleet, role: colour })
  const reference = new pulumi.StackReference(`${pulumi.getOrganization()}/${pulumi.getProject()}/${stack}`)
  const parsed = schema.safeParse(await reference.getOutputValue(output))
  if (parsed.success && parsed.data.colour === colour) return parsed.data
  const elsewhere = await standsElsewhere(reference)
  if (elsewhere !== undefined && elsewhere.platform !== platform) {
    throw new KbgError('colours-apart', `The stack ${stack} stands on ${elsewhere.called}: nothing is declared between colours on different platforms yet.`, {
      facts: { observed: elsewhere.platform, required: platform },
      remedy: 'docs/platforms.md says what is missing. Both colours can stand and be compared without this stack.',
    })
  }
  throw new KbgError('colour-missing', `The stack ${stack} says nothing of a cluster on ${platform} that this version reads.`, {
    remedy: `Run \`pulumi up -s ${stack}\` with platform ${platform} first: what lies between two colours needs both.`,
  })
}
