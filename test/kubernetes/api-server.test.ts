/** What this project declares on Kubernetes, against a real API server with Strimzi's real definitions: taken whole, twice without a change, and what is wrong refused. Nothing runs there; see docs/testing.md. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { parse } from 'yaml'
import { messageOf } from '../../engine/model/error.ts'
import { birthJob } from '../../engine/model/kubernetes-birth.ts'
import { planGuardian } from '../../engine/model/kubernetes-guardian.ts'
import { workerDeployment } from '../../engine/model/kubernetes-mirror.ts'
import { planWriteBack } from '../../engine/model/kubernetes-write-back.ts'
import { strimziApi } from '../../engine/model/strimzi-brokers.ts'
import { strimziDefinitions } from '../../tools/strimzi.ts'
import { KubeApiServer } from '../support/kube-api-server.ts'
import { declaredObjects, image, type KubernetesObject, spoiled } from '../support/kubernetes-declared.ts'
import { documentedRows, podOf, refusalRow, refusals } from '../support/kubernetes-refusals.ts'
import { strimziColour } from '../support/strimzi-colour.ts'
import { reportReady } from '../support/strimzi-operator-stand-in.ts'
import { toldName, trafficAudit, trafficPods, trafficSwitchover } from '../support/traffic-pods.ts'

const declared = await declaredObjects()
const called = ({ kind, metadata }: KubernetesObject) => `${kind} ${metadata.namespace ?? ''}/${metadata.name}`

let server: KubeApiServer
beforeAll(async () => {
  server = await KubeApiServer.start()
  for (const definition of strimziDefinitions()) await server.define(parse(definition))
})
afterAll(() => server?.stop())

/** As the server keeps an object: a Secret's texts it keeps encoded. */
function kept(object: KubernetesObject): object {
  const { stringData, ...rest } = object as KubernetesObject & { readonly stringData?: Readonly<Record<string, string>> }
  if (stringData === undefined) return rest
  return { ...rest, data: Object.fromEntries(Object.entries(stringData).map(([key, text]) => [key, Buffer.from(text).toString('base64')])) }
}

const versionOf = (object: unknown) => (object as { readonly metadata: { readonly resourceVersion: string } }).metadata.resourceVersion

const withoutVersion = (object: unknown) => JSON.parse(JSON.stringify(object, (key, value) => (key === 'resourceVersion' ? undefined : value)))

describe('everything that is declared', () => {
  test('is of every kind that there is', () => {
    expect([...new Set(declared.map(({ kind }) => kind))].toSorted()).toEqual([
      ...[
        'ConfigMap',
        'Deployment',
        'Job',
        'Kafka',
        'KafkaNodePool',
        'KafkaTopic',
        'KafkaUser',
        'Namespace',
        'NetworkPolicy',
        'PersistentVolumeClaim',
        'PodDisruptionBudget',
        'Secret',
        'Service',
      ],
    ])
    expect(new Set(declared.map(called)).size).toBe(declared.length)
  })

  test.each(declared.map((object) => [called(object), object] as const))(
    '%s is taken whole, without a warning, and a second time without a change',
    async (_, object) => {
      const { object: taken, warnings } = await server.apply(object, { isTried: false })
      expect(taken).toMatchObject(kept(object))
      expect(warnings).toEqual([])
      // A claim is written once more by its first repetition, and is what it was.
      const rest = object.kind === 'PersistentVolumeClaim' ? (await server.apply(object, { isTried: false })).object : taken
      expect(withoutVersion(rest)).toEqual(withoutVersion(taken))
      const again = await server.apply(object, { isTried: false })
      expect(versionOf(again.object)).toBe(versionOf(rest))
    },
  )

  const ofStrimzi = declared.filter(({ apiVersion }) => apiVersion === strimziApi)
  test.each(ofStrimzi.map((object) => [called(object), object] as const))(
    '%s takes what an operator reports, which another update leaves alone',
    async (_, object) => {
      await reportReady(server, object)
      const tried = await server.apply(object, { isTried: true })
      const after = await server.apply(object, { isTried: false })
      expect(after.object).toMatchObject({ ...kept(object), status: { conditions: [{ type: 'Ready', status: 'True' }] } })
      expect(versionOf(after.object)).toBe(versionOf(tried.object))
      // What the colour's component reads, where the operator writes it.
      if (object.kind === 'Kafka')
        expect(after.object).toMatchObject({ status: { clusterId: 'of-kafka-itself', listeners: [{ name: 'internal', certificates: [expect.any(String)] }] } })
    },
  )
})

