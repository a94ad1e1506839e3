/** Colours on Strimzi as their stacks would say them, for tests of what lies between. */
import type { Colour } from '../../engine/model/colour.ts'
import type { StrimziColour } from '../../engine/model/strimzi-access.ts'
import { strimziBrokerIds } from '../../engine/model/strimzi-brokers.ts'

export function strimziColour(colour: Colour): StrimziColour {
  return {
    ...{ fleet: 'shop', colour, context: 'production', namespace: `kbg-shop-${colour}`, clusterId: `cluster-${colour}`, kafkaVersion: '4.3.1' },
    authority: `certificate of ${colour}`,
    credentialsFile: '.kbg/k8s-credentials.json',
    brokerIds: [...strimziBrokerIds(colour, { brokers: 3 })],
  }
}
