import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { connectAudit } from '../../engine/adapters/audit/audit-client.ts'
import { connectCluster } from '../../engine/adapters/kafka/cluster.ts'
import { destroyAudit, provisionAudit } from '../../engine/adapters/local/audit-process.ts'
import { isApplicationTopic } from '../../engine/gate/catalog-parity.ts'
import type { AuditFacts } from '../../engine/model/audit-facts.ts'
import type { AuditWorkerAccess } from '../../engine/model/audit-worker.ts'
import { ClusterAccess } from '../../engine/model/cluster-access.ts'
import { KbgError } from '../../engine/model/error.ts'
import type { Audit } from '../../engine/ports/audit.ts'
import { type Clock, Deadline, systemClock } from '../../engine/ports/clock.ts'
import { openStacks, wiringOf } from '../fleet-stacks.ts'
import { type AuditOutcome, auditLines, outcomeOf, progressLine } from './lines.ts'

const pauseMs = 1_000
const answerMs = 10_000

/** What is compared, and how it is told. */
export interface AuditOptions {
  readonly fleet: string
  /** Files that hold a ClusterAccess each: any two clusters instead of a fleet's. */
  readonly blue: string | undefined
  readonly green: string | undefined
  /** Topics separated by commas; undefined: every application topic that one of the sides has. Only with `blue` and `green`. */
  readonly topics: string | undefined
  /** Goes on telling until it is ended, instead of ending with the first answer. */
  readonly follow: boolean
  readonly json: boolean
  /** Seconds until an answer that isn't there is given up. */
  readonly timeout: string | undefined
}

const exitCodes: Readonly<Record<AuditOutcome, number>> = { equal: 0, differs: 1, open: 2 }

/**
 * `kbg audit`: have both sides the same records? Of a fleet it asks the audit that runs; of any two clusters it runs one for as long as it takes.
 *
 * @returns 0: equal up to both ends; 1: they differ; 2: not shown within the time
 * @throws KbgError `audit-options`, `cluster-access`; `not-up`; `audit-unreachable`
 */
export async function runAudit(options: AuditOptions): Promise<number> {
  const { blue, green } = options
  if (blue === undefined && green === undefined) {
    const { workers, topics } = await auditOf(options.fleet)
    return await look(connectAudit(workers, systemClock), topics, options)
  }
  if (blue === undefined || green === undefined)
    throw new KbgError('audit-options', 'Two clusters are compared, and only one is named.', { remedy: 'Give --blue FILE and --green FILE.' })
  return await compare({ blue: readAccess(blue, 'blue'), green: readAccess(green, 'green') }, options)
}

async function auditOf(fleet: string): Promise<{ readonly workers: readonly AuditWorkerAccess[]; readonly topics: readonly string[] }> {
  const { audit, topics } = await wiringOf(openStacks(fleet))
  if (audit.length > 0) return { workers: audit, topics }
  throw new KbgError('no-audit', `The traffic stack of ${fleet} has no audit.`, { remedy: 'Run pulumi up on it with this checkout.' })
}

/** Any two clusters: a worker of their own, whose state goes when the answer is there. */
async function compare(clusters: { readonly blue: ClusterAccess; readonly green: ClusterAccess }, options: AuditOptions): Promise<number> {
  const projectRoot = mkdtempSync(join(tmpdir(), 'kbg-audit-'))
  const at = { projectRoot, fleet: `audit-${process.pid}` }
  try {
    const topics = options.topics === undefined ? await topicsOfEither(clusters) : options.topics.split(',').map((topic) => topic.trim())
    const workers = await provisionAudit(
      projectRoot,
      { fleet: at.fleet, clusters, topics },
      () => undefined,
      new Deadline(systemClock, 60_000, 'the comparison to begin'),
    )
    return await look(connectAudit(workers, systemClock), topics, options)
  } finally {
    await destroyAudit(at, 'remove', new Deadline(systemClock, 30_000, 'the comparison to end'))
    rmSync(projectRoot, { recursive: true, force: true })
  }
}

/** Every application topic that one side or both have: one that a side lacks is a difference, and not left out. */
async function topicsOfEither(clusters: { readonly blue: ClusterAccess; readonly green: ClusterAccess }): Promise<readonly string[]> {
  const found = await Promise.all(
    [clusters.blue, clusters.green].map(async (access) => {
      const cluster = connectCluster(access, systemClock)
      try {
        const topics = await cluster.inventory.topics(new Deadline(systemClock, 30_000, `the topics of ${access.colour}`))
        return topics.filter(isApplicationTopic).map(({ topic }) => topic)
      } finally {
        await cluster.close()
      }
    }),
  )
  return [...new Set(found.flat())].sort()
}

function readAccess(file: string, colour: 'blue' | 'green'): ClusterAccess {
  let json: unknown
  try {
    json = JSON.parse(readFileSync(file, 'utf8'))
  } catch (cause) {
    throw new KbgError('cluster-access', `${file} can't be read as JSON.`, { cause })
  }
  const parsed = ClusterAccess.safeParse(json)
  if (parsed.success) return { ...parsed.data, colour }
  const problems = parsed.error.issues.map(({ path, message }) => `\n  ${path.map(String).join('.') || 'the whole'}: ${message}`)
  throw new KbgError('cluster-access', `${file} doesn't say how to reach a cluster:${problems.join('')}`)
}

async function look(audit: Audit, topics: readonly string[], options: AuditOptions): Promise<number> {
  try {
    return await lookUntilDone(audit, topics, options, systemClock)
  } finally {
    await audit.close()
  }
}

/** Asks once a second until there is an answer; with `follow` until it is ended from outside. */
export async function lookUntilDone(
  audit: Audit,
  topics: readonly string[],
  { follow, json, timeout }: Pick<AuditOptions, 'follow' | 'json' | 'timeout'>,
  clock: Clock,
): Promise<number> {
  const startedMs = clock.monotonicMs()
  const untilMs = startedMs + secondsOf(timeout) * 1_000
  for (;;) {
    const facts = await audit.facts(new Deadline(clock, answerMs, "the audit's answer"))
    const nowMs = clock.monotonicMs()
    const outcome = outcomeOf(facts, topics, nowMs - startedMs)
    if (!follow && (outcome !== 'open' || nowMs >= untilMs)) {
      tell(facts, outcome, json)
      return exitCodes[outcome]
    }
    if (follow && json) console.log(JSON.stringify({ outcome, ...facts }))
    else console.error(progressLine(facts))
    await clock.sleep(pauseMs)
  }
}

function tell(facts: AuditFacts, outcome: AuditOutcome, json: boolean): void {
  console.log(json ? JSON.stringify({ outcome, ...facts }, null, 2) : auditLines(facts, outcome).join('\n'))
}

function secondsOf(text: string | undefined): number {
  if (text === undefined) return 600
  if (/^[1-9]\d{0,5}$/.test(text)) return Number(text)
  throw new KbgError('audit-options', 'How many seconds?', { facts: { observed: text, required: 'a whole number' } })
}
