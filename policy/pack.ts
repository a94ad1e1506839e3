import { PolicyPack } from '@pulumi/policy'
import { declaredDeployed, declaredResources } from './declared.ts'
import { isolationClusters } from './isolation.ts'
import { excepted, policyOf, type Rule, type Said, unjudged } from './judging/rule.ts'
import { parityAccess, parityBrokers, parityTopics, parityVersion } from './parity.ts'
import { safetyGuardians, safetyLimits, safetyMirror, safetyProtection, safetyRoute } from './safety.ts'
import { securityAcls, securityBrokers, securityCredentials, securityTransport } from './security.ts'

/** Every rule, by area; each file holds one. */
export const rules: readonly Rule[] = [
  ...[parityTopics, parityAccess, parityBrokers, parityVersion],
  ...[declaredResources, declaredDeployed],
  ...[safetyProtection, safetyRoute, safetyMirror, safetyLimits, safetyGuardians],
  isolationClusters,
  ...[securityBrokers, securityTransport, securityAcls, securityCredentials],
]

/** The pack as Pulumi loads it. */
export function servePack(): PolicyPack {
  const said: Said = new Map()
  return new PolicyPack('kafka-blue-green', { policies: [...rules.map((each) => policyOf(each, said)), unjudged(said), excepted(said)] })
}
