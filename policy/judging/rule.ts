import type { EnforcementLevel, PolicyConfigSchema, PolicyResource, Severity, StackValidationPolicy } from '@pulumi/policy'
import { z } from 'zod'
import { Exception, sortExcepted } from './exceptions.ts'
import { byFleet } from './pairs.ts'

/** One thing that is otherwise than required. */
export interface Finding {
  /** What it is about, in the words of an exception: `topic orders`, `brokers of green`. */
  readonly where: string
  readonly property: string
  readonly observed: string
  readonly required: string
  /** The resource that Pulumi is to show beside it; undefined: the stack. */
  readonly urn?: string
}

/** What a rule says of a stack. What it could not read is neither a finding nor a pass. */
export interface Judgement {
  readonly findings: readonly Finding[]
  readonly unknown: readonly string[]
}

/** One policy as data: what it is about, what it may be told, and a pure function that judges. */
export interface Rule<Settings extends z.ZodRawShape = z.ZodRawShape> {
  readonly name: string
  readonly displayName: string
  readonly description: string
  readonly severity: Severity
  readonly level: Extract<EnforcementLevel, 'mandatory' | 'advisory'>
  /** What mends a violation, in one or two sentences. */
  readonly remedy: string
  /** What a policy pack's configuration may say beside `exceptions` and the level; each with a default. */
  readonly settings: Settings
  /** Judges one fleet's resources. */
  readonly judge: (resources: readonly PolicyResource[], settings: z.infer<z.ZodObject<Settings>>) => Judgement
}

/** Types a rule by its settings, and forgets them again: a pack holds rules of all kinds. */
export function rule<Settings extends z.ZodRawShape>(it: Rule<Settings>): Rule {
  return it as unknown as Rule
}

/** Violations of one policy that are shown one by one; what is beyond is counted. */
const mostShown = 5

/** What the rules of a pack said beside their violations, by rule: Pulumi runs policies in the pack's order, so those at its end can tell it. */
export type Said = Map<string, { readonly unknown: readonly string[]; readonly excepted: readonly string[] }>

/** The rule as Pulumi runs it. @param today the day (UTC, YYYY-MM-DD) that exceptions are held against */
export function policyOf(it: Rule, said: Said = new Map(), today: () => string = utcDay): StackValidationPolicy {
  const settings = z.strictObject({ ...it.settings, exceptions: z.array(Exception).default([]), enforcementLevel: z.unknown().optional() })
  return {
    name: it.name,
    displayName: it.displayName,
    description: it.description,
    severity: it.severity,
    enforcementLevel: it.level,
    remediationSteps: it.remedy,
    tags: [it.name.split('-')[0] ?? it.name],
    configSchema: configSchemaOf({ ...it.settings, exceptions: settings.shape.exceptions }),
    validateStack: ({ resources, getConfig }, report) => {
      const parsed = settings.safeParse(getConfig())
      if (!parsed.success) {
        for (const { path, message } of parsed.error.issues)
          report(`The configuration of this policy can't be read: ${path.map(String).join('.') || 'all of it'}: ${message}.`)
        return
      }
      const judged = judgeFleets(it, resources, parsed.data)
      const { left, excepted } = sortExcepted(judged.findings, parsed.data.exceptions, today())
      said.set(it.name, { unknown: judged.unknown, excepted })
      for (const finding of left.slice(0, mostShown)) report(messageOf(finding, it.remedy), finding.urn)
      if (left.length > mostShown) report(`and ${left.length - mostShown} more of the same policy.`)
    },
  }
}

/** Every fleet of a stack for itself. Where there are several, what is said names whose it is. */
function judgeFleets(it: Rule, all: readonly PolicyResource[], settings: z.infer<z.ZodObject<z.ZodRawShape>>): Judgement {
  const judged = byFleet(all).map(({ fleet, resources }) => {
    const { findings, unknown } = it.judge(resources, settings)
    if (fleet === null) return { findings, unknown }
    return { findings: findings.map((finding) => ({ ...finding, where: `${fleet}: ${finding.where}` })), unknown: unknown.map((why) => `${fleet}: ${why}`) }
  })
  return together(judged)
}

/** What several judgements say. */
export function together(judged: readonly Judgement[]): Judgement {
  return { findings: judged.flatMap(({ findings }) => findings), unknown: judged.flatMap(({ unknown }) => unknown) }
}

/** What no rule could judge, as one advisory policy: unknown is reported as unknown, beside what is mandatory. Stands behind the rules. */
export function unjudged(said: Said): StackValidationPolicy {
  return {
    name: 'unjudged',
    displayName: 'Not judged',
    description: 'What the policies of this pack could not judge, because a preview does not know it yet.',
    severity: 'low',
    enforcementLevel: 'advisory',
    remediationSteps:
      'Nothing to mend: bring the colours up, then preview again. In a pull request that only touches stacks which stand already this is a reason to look.',
    tags: ['unjudged'],
    validateStack: (_, report) => {
      for (const [name, { unknown }] of said) {
        const reasons = [...new Set(unknown)]
        const more = reasons.length > 1 ? `, and ${reasons.length - 1} more` : ''
        if (reasons.length > 0) report(`${name} could not be judged: ${reasons[0]}${more}.`)
      }
    },
  }
}

/** What differs by a declared exception that still holds, as one advisory policy: who reviews sees it, its reason and its last day. Stands behind the rules. */
export function excepted(said: Said): StackValidationPolicy {
  return {
    name: 'excepted',
    displayName: 'Excepted',
    description: 'What would be a violation, if the configuration of the policies did not except it.',
    severity: 'low',
    enforcementLevel: 'advisory',
    remediationSteps: 'Nothing to mend before the last day that is named.',
    tags: ['excepted'],
    validateStack: (_, report) => {
      for (const [name, { excepted: all }] of said) {
        for (const each of all.slice(0, mostShown)) report(`${name}: ${each}`)
        if (all.length > mostShown) report(`and ${all.length - mostShown} more of ${name}.`)
      }
    },
  }
}

/** The finding, and on a line of its own what mends it; Pulumi puts the description before both. Read by `kbg pr`. */
function messageOf({ where, property, observed, required }: Finding, remedy: string): string {
  return `${where}: ${property} is ${observed}, required: ${required}.\n${remedy}`
}

function utcDay(): string {
  return new Date().toISOString().slice(0, 10)
}

function configSchemaOf(shape: z.ZodRawShape): PolicyConfigSchema {
  const { properties = {} } = z.toJSONSchema(z.object(shape), { target: 'draft-7', io: 'input' })
  return { properties: properties as PolicyConfigSchema['properties'] }
}
