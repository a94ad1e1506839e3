/**
 * `examples/kubernetes` and `examples/msk-to-kubernetes` through the real Pulumi CLI, with the policies, on recording stand-ins for both clouds' plugins. A stack for each kind that there is; the others, and a violation
 * of each policy, are previewed by `npm run test:policy`.
 */
import { afterAll, beforeAll, expect, test } from 'vitest'
import { intendedMove, liveNow } from '../../cli/pr/move.ts'
import { colours } from '../../engine/model/colour.ts'
import { rules } from '../../policy/pack.ts'
import { Checkout } from '../support/checkout.ts'
import { counted, previewed } from '../support/previewed.ts'
import { withRecordingProviders } from '../support/recorded.ts'
import { kubernetesPlants } from './planted/kubernetes-plants.ts'
import { exampleFleets, importStrimzi, startExample } from './planted/kubernetes-run.ts'

let copy: Checkout
let end: () => void

beforeAll(async () => {
  copy = new Checkout('kubernetes')
  end = withRecordingProviders(copy)
})
afterAll(async () => {
  end?.()
  await copy?.remove()
})

test('every policy for Kubernetes has a violation that is planted', () => {
  expect(new Set(kubernetesPlants.map(({ policy }) => policy))).toEqual(new Set(rules.map(({ name }) => name).filter((name) => name.startsWith('kubernetes-'))))
})

/** Previews a stack that no policy may speak against, and no password may stand in. */
async function fine(stack: string) {
  const { exitCode, output, preview } = await previewed(copy, stack)
  expect({ violations: preview.violations, errors: preview.errors, notRun: preview.policiesNotRun }, output).toEqual({ violations: [], errors: [], notRun: [] })
  expect(exitCode).toBe(0)
  expect(output).not.toContain('secret of')
  return preview
}

test('a stack with `platform: kubernetes` declares a whole colour, and what lies between two of them is workers, guardians, the audit, the write-back and the job that moves traffic, and no connector', async () => {
  expect(await startExample(copy, 'kubernetes')).toEqual(
    colours.map((colour) => `npx pulumi preview -s ${exampleFleets.kubernetes}-${colour} --policy-pack policy`),
  )
  expect(counted(await fine('k8s-blue'))).toMatchObject({ ManagedCluster: 1, Kafka: 1, KafkaNodePool: 2, KafkaUser: 7, Namespace: 1, Job: 1, NetworkPolicy: 5 })
  for (const colour of colours) await importStrimzi(copy, colour)
  const traffic = await fine('k8s-traffic')
  // what `kbg pr` says of it: read from a real preview, and not only from the fixtures of pr.test.ts
  expect([liveNow([traffic]), intendedMove([traffic])]).toEqual([{ kind: 'none' }, null])
  const { changes } = traffic
  const jobs = changes.map((change) => (/:(?:ConfigMap|Job)$/.test(change.type) ? { ...change, op: 'replace' as const, old: change.next } : change))
  const again = { ...traffic, changes: jobs, resources: traffic.resources.map((one) => ({ ...one, old: one.next })) }
  expect([liveNow([again]).kind, intendedMove([again])]).toEqual(['unknown', { what: 'all traffic to blue, unless it is there', isAsked: false }])
  const between = counted(traffic)
  expect(between).toMatchObject({ Deployment: 6, Job: 1, Service: 3, Namespace: 1, NetworkPolicy: 6, PodDisruptionBudget: 1, PersistentVolumeClaim: 1 })
  expect(between.Connector ?? between.Switchover).toBeUndefined()
})

test('blue on MSK and green on Kubernetes: what both say the same way is compared, the rest is unknown', async () => {
  expect(await startExample(copy, 'msk-to-kubernetes')).toEqual(
    colours.map((colour) => `npx pulumi preview -s ${exampleFleets['msk-to-kubernetes']}-${colour} --policy-pack policy`),
  )
  const { unjudged } = await fine('move-green')
  const said = (policy: string) => unjudged.filter((line) => line.startsWith(`${policy} could not be judged: `))
  expect(said('parity-brokers')).toEqual([expect.stringMatching(/instanceClass of the brokers: aws and kubernetes say it in words of their own, and 3 more/)])
  expect(said('isolation-clusters')).toEqual([expect.stringMatching(/brokerIds: one colour doesn't declare them, and 1 more/)])
  for (const policy of ['parity-topics', 'parity-access', 'parity-version']) expect(said(policy), policy).toEqual([])
})
