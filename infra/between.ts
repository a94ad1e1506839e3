import * as pulumi from '@pulumi/pulumi'
import { Parity } from '../components/catalog/parity.ts'
import { MskColour } from '../engine/model/aws-colour.ts'
import type { Catalog } from '../engine/model/catalog.ts'
import type { Colour } from '../engine/model/colour.ts'
import { KbgError } from '../engine/model/error.ts'
import { stackName } from '../engine/model/fleet.ts'
import { projectDir } from '../tools/paths.ts'
import type { BetweenConfig } from './config.ts'
import { bothInventories } from './inventories.ts'

/** What lies between two colours on AWS, as people and the CLI read it. */
export interface BetweenOutputs {
  /** What a switchover would ask MSK Connect for, by the colour that is copied into. */
  readonly mirror: object
}

/**
 * Between two colours on Amazon MSK: the networks' peering, and the mirror's parts on MSK Connect. No route, no gate and no switchover: they can't do there what they promise (docs/platforms.md).
 */
export async function betweenProgram(config: BetweenConfig, catalog: Catalog): Promise<BetweenOutputs> {
  const { fleet, mirror } = config
  const [blue, green] = [await mskColour(fleet, 'blue'), await mskColour(fleet, 'green')]
  refuseApart(blue, green)
  new Parity('parity', { ...bothInventories(projectDir, pulumi.getProject(), fleet, catalog), own: null, deployed: null })
  const { AwsBetween } = await import('../components/network/aws-between.ts')
  return { mirror: new AwsBetween('between', { fleet, colours: { blue, green }, topics: Object.keys(catalog.topics), plugin: mirror }).requests }
}

/** A colour as its own stack says. */
async function mskColour(fleet: string, colour: Colour): Promise<MskColour> {
  const stack = stackName({ fleet, role: colour })
  const reference = new pulumi.StackReference(`${pulumi.getOrganization()}/${pulumi.getProject()}/${stack}`)
  const said: unknown = await reference.getOutputValue('msk')
  const parsed = MskColour.safeParse(said)
  if (parsed.success && parsed.data.colour === colour) return parsed.data
  throw new KbgError('colour-missing', `The stack ${stack} says nothing of an MSK cluster that this version reads.`, {
    remedy: `Run \`pulumi up -s ${stack}\` with platform aws first: what lies between two colours needs both.`,
  })
}

/** A peering within one account and region is what is planned; anything else would need somebody on the other side to accept it. */
function refuseApart(blue: MskColour, green: MskColour): void {
  if (blue.account === green.account && blue.region === green.region) return
  throw new KbgError('colours-apart', 'The colours are not in one account and region.', {
    facts: { blue: `${blue.account} ${blue.region}`, green: `${green.account} ${green.region}` },
    remedy: 'Put both there: their networks are connected by a peering that this stack makes and accepts itself.',
  })
}
