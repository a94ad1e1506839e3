import type { PolicyResource } from '@pulumi/policy'
import { z } from 'zod'
import { ignoredPrincipals } from '../engine/model/strimzi-brokers.ts'
import { read } from './judging/known.ts'
import { type Finding, type Judgement, rule } from './judging/rule.ts'

/** What a colour on Kubernetes has to be, whoever has written its resources: Strimzi's, and the pods of this project. */

/** What is otherwise than required, of one resource. */
type Problem = Pick<Finding, 'property' | 'observed' | 'required'>

const kafka = 'kubernetes:kafka.strimzi.io/v1:Kafka'
const pool = 'kubernetes:kafka.strimzi.io/v1:KafkaNodePool'

/** Judges the `spec` of every resource of a type. */
function judged<T>(resources: readonly PolicyResource[], type: string, schema: z.ZodType<T>, judge: (spec: T) => readonly Problem[]): Judgement {
  const findings: Finding[] = []
  const unknown: string[] = []
  for (const resource of resources.filter((each) => each.type === type)) {
    const spec = read(resource, 'spec', schema)
    if (spec.kind === 'unknown') unknown.push(spec.why)
    else findings.push(...judge(spec.value).map((problem) => ({ where: resource.name, ...problem, urn: resource.urn })))
  }
  return { findings, unknown }
}

function both(...judgements: readonly Judgement[]): Judgement {
  return { findings: judgements.flatMap(({ findings }) => findings), unknown: judgements.flatMap(({ unknown }) => unknown) }
}

const shown = (value: unknown) => (value === undefined || value === null ? 'not set' : typeof value === 'string' ? value : JSON.stringify(value))

/** A problem where a value isn't what is asked for. */
function unless(isFine: boolean, property: string, value: unknown, required: string): readonly Problem[] {
  return isFine ? [] : [{ property, observed: shown(value), required }]
}

const Listener = z.object({
  name: z.string(),
  type: z.string(),
  tls: z.boolean().optional(),
  authentication: z.object({ type: z.string() }).optional(),
  networkPolicyPeers: z.array(z.unknown()).optional(),
})
const Listeners = z.object({ kafka: z.object({ listeners: z.array(Listener) }) })

export const kubernetesListeners = rule({
  name: 'kubernetes-listeners',
  displayName: 'Strimzi’s listeners encrypt, log in, and stay inside',
  description:
    'Every listener of a Kafka has TLS and a login that ACLs can name, is reached inside the cluster only, and from named pods: whom no login names, no fence stops, and Strimzi opens a listener without peers to everybody (CKV2_K8S_6).',
  severity: 'critical',
  level: 'mandatory',
  remedy: 'Leave listeners to the colour’s component; name client namespaces in the stack (`producers`, `consumers`).',
  settings: {},
  judge: (resources) =>
    judged(resources, kafka, Listeners, ({ kafka: { listeners } }) =>
      listeners.flatMap(({ name, type, tls, authentication, networkPolicyPeers = [] }) => [
        ...unless(tls === true, `listeners.${name}.tls`, tls, 'true'),
        ...unless(
          ['scram-sha-512', 'tls'].includes(authentication?.type ?? ''),
          `listeners.${name}.authentication`,
          authentication?.type,
          'scram-sha-512 or tls',
        ),
        ...unless(type === 'internal' || type === 'cluster-ip', `listeners.${name}.type`, type, 'internal'),
        ...unless(networkPolicyPeers.length > 0, `listeners.${name}.networkPolicyPeers`, undefined, 'the pods that reach it'),
      ]),
    ),
})

const Authorized = z.object({
  kafka: z.object({ authorization: z.object({ type: z.string() }).optional(), config: z.record(z.string(), z.unknown()).default({}) }),
})

export const kubernetesAuthorization = rule({
  name: 'kubernetes-authorization',
  displayName: 'Strimzi’s brokers authorize',
  description: 'A Kafka has Kafka’s own authorizer, which a fence is made with, and allows nobody by default.',
  severity: 'critical',
  level: 'mandatory',
  remedy: 'Leave authorization to the colour’s component.',
  settings: {},
  judge: (resources) =>
    judged(resources, kafka, Authorized, ({ kafka: { authorization, config } }) => {
      const everyone = config['allow.everyone.if.no.acl.found']
      return [
        ...unless(authorization?.type === 'simple', 'authorization.type', authorization?.type, 'simple'),
        ...unless(everyone === undefined || String(everyone) === 'false', 'config.allow.everyone.if.no.acl.found', everyone, 'false'),
      ]
    }),
})

const Operated = z.object({
  entityOperator: z
    .object({
      userOperator: z.unknown().optional(),
      template: z
        .object({
          userOperatorContainer: z.object({ env: z.array(z.object({ name: z.string(), value: z.string().optional() })).default([]) }).optional(),
        })
        .optional(),
    })
    .optional(),
})
const ignoredUsers = 'STRIMZI_IGNORED_USERS_PATTERN'

