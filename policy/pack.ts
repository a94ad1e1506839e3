import { PolicyPack } from '@pulumi/policy'
import { awsConnectors, awsEncryption, awsLogin, awsObservation, awsUsers } from './aws.ts'
import { awsKeys, awsNames, awsNetwork, awsRoles } from './aws-account.ts'
import { capacityStorage } from './capacity.ts'
import { declaredDeployed, declaredResources } from './declared.ts'
import { isolationClusters } from './isolation.ts'
import { excepted, policyOf, type Rule, type Said, unjudged } from './judging/rule.ts'
import { kubernetesAuthorization, kubernetesAvailability, kubernetesFence, kubernetesListeners, kubernetesStorage } from './kubernetes.ts'
import { kubernetesIsolation, kubernetesPods } from './kubernetes-pods.ts'
import { parityAccess, parityBrokers, parityTopics, parityVersion } from './parity.ts'
import { safetyGuardians, safetyLimits, safetyMirror, safetyProtection, safetyRoute } from './safety.ts'
import { securityAcls, securityBrokers, securityCredentials, securityPrincipals, securityTransport } from './security.ts'

/** Every rule, by area; each file holds one. */
export const rules: readonly Rule[] = [
  ...[parityTopics, parityAccess, parityBrokers, parityVersion],
  ...[declaredResources, declaredDeployed],
  ...[safetyProtection, safetyRoute, safetyMirror, safetyLimits, safetyGuardians],
  isolationClusters,
  capacityStorage,
  ...[securityBrokers, securityTransport, securityPrincipals, securityAcls, securityCredentials],
  ...[awsEncryption, awsLogin, awsObservation, awsUsers, awsKeys, awsNetwork, awsNames, awsRoles, awsConnectors],
  ...[kubernetesListeners, kubernetesAuthorization, kubernetesFence, kubernetesStorage, kubernetesAvailability, kubernetesPods, kubernetesIsolation],
]

/** The pack as Pulumi loads it. */
export function servePack(): PolicyPack {
  const said: Said = new Map()
  return new PolicyPack('kafka-blue-green', { policies: [...rules.map((each) => policyOf(each, said)), unjudged(said), excepted(said)] })
}
