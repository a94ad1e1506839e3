import type { PolicyResource } from '@pulumi/policy'
import { z } from 'zod'
import { read } from './judging/known.ts'
import { type Finding, type Judgement, rule } from './judging/rule.ts'

/** What every pod that a stack of this project starts has to be, and every namespace that it makes. */

/** Kinds with a pod template. */
const workloads: readonly string[] = ['apps/v1:Deployment', 'apps/v1:StatefulSet', 'batch/v1:Job'].map((kind) => `kubernetes:${kind}`)

const Security = z.object({
  runAsNonRoot: z.boolean().optional(),
  allowPrivilegeEscalation: z.boolean().optional(),
  readOnlyRootFilesystem: z.boolean().optional(),
  privileged: z.boolean().optional(),
})
const Amounts = z.object({ cpu: z.unknown().optional(), memory: z.unknown().optional() }).optional()
const Container = z.object({
  name: z.string(),
  image: z.string(),
  securityContext: Security.optional(),
  resources: z.object({ requests: Amounts, limits: Amounts }).optional(),
})
const Workload = z.object({
  template: z.object({
    spec: z.object({ securityContext: Security.optional(), containers: z.array(Container), initContainers: z.array(Container).default([]) }),
  }),
})

/** A tag or a digest after the image's name; the port of a registry is neither. */
const pinned = /(?:@sha256:[0-9a-f]{64}|:(?!latest$)[\w][\w.-]*)$/

function problemsOf(container: z.infer<typeof Container>, ofPod: z.infer<typeof Security> | undefined): readonly Omit<Finding, 'where' | 'urn'>[] {
  const { name, image, securityContext = {}, resources } = container
  const root = securityContext.runAsNonRoot ?? ofPod?.runAsNonRoot
  const said = (value: boolean | undefined) => (value === undefined ? 'not set' : String(value))
  const amounts = (['requests', 'limits'] as const).flatMap((kind) =>
    (['cpu', 'memory'] as const).flatMap((what) => (resources?.[kind]?.[what] === undefined ? [`resources.${kind}.${what}`] : [])),
  )
  return [
    ...(pinned.test(image) ? [] : [{ property: `${name}.image`, observed: image, required: 'a tag other than latest, or a digest' }]),
    ...(root === true ? [] : [{ property: `${name}.runAsNonRoot`, observed: said(root), required: 'true' }]),
    ...(securityContext.allowPrivilegeEscalation === false
      ? []
      : [{ property: `${name}.allowPrivilegeEscalation`, observed: said(securityContext.allowPrivilegeEscalation), required: 'false' }]),
    ...(securityContext.readOnlyRootFilesystem === true
      ? []
      : [{ property: `${name}.readOnlyRootFilesystem`, observed: said(securityContext.readOnlyRootFilesystem), required: 'true' }]),
    ...(securityContext.privileged === true ? [{ property: `${name}.privileged`, observed: 'true', required: 'false' }] : []),
    ...amounts.map((property) => ({ property: `${name}.${property}`, observed: 'not set', required: 'an amount' })),
  ]
}

export const kubernetesPods = rule({
  name: 'kubernetes-pods',
  displayName: 'Pods run what is pinned, as nobody’s root',
  description:
    'Images have a fixed tag (CKV_K8S_14), containers run as no root (CKV_K8S_23), gain nothing (CKV_K8S_20), write to volumes only (CKV_K8S_22), and ask for what they get (CKV_K8S_10 to 13).',
  severity: 'high',
  level: 'mandatory',
  remedy: 'Pin the image; give the container a securityContext and resources, as the components of this project do.',
  settings: {},
  judge: (resources): Judgement => {
    const findings: Finding[] = []
    const unknown: string[] = []
    for (const resource of resources.filter(({ type }) => workloads.includes(type))) {
      const workload = read(resource, 'spec', Workload)
      if (workload.kind === 'unknown') {
        unknown.push(workload.why)
        continue
      }
      const { securityContext, containers, initContainers } = workload.value.template.spec
      const problems = [...containers, ...initContainers].flatMap((container) => problemsOf(container, securityContext))
      findings.push(...problems.map((problem) => ({ where: resource.name, ...problem, urn: resource.urn })))
    }
    return { findings, unknown }
  },
})

const Metadata = z.object({ name: z.string().optional(), namespace: z.string().optional() })
const DenyAll = z.object({
  podSelector: z.object({ matchLabels: z.record(z.string(), z.string()).optional(), matchExpressions: z.array(z.unknown()).optional() }),
  policyTypes: z.array(z.string()).default([]),
  ingress: z.array(z.unknown()).default([]),
  egress: z.array(z.unknown()).default([]),
})

export const kubernetesIsolation = rule({
  name: 'kubernetes-isolation',
  displayName: 'A namespace is closed but for what is let through',
  description:
    'Every namespace that a stack makes has a NetworkPolicy that denies all of its pods every way in and out (CKV2_K8S_6); other policies open single ways.',
  severity: 'critical',
  level: 'mandatory',
  remedy: 'Make namespaces through this project’s components, which close them.',
  settings: {},
  judge: (resources): Judgement => {
    const unknown: string[] = []
    const known = <T>(resource: PolicyResource, property: string, schema: z.ZodType<T>): T | undefined => {
      const value = read(resource, property, schema)
      if (value.kind === 'known') return value.value
      unknown.push(value.why)
      return undefined
    }
    const policies = resources.filter(({ type }) => type === 'kubernetes:networking.k8s.io/v1:NetworkPolicy')
    const closed = policies.flatMap((policy) => {
      const [metadata, spec] = [known(policy, 'metadata', Metadata), known(policy, 'spec', DenyAll)]
      return spec !== undefined && deniesAll(spec) ? [metadata?.namespace] : []
    })
    const open = resources
      .filter(({ type }) => type === 'kubernetes:core/v1:Namespace')
      .filter((namespace) => !closed.includes(known(namespace, 'metadata', Metadata)?.name))
    return {
      // With one policy unread nobody can say that a namespace is open.
      findings:
        unknown.length > 0
          ? []
          : open.map(({ name, urn }) => ({ where: name, property: 'NetworkPolicy', observed: 'none denies everything', required: 'one', urn })),
      unknown,
    }
  },
})

function deniesAll({ podSelector, policyTypes, ingress, egress }: z.infer<typeof DenyAll>): boolean {
  const selectsAll = Object.keys(podSelector.matchLabels ?? {}).length === 0 && (podSelector.matchExpressions ?? []).length === 0
  return selectsAll && policyTypes.includes('Ingress') && policyTypes.includes('Egress') && ingress.length === 0 && egress.length === 0
}
