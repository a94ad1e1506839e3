import type { PolicyResource } from '@pulumi/policy'
import { z } from 'zod'
import { compareVersions } from '../engine/model/broker-inventory.ts'
import { Colour, colours } from '../engine/model/colour.ts'
import { clusterTypes, dataTypes, guardedClusterTypes, reachedTypes } from '../engine/model/data-types.ts'
import { Limits } from '../engine/model/limits.ts'
import { read } from './judging/known.ts'
import { byColour } from './judging/pairs.ts'
import { type Finding, type Judgement, rule, together } from './judging/rule.ts'

/** What keeps a switchover safe whatever somebody types: protection, one way to the route, one direction of the mirror, bounds, guardians. */

const ofType = (resources: readonly PolicyResource[], type: string) => resources.filter((resource) => resource.type === type)

/** On these platforms a guard is asked only where the colour's stack reaches the brokers: else protection is all that keeps them. */
const unguardedClusterTypes = clusterTypes.filter((type) => !guardedClusterTypes.includes(type))

const switchoverType = 'kbg:index:Switchover'
const gateType = 'pulumi-nodejs:dynamic:Resource'

export const safetyProtection = rule({
  name: 'safety-protection',
  displayName: 'What holds records is protected',
  description: 'Clusters and topics are protected from deletion, and a retirement guard is asked first, unless the stack is told to retire its colour.',
  severity: 'critical',
  level: 'mandatory',
  remedy: 'Leave protection to the colour’s component; to end a colour set `retire` on its stack, and the guard decides.',
  settings: {},
  judge: (resources) => together(byColour(resources).map(protection)),
})

/** Of one colour. */
function protection(resources: readonly PolicyResource[]): Judgement {
  const data = resources.filter(({ type }) => dataTypes.includes(type))
  if (data.length === 0) return { findings: [], unknown: [] }
  const guard = ofType(resources, 'kbg:index:RetirementGuard')[0]
  const mayLackGuard = resources.some(({ type }) => unguardedClusterTypes.includes(type)) && !resources.some(({ type }) => reachedTypes.includes(type))
  if (guard === undefined && !mayLackGuard) {
    return {
      findings: [{ where: 'retirement guard', property: 'declared', observed: 'not there', required: 'one, created after everything that holds records' }],
      unknown: [],
    }
  }
  const behindGuard = guard === undefined ? guardedClusterTypes : clusterTypes
  const unguarded = data.filter(({ type, urn }) => behindGuard.includes(type) && !guard?.dependencies.some((each) => each.urn === urn))
  const findings = unguarded.map(({ name, urn }) => ({
    ...{ where: `retirement guard of ${name}`, property: 'dependsOn', urn },
    ...{ observed: 'not behind it', required: 'created after the cluster, so that it is asked before the cluster is deleted' },
  }))
  if (guard !== undefined) {
    const [retire, decommission] = [read(guard, 'retire', z.boolean()), read(guard, 'decommission', z.string().nullable())]
    if (retire.kind === 'unknown') return { findings, unknown: [retire.why] }
    if (decommission.kind === 'unknown') return { findings, unknown: [decommission.why] }
    if (retire.value || decommission.value !== null) return { findings, unknown: [] }
  }
  const unprotected = data.filter(({ opts }) => !opts.protect)
  return {
    findings: [
      ...findings,
      ...unprotected.map(({ name, urn }) => ({
        where: name,
        property: 'protect',
        observed: 'false',
        required: 'true while the colour is not being retired',
        urn,
      })),
    ],
    unknown: [],
  }
}

export const safetyRoute = rule({
  name: 'safety-route',
  displayName: 'The route changes through the switchover only',
  description: 'A fleet’s traffic stack has one Switchover, and it takes its verdict from the stack’s own gate.',
  severity: 'critical',
  level: 'mandatory',
  remedy: 'Use the Traffic program as it is: Switchover({ gate: { verdict: gate.verdict, epoch: gate.epoch } }).',
  settings: {},
  judge: (resources) => {
    const switchovers = ofType(resources, switchoverType)
    const gates = ofType(resources, gateType).filter(({ props }) => 'intent' in props && 'wiring' in props)
    if (switchovers.length === 0) {
      const orphan = gates.map(({ name, urn }) => ({ where: name, property: 'switchover', observed: 'none takes its verdict', required: 'one', urn }))
      return { findings: orphan, unknown: [] }
    }
    const several = switchovers
      .slice(1)
      .map(({ name, urn }) => ({ where: name, property: 'declared', observed: 'a second Switchover of one stack', required: 'one', urn }))
    const ungated = switchovers.flatMap(({ name, urn, propertyDependencies }) => {
      const verdictFrom = propertyDependencies.gate ?? []
      if (verdictFrom.some((each) => gates.some((gate) => gate.urn === each.urn))) return []
      return [{ where: name, property: 'gate', observed: 'a verdict that no gate of this stack gave', required: 'the outputs of this stack’s gate', urn }]
    })
    return { findings: [...several, ...ungated], unknown: [] }
  },
})