/** What the server says to an object; undefined when it takes it. */
async function answerTo(object: KubernetesObject): Promise<string | undefined> {
  try {
    await server.apply(object, { isTried: true })
    return undefined
  } catch (error) {
    const said = /; message: ([\s\S]*)\)$/.exec(messageOf(error))?.[1]
    if (said === undefined) throw error
    return said.replaceAll(/\s+/g, ' ')
  }
}

describe('what is wrong', () => {
  test.each(refusals.map((refusal) => [refusal.wrong, refusal] as const))('%s is refused, in the words of docs/testing.md', async (wrong, refusal) => {
    const kubernetes = await answerTo(refusal.object)
    const then = typeof refusal.later === 'object' ? await answerTo(refusal.later) : undefined
    expect(refusal.later === undefined, 'Kubernetes refuses it').toBe(kubernetes !== undefined)
    expect(typeof refusal.later === 'object', 'what becomes of it is refused').toBe(then !== undefined)
    expect(documentedRows().filter((row) => row.startsWith(`| ${wrong} |`))).toEqual([refusalRow(refusal, kubernetes, then)])
  })

  const of = (kind: string) => declared.find((object) => object.kind === kind)
  test.each([
    ['Kafka', 'spec/kafka/listeners/0/port', 80, /listeners\[0\]\.port.*greater than or equal to 9092/],
    ['Kafka', 'spec/kafka/listeners/0/name', 'Internal', /listeners\[0\]\.name.*should match/],
    ['Kafka', 'spec/kafka/listeners/0/authentication/type', 'none', /authentication\.type.*Unsupported value/],
    ['Kafka', 'spec/kafka/listeners/0/encrypted', true, /encrypted.*(?:unknown field|not declared in schema)/],
    ['Kafka', 'spec/kafka/listeners', undefined, /listeners.*Required value/],
    ['Kafka', 'spec/kafka/authorization/type', 'everybody', /authorization\.type.*Unsupported value/],
    ['Kafka', 'spec/kafka/template/podDisruptionBudget/maxUnavailable', -1, /maxUnavailable.*greater than or equal/],
    ['KafkaNodePool', 'spec/storage/volumes/0/type', 'floppy', /volumes\[0\]\.type.*Unsupported value/],
    ['KafkaNodePool', 'spec/storage/volumes/0/deleteClaim', 'no', /deleteClaim.*boolean/],
    ['KafkaNodePool', 'spec/roles', ['zookeeper'], /roles\[0\].*Unsupported value/],
    ['KafkaUser', 'spec/authentication/type', 'plain', /authentication\.type.*Unsupported value/],
    ['NetworkPolicy', 'spec/policyTypes', ['Everything'], /policyTypes/],
    ['Deployment', 'spec/selector/matchLabels', { app: 'another' }, /selector.*(?:does not match|immutable)/],
    ['Deployment', 'spec/template/spec/containers/0/volumeMounts/0/name', 'nowhere', /volumeMounts\[0\]\.name.*Not found/],
    ['Job', 'spec/template/spec/containers/0/image', 'registry.example/another:1', /template.*field is immutable/],
  ] as const)('%s with %s %j is refused, so the definitions are at work', async (kind, path, value, words) => {
    expect(await answerTo(spoiled(of(kind), path, value))).toMatch(words)
  })
})

describe('the namespaces, which hold pods to `restricted`, take', () => {
  test.each([
    ['the worker’s pod', workerDeployment(strimziColour('blue'))],
    ['the pod of the job that fences a new colour', birthJob({ fleet: 'shop', colour: 'blue' }, image)],
    ['the guardian’s pod', planGuardian(trafficPods(), 'blue').deployment(toldName)],
    ['the audit’s pod', trafficAudit().deployment],
    ['the write-back’s pod', planWriteBack(trafficPods()).deployment(toldName)],
    ['the pod of the job that moves traffic', trafficSwitchover().job],
  ] as const)('%s', async (_, workload) => {
    expect(await answerTo(podOf(workload))).toBeUndefined()
  })
})
