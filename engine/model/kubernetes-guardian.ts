import { auditUser } from './audit-worker.ts'
import { platformUsers } from './cluster-access.ts'
import type { Colour } from './colour.ts'
import { KbgError } from './error.ts'
import { GuardianConfig } from './guardian.ts'
import { auditInPods } from './kubernetes-audit.ts'
import { guardianLabels, type Manifest, trafficNamespace } from './kubernetes-network.ts'
import { type ProgramConfig, programDeployment, programPod, type TrafficPods, wiringInPods } from './kubernetes-traffic.ts'
import { restUser } from './wiring.ts'

/** Secret with what both guardians log in with, and their disruption budget. */
export const guardiansName = 'kbg-guardians'

/** Whom they log in as: the platform's own on both colours, the workers' REST, the audit, the route store. */
export function guardianUsers({ routeStore }: Pick<TrafficPods, 'routeStore'>): readonly string[] {
  return [platformUsers.operator, platformUsers.probe, restUser, auditUser, routeStore.username]
}

/**
 * What the guardian beside a colour is started with. Another image is another guardian, as other sources are on one machine.
 * @throws KbgError `guardian-config` naming what no guardian would take
 */
export function guardianConfig(pods: TrafficPods, colour: Colour): GuardianConfig {
  const { data, error } = GuardianConfig.safeParse({
    wiring: wiringInPods(pods, [auditInPods(pods.fleet)]),
    limits: pods.limits,
    colour,
    code: pods.image,
  })
  if (data !== undefined) return data
  throw new KbgError('guardian-config', 'No guardian can stand between these colours.', {
    facts: { problems: error.issues.map(({ path, message }) => `${path.map(String).join('.')}: ${message}`) },
  })
}

/** Everything of the guardian beside a colour. */
export interface PlannedGuardian {
  readonly config: ProgramConfig<'guardian.json'>
  /** @param configMap its configuration's name: another one is another pod */
  deployment<Name>(configMap: Name): Manifest
}

/** @throws KbgError as {@link guardianConfig} */
export function planGuardian(pods: TrafficPods, colour: Colour): PlannedGuardian {
  const { fleet, image } = pods
  const name = `kbg-guardian-${colour}`
  const text = JSON.stringify(guardianConfig(pods, colour))
  const amount = { cpu: '250m', memory: '512Mi' }
  const started = { name: 'guardian', image, program: 'engine/run/guardian/main.ts', file: 'guardian.json', secret: guardiansName, amount }
  const apart = { labelSelector: { matchLabels: guardianLabels }, topologyKey: 'kubernetes.io/hostname' }
  return {
    config: { metadata: { namespace: trafficNamespace(fleet) }, immutable: true, data: { 'guardian.json': text } },
    deployment: (configMap) =>
      programDeployment(
        fleet,
        name,
        { ...guardianLabels, 'kbg/colour': colour },
        {
          ...programPod({ ...started, configMap }),
          // What it is finishing mostly ends within this; what doesn't is finished by the other one.
          terminationGracePeriodSeconds: 30,
          // One machine's end leaves one of them.
          affinity: { podAntiAffinity: { requiredDuringSchedulingIgnoredDuringExecution: [apart] } },
        },
      ),
  }
}

/** One of both at most is away by choice. */
export function guardiansBudget(fleet: string): Manifest {
  return {
    ...{ apiVersion: 'policy/v1', kind: 'PodDisruptionBudget', metadata: { name: guardiansName, namespace: trafficNamespace(fleet), labels: guardianLabels } },
    spec: { minAvailable: 1, selector: { matchLabels: guardianLabels } },
  }
}