const MirrorPromises = z.strictObject({ version: z.string(), connector: z.record(z.string(), z.string()), worker: z.record(z.string(), z.string()) })

/** What a mirror connector has to promise. Source: KIP-382, KIP-618; MirrorMaker 3.7.1 mends KAFKA-16622 and KAFKA-15905, which lost or repeated positions. */
const required: Readonly<Record<'connector' | 'worker', Readonly<Record<string, string>>>> = {
  connector: {
    'source.consumer.isolation.level': 'read_committed',
    'source.consumer.auto.offset.reset': 'earliest',
    'producer.override.acks': 'all',
    'sync.topic.configs.enabled': 'false',
    'sync.topic.acls.enabled': 'false',
    'replication.policy.class': 'org.apache.kafka.connect.mirror.IdentityReplicationPolicy',
  },
  worker: { 'topic.creation.enable': 'false' },
}

const exactlyOnce: typeof required = { connector: { 'exactly.once.support': 'required' }, worker: { 'exactly.once.source.support': 'enabled' } }

/** Components that stand for a mirror and say what it promises. Only the local platform's workers are resources of a kind of their own. */
const mirrorTypes = ['kbg:mirror:LocalMirror', 'kbg:mirror:KubernetesMirror', 'kbg:mirror:MskConnectMirror'] as const

export const safetyMirror = rule({
  name: 'safety-mirror',
  displayName: 'The mirror copies once, committed records only, in one direction',
  description:
    'One worker beside each colour and no connector as a resource (which direction runs is the switchover’s decision); exactly-once, read_committed, no syncing of metadata, and a MirrorMaker that is not known to lose positions.',
  severity: 'critical',
  level: 'mandatory',
  remedy: 'Take the template of engine/model/mirror-template.ts as it is; an at-least-once mirror is declared in this policy’s configuration (`delivery`).',
  settings: { delivery: z.enum(['exactly-once', 'at-least-once']).default('exactly-once'), minVersion: z.string().default('3.7.1') },
  judge: (resources, settings) => {
    const mirror = mirrorTypes.flatMap((type) => ofType(resources, type))[0]
    const workers = ofType(resources, 'kbg:index:LocalMirrorWorker')
    const connectors = resources.filter(({ type }) => /connector/i.test(type))
    const asResources = connectors.map(({ name, urn, type }) => ({
      where: name,
      property: 'type',
      observed: type,
      required: 'no connector as a resource: an update could revive a direction',
      urn,
    }))
    if (mirror === undefined) {
      const lone = workers.map(({ name, urn }) => ({
        where: name,
        property: 'parent',
        observed: 'no mirror',
        required: 'a LocalMirror, which says what is promised',
        urn,
      }))
      return { findings: [...asResources, ...lone], unknown: [] }
    }
    const promises = read(mirror, 'promises', MirrorPromises)
    const perColour = mirror.type === mirrorTypes[0] ? beside(mirror, workers) : { findings: [], unknown: [] }
    const unknown = [...(promises.kind === 'unknown' ? [promises.why] : []), ...perColour.unknown]
    if (promises.kind === 'unknown') return { findings: [...asResources, ...perColour.findings], unknown }
    const wanted = settings.delivery === 'exactly-once' ? [required, exactlyOnce] : [required]
    const broken = wanted.flatMap((each) =>
      (['connector', 'worker'] as const).flatMap((part) =>
        Object.entries(each[part])
          .filter(([key, value]) => promises.value[part][key] !== value)
          .map(([key, value]) => ({
            where: `mirror ${part}`,
            property: key,
            observed: promises.value[part][key] ?? 'not set',
            required: value,
            urn: mirror.urn,
          })),
      ),
    )
    const minVersion = String(settings.minVersion)
    const old =
      compareVersions(promises.value.version, minVersion) < 0
        ? [{ where: 'mirror worker', property: 'version', observed: promises.value.version, required: `at least ${minVersion}`, urn: mirror.urn }]
        : []
    return { findings: [...asResources, ...perColour.findings, ...broken, ...old], unknown }
  },
})

/** One worker beside each colour: two beside one would run a direction twice. */
function beside(mirror: PolicyResource, workers: readonly PolicyResource[]): Judgement {
  const targets = workers.map((worker) => read(worker, 'target', z.object({ colour: Colour })))
  const unknown = targets.flatMap((target) => (target.kind === 'unknown' ? [target.why] : []))
  if (unknown.length > 0 && workers.length === 2) return { findings: [], unknown }
  const findings = colours.flatMap((colour): Finding[] => {
    const count = targets.filter((target) => target.kind === 'known' && target.value.colour === colour).length
    return count === 1 ? [] : [{ where: `mirror into ${colour}`, property: 'workers', observed: String(count), required: '1', urn: mirror.urn }]
  })
  return { findings, unknown }
}

