/** Colours on AWS as their stacks would say them, for tests of what lies between. */
import type { MskColour } from '../../engine/model/aws-colour.ts'
import { planNetwork } from '../../engine/model/aws-network.ts'
import type { Colour } from '../../engine/model/colour.ts'
import type { MskBirthSpec } from '../../engine/model/msk-access.ts'
import type { NetworkAccess } from '../../engine/model/network-access.ts'

export function networkAccess(colour: Colour): NetworkAccess {
  const { zones } = planNetwork({ pool: '10.0.0.0/8', environment: 'production', fleet: 'shop', colour, zones: ['a', 'b', 'c'] })
  return {
    ...{ colour, vpcId: `vpc-${colour}`, mirrorSubnetIds: [`subnet-${colour}`] },
    brokerCidrs: zones.map(({ brokers }) => brokers),
    mirrorCidrs: zones.map(({ mirror }) => mirror),
    ...{ brokerRouteTableId: `brokers-${colour}`, mirrorRouteTableId: `mirror-${colour}` },
    ...{ platformSecurityGroupId: `platform-${colour}`, workersSecurityGroupId: `workers-${colour}` },
  }
}

export function mskColour(colour: Colour): MskColour {
  return {
    ...{ colour, account: '123456789012', region: 'eu-central-1', environment: 'production', network: networkAccess(colour) },
    arn: `arn:aws:kafka:eu-central-1:123456789012:cluster/kbg-production-shop-${colour}/0000-${colour}`,
    keyArn: `arn:aws:kms:eu-central-1:123456789012:key/${colour}`,
    addresses: { scram: `b-1.${colour}:9096,b-2.${colour}:9096`, iam: `b-1.${colour}:9098,b-2.${colour}:9098` },
  }
}

/** How such a colour becomes one, from an operators' network. */
export function mskBirthSpec(colour: Colour): MskBirthSpec {
  const { region, environment, addresses } = mskColour(colour)
  const files = { credentialsFile: '/nowhere/credentials.json', caFile: '/nowhere/roots.pem' }
  return { ...{ fleet: 'shop', colour, environment, kafkaVersion: '3.9.x.kraft', region, brokers: 3, addresses, routeStore: null }, ...files }
}
