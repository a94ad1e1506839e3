import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { connectAudit } from '../../engine/adapters/audit/audit-client.ts'
import { destroyAudit, provisionAudit } from '../../engine/adapters/local/audit-process.ts'
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
  /** Topics separated by commas; undefined: every application topic that both sides have. Only with `blue` and `green`. */
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
  if (blue === undefined && green === undefined) return await look(connectAudit(await workersOf(options.fleet), systemClock), options)
  if (blue === undefined || green === undefined)
    throw new KbgError('audit-options', 'Two clusters are compared, and only one is named.', { remedy: 'Give --blue FILE and --green FILE.' })
  return await compare({ blue: readAccess(blue, 'blue'), green: readAccess(green, 'green') }, options)
}

async function workersOf(fleet: string): Promise<readonly AuditWorkerAccess[]> {
  const { audit } = await wiringOf(openStacks(fleet))
  if (audit.length > 0) return audit
  throw new KbgError('no-audit', `The traffic stack of ${fleet} has no audit.`, { remedy: 'Run pulumi up on it with this checkout.' })
}

/** Any two clusters: a worker of their own, whose state goes when the answer is there. */
async function compare(clusters: { readonly blue: ClusterAccess; readonly green: ClusterAccess }, options: AuditOptions): Promise<number> {
  const projectRoot = mkdtempSync(join(tmpdir(), 'kbg-audit-'))
  const at = { projectRoot, fleet: `audit-${process.pid}` }
  try {
    const topics = options.topics === undefined ? null : options.topics.split(',').map((topic) => topic.trim())
    const workers = await provisionAudit(
      projectRoot,
      { fleet: at.fleet, clusters, topics },
      () => undefined,
      new Deadline(systemClock, 60_000, 'the comparison to begin'),
    )
    return await look(connectAudit(workers, systemClock), options)
  } finally {
    await destroyAudit(at, 'remove', new Deadline(systemClock, 30_000, 'the comparison to end'))
    rmSync(projectRoot, { recursive: true, force: true })
  }
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

async function look(audit: Audit, options: AuditOptions): Promise<number> {
  try {
    return await lookUntilDone(audit, options, systemClock)
  } finally {
    await audit.close()
  }
}

/** Asks once a second until there is an answer; with `follow` until it is ended from outside. */
export async function lookUntilDone(audit: Audit, { follow, json, timeout }: Pick<AuditOptions, 'follow' | 'json' | 'timeout'>, clock: Clock): Promise<number> {
  const startedMs = clock.monotonicMs()
  const untilMs = startedMs + secondsOf(timeout) * 1_000
  for (;;) {
    const facts = await audit.facts(new Deadline(clock, answerMs, "the audit's answer"))
    const nowMs = clock.monotonicMs()
    const outcome = outcomeOf(facts, nowMs - startedMs)
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