/** Bounds that a fleet may tighten and not loosen; the defaults are the product's own. */
const floors = Limits.parse({})

/** Which way is looser, by limit. */
const ceilings = [
  'maxMirrorLagMs',
  'maxWatermarkAgeMs',
  'maxEvidenceAgeMs',
  'holdDeadlineMs',
  'fenceDeadlineMs',
  'drainDeadlineMs',
  'windowDeadlineMs',
  'latencyFactor',
  'latencyFloorMs',
  'lockLeaseSeconds',
  'groupMoveDeadlineMs',
  'waveAnalysisMs',
  'watchSampleIntervalMs',
  'watchFailures',
] as const
const minimums = ['lagSamples', 'lagSampleIntervalMs', 'quietSeconds', 'watchWindowMs'] as const
/** Findings of the gate that can be waved through for a whole stack; `accept` is a decision that takes an exception. */
const acceptable = ['expiredRecords', 'sharedProducerIds'] as const

export const safetyLimits = rule({
  name: 'safety-limits',
  displayName: 'Gate and switchover keep the fleet’s bounds',
  description: 'No limit of the traffic stack is looser than the fleet’s own bounds.',
  severity: 'high',
  level: 'mandatory',
  remedy: 'Take the limit back in the traffic stack’s config; bounds of a fleet stand in this policy’s configuration.',
  // maxDrillAgeDays 0: the fleet asks for no drill
  settings: Object.fromEntries([...ceilings, ...minimums, 'maxDrillAgeDays' as const].map((name) => [name, z.number().default(floors[name])])),
  judge: (resources, settings) => {
    const judged = ofType(resources, switchoverType).map((switchover) => {
      const limits = read(switchover, 'limits', Limits)
      if (limits.kind === 'unknown') return { findings: [], unknown: [limits.why] }
      const bound = (name: (typeof ceilings)[number] | (typeof minimums)[number]) => Number(settings[name])
      const loose = [
        ...ceilings.filter((name) => limits.value[name] > bound(name)).map((name) => ({ name, required: `at most ${bound(name)}` })),
        ...minimums.filter((name) => limits.value[name] < bound(name)).map((name) => ({ name, required: `at least ${bound(name)}` })),
      ]
      const accepted = acceptable.filter((name) => limits.value[name] === 'accept').map((name) => ({ name, required: 'refuse' }))
      const days = Number(settings.maxDrillAgeDays)
      const isDrillLoose = days > 0 && (limits.value.maxDrillAgeDays === 0 || limits.value.maxDrillAgeDays > days)
      const drill = isDrillLoose ? [{ name: 'maxDrillAgeDays' as const, required: `1 to ${days}` }] : []
      return {
        findings: [
          ...[...loose, ...accepted, ...drill].map(({ name, required }) => ({
            ...{ where: 'limits', property: name, observed: String(limits.value[name]), required, urn: switchover.urn },
          })),
        ],
        unknown: [],
      }
    })
    return { findings: judged.flatMap(({ findings }) => findings), unknown: judged.flatMap(({ unknown }) => unknown) }
  },
})

export const safetyGuardians = rule({
  name: 'safety-guardians',
  displayName: 'A guardian stands beside each colour',
  description:
    'Both colours have a guardian, which keeps the standby fenced, and an audit compares the two: otherwise what an orchestrator leaves open stays open, and nothing proves the copy.',
  severity: 'high',
  level: 'mandatory',
  remedy: 'Use the Traffic program as it is: LocalGuardian for blue and green, and LocalAudit.',
  settings: {},
  judge: (resources) => {
    if (ofType(resources, switchoverType).length === 0) return { findings: [], unknown: [] }
    const guarded = ofType(resources, 'kbg:index:LocalGuardian').map((guardian) => read(guardian, 'colour', Colour))
    const unknown = guarded.flatMap((colour) => (colour.kind === 'unknown' ? [colour.why] : []))
    const alone = unknown.length > 0 ? [] : colours.filter((colour) => !guarded.some((each) => each.kind === 'known' && each.value === colour))
    const noAudit =
      ofType(resources, 'kbg:index:LocalAudit').length > 0 ? [] : [{ where: 'audit', property: 'declared', observed: 'not there', required: 'one' }]
    return {
      findings: [...alone.map((colour) => ({ where: `guardian of ${colour}`, property: 'declared', observed: 'not there', required: 'one' })), ...noAudit],
      unknown,
    }
  },
})
