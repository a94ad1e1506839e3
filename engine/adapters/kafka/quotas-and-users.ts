import { describeClientQuotasV1, describeUserScramCredentialsV0, ScramMechanisms } from '@platformatic/kafka'
import type { Deadline } from '../../ports/clock.ts'
import type { QuotaFacts, ScramUserFacts } from '../../ports/cluster.ts'
import type { BrokerConnections } from './connections.ts'
import { requireNone } from './refusal.ts'

/** Every quota entity (KIP-546): no filter, and not strict, is all of them. @throws KbgError `kafka`, `connection` */
export async function readQuotas(connections: BrokerConnections, deadline: Deadline): Promise<readonly QuotaFacts[]> {
  const answer = await connections.askAny('DescribeClientQuotas', describeClientQuotasV1.api, [[], false], deadline)
  requireNone(answer.errorCode, `Can't read the quotas of ${connections.access.colour}.`, {}, answer.errorMessage)
  const quotas = (answer.entries ?? []).map(({ entity, values }) => ({
    entity: entity.map(({ entityType, entityName }) => `${entityType} ${entityName ?? '<default>'}`).join(' '),
    limits: Object.fromEntries(values.map(({ key, value }) => [key, value])),
  }))
  return quotas.sort((a, b) => (a.entity < b.entity ? -1 : 1))
}

const mechanismNames: ReadonlyMap<number, string> = new Map(Object.entries(ScramMechanisms).map(([name, code]) => [code, name.replaceAll('_', '-')]))

/** Every SCRAM user (KIP-554): names and mechanisms, nothing of their passwords. @throws KbgError `kafka`, `connection` */
export async function readScramUsers(connections: BrokerConnections, deadline: Deadline): Promise<readonly ScramUserFacts[]> {
  const refused = `Can't read the SCRAM users of ${connections.access.colour}.`
  const answer = await connections.askAny('DescribeUserScramCredentials', describeUserScramCredentialsV0.api, [null], deadline)
  requireNone(answer.errorCode, refused, {}, answer.errorMessage)
  const users = answer.results.map(({ user, errorCode, errorMessage, credentialInfos }) => {
    requireNone(errorCode, refused, { user }, errorMessage)
    return { user, mechanisms: credentialInfos.map(({ mechanism }) => mechanismNames.get(mechanism) ?? `mechanism ${mechanism}`).sort() }
  })
  return users.sort((a, b) => (a.user < b.user ? -1 : 1))
}