export const kubernetesFence = rule({
  name: 'kubernetes-fence',
  displayName: 'Strimzi’s User Operator leaves the fence alone',
  description:
    'The User Operator deletes the bindings of every principal without a KafkaUser within two minutes, and the fence is a binding of User:*. It has to be told to leave that one alone.',
  severity: 'critical',
  level: 'mandatory',
  remedy: `Set ${ignoredUsers} on the User Operator’s container to a pattern that matches * and kbg-nudge, as the colour’s component does.`,
  settings: {},
  judge: (resources) =>
    judged(resources, kafka, Operated, ({ entityOperator }) => {
      if (entityOperator === undefined || !('userOperator' in entityOperator)) return []
      const pattern = entityOperator.template?.userOperatorContainer?.env.find(({ name }) => name === ignoredUsers)?.value
      const spared = (principal: string) => pattern !== undefined && matches(pattern, principal)
      return unless(ignoredPrincipals.every(spared), `entityOperator ${ignoredUsers}`, pattern, `a pattern that matches ${ignoredPrincipals.join(' and ')}`)
    }),
})

/** Whether a pattern matches all of a text; one that can't be read here matches nothing. */
function matches(pattern: string, text: string): boolean {
  try {
    return new RegExp(`^(?:${pattern})$`).test(text)
  } catch (thrown) {
    if (thrown instanceof SyntaxError) return false
    throw thrown
  }
}

const Volume = z.object({ type: z.string(), deleteClaim: z.boolean().optional(), class: z.string().optional() })
const Stored = z.object({ storage: Volume.extend({ volumes: z.array(Volume).optional() }) })

export const kubernetesStorage = rule({
  name: 'kubernetes-storage',
  displayName: 'Strimzi’s volumes outlive their pods and their resource',
  description: 'No node keeps records on ephemeral storage, no claim is deleted with its pool, and each names its class.',
  severity: 'critical',
  level: 'mandatory',
  remedy: 'Leave storage to the colour’s component. To end a colour delete its claims by hand, once nobody needs them.',
  settings: {},
  judge: (resources) =>
    judged(resources, pool, Stored, ({ storage }) => {
      const volumes = storage.type === 'jbod' ? (storage.volumes ?? []) : [storage]
      return [
        ...unless(volumes.length > 0, 'storage.volumes', undefined, 'a persistent-claim'),
        ...volumes.flatMap((volume) => [
          ...unless(volume.type === 'persistent-claim', 'storage.type', volume.type, 'persistent-claim'),
          ...unless(volume.deleteClaim !== true, 'storage.deleteClaim', volume.deleteClaim, 'false'),
          ...unless(volume.type !== 'persistent-claim' || volume.class !== undefined, 'storage.class', undefined, 'the name of a storage class'),
        ]),
      ]
    }),
})

const Amounts = z.object({ cpu: z.unknown().optional(), memory: z.unknown().optional() }).default({})
const Resources = z.object({ requests: Amounts, limits: Amounts }).default({ requests: {}, limits: {} })

function withoutAmounts(where: string, resources: z.infer<typeof Resources>): readonly Problem[] {
  return (['requests', 'limits'] as const).flatMap((kind) =>
    (['cpu', 'memory'] as const).flatMap((what) => unless(resources[kind][what] !== undefined, `${where}.${kind}.${what}`, undefined, 'an amount')),
  )
}

const Term = z.object({ topologyKey: z.string() })
const Spread = z.object({
  replicas: z.int(),
  resources: Resources,
  template: z
    .object({
      pod: z
        .object({
          affinity: z
            .object({ podAntiAffinity: z.object({ requiredDuringSchedulingIgnoredDuringExecution: z.array(Term).default([]) }).optional() })
            .optional(),
          topologySpreadConstraints: z.array(z.object({ topologyKey: z.string(), whenUnsatisfiable: z.string() })).default([]),
        })
        .optional(),
    })
    .optional(),
})
const Budgeted = z.object({
  kafka: z.object({
    rack: z.unknown().optional(),
    template: z.object({ podDisruptionBudget: z.object({ maxUnavailable: z.int() }).optional() }).optional(),
  }),
})

export const kubernetesAvailability = rule({
  name: 'kubernetes-availability',
  displayName: 'One machine or zone may fail, and no more goes at once',
  description:
    'Pools have three nodes or more, never two on one machine, spread over zones, with the resources that they need granted (CKV_K8S_10 to 13); of a Kafka one pod at most is away by choice, and brokers know their rack.',
  severity: 'high',
  level: 'mandatory',
  remedy: 'Leave pools and templates to the colour’s component.',
  settings: {},
  judge: (resources) =>
    both(
      judged(resources, pool, Spread, ({ replicas, resources: amounts, template }) => {
        const apart = template?.pod?.affinity?.podAntiAffinity?.requiredDuringSchedulingIgnoredDuringExecution ?? []
        const zones = template?.pod?.topologySpreadConstraints ?? []
        return [
          ...unless(replicas >= 3, 'replicas', replicas, '3 or more'),
          ...withoutAmounts('resources', amounts),
          ...unless(
            apart.some(({ topologyKey }) => topologyKey === 'kubernetes.io/hostname'),
            'template.pod.affinity',
            undefined,
            'no two on one machine (podAntiAffinity)',
          ),
          ...unless(
            zones.some(({ whenUnsatisfiable }) => whenUnsatisfiable === 'DoNotSchedule'),
            'template.pod.topologySpreadConstraints',
            undefined,
            'a spread over zones that is kept (DoNotSchedule)',
          ),
        ]
      }),
      judged(resources, kafka, Budgeted, ({ kafka: { rack, template } }) => {
        const budget = template?.podDisruptionBudget?.maxUnavailable
        return [
          // Strimzi's own default is 1 as well.
          ...unless(budget === undefined || budget <= 1, 'template.podDisruptionBudget.maxUnavailable', budget, '1 at most'),
          ...unless(rack !== undefined, 'rack', undefined, 'the label of a zone'),
        ]
      }),
    ),
})
