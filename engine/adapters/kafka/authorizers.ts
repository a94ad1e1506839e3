import { ConfigResourceTypes, describeConfigsV4 } from '@platformatic/kafka'
import type { Deadline } from '../../ports/clock.ts'
import type { AuthorizerFacts } from '../../ports/cluster.ts'
import type { BrokerConnections } from './connections.ts'
import { requireNone } from './refusal.ts'

/** The only one that is told: `super.users` is the authorizer's own, and DescribeConfigs answers null for what isn't Kafka's, as for a secret. */
const asked = 'authorizer.class.name'

/** Each registered broker's own configuration, asked of that broker: another one doesn't know it. @throws KbgError `kafka`, `connection` when one doesn't answer */
export async function readAuthorizers(connections: BrokerConnections, deadline: Deadline): Promise<readonly AuthorizerFacts[]> {
  const { brokers } = await connections.metadata([], deadline)
  const facts = await Promise.all(brokers.map(({ nodeId }) => authorizerOf(connections, nodeId, deadline)))
  return facts.sort((a, b) => a.brokerId - b.brokerId)
}

async function authorizerOf(connections: BrokerConnections, brokerId: number, deadline: Deadline): Promise<AuthorizerFacts> {
  const broker = await connections.broker(brokerId, deadline)
  const resource = { resourceType: ConfigResourceTypes.BROKER, resourceName: String(brokerId), configurationKeys: [asked] }
  const answer = await broker.request('DescribeConfigs', describeConfigsV4.api, [[resource], false, false], 'none', deadline)
  const [result] = answer.results
  requireNone(result?.errorCode ?? 0, `Can't read the configuration of broker ${brokerId} of ${connections.access.colour}.`, {}, result?.errorMessage)
  const className = result?.configs.find((config) => config.name === asked)?.value ?? ''
  return { brokerId, className }
}
