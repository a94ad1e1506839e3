/** What somebody might do to the planners of Kubernetes, one for each of their policies, and what the policy has to say of it in a preview of `examples/kubernetes`. */
import type { Plant } from './plants.ts'

const says = (resource: string, property: string, observed: string, required: string): Plant['says'] => ({ resource, property, observed, required })
const brokers = (from: string, to: string) => [{ file: 'engine/model/strimzi-brokers.ts', from, to }]

export const kubernetesPlants: readonly Plant[] = [
  {
    policy: 'kubernetes-listeners',
    shownBy: 'blue',
    edits: brokers("type: 'internal', tls: true", "type: 'internal', tls: name !== 'produce'"),
    says: says('blue-cluster-kafka', 'listeners.produce.tls', 'false', 'true'),
  },
  {
    policy: 'kubernetes-authorization',
    shownBy: 'blue',
    edits: brokers("authorization: { type: 'simple', superUsers }", "authorization: { type: 'custom', authorizerClass: 'of.somebody', superUsers }"),
    says: says('blue-cluster-kafka', 'authorization.type', 'custom', 'simple'),
  },
  {
    policy: 'kubernetes-fence',
    shownBy: 'blue',
    edits: brokers('value: ignoredUsersPattern', "value: 'kbg-nudge'"),
    says: says('blue-cluster-kafka', 'entityOperator STRIMZI_IGNORED_USERS_PATTERN', 'kbg-nudge', 'a pattern that matches * and kbg-nudge'),
  },
  {
    policy: 'kubernetes-storage',
    shownBy: 'blue',
    edits: brokers('deleteClaim: false', 'deleteClaim: true'),
    says: says('blue-cluster-brokers', 'storage.deleteClaim', 'true', 'false'),
  },
  {
    policy: 'kubernetes-availability',
    shownBy: 'blue',
    edits: brokers('maxUnavailable: 1', 'maxUnavailable: 2'),
    says: says('blue-cluster-kafka', 'template.podDisruptionBudget.maxUnavailable', '2', '1 at most'),
  },
  {
    policy: 'kubernetes-pods',
    shownBy: 'blue',
    edits: [{ file: 'engine/model/kubernetes-birth.ts', from: 'readOnlyRootFilesystem: true', to: 'readOnlyRootFilesystem: false' }],
    says: says('blue-cluster-birth', 'birth.readOnlyRootFilesystem', 'false', 'true'),
  },
  {
    policy: 'kubernetes-isolation',
    shownBy: 'blue',
    edits: [{ file: 'engine/model/kubernetes-network.ts', from: "policyTypes: ['Ingress', 'Egress'] }", to: "policyTypes: ['Ingress'] }" }],
    says: says('blue-network-namespace', 'NetworkPolicy', 'none denies everything', 'one'),
  },
]
