/**
 * `npm run chaos -- pulumi [--cells N] [--write-docs]`: kill -9 of the Pulumi CLI and of its provider process, at each step of a switchover by `pulumi up`, on a fleet of three real stacks under load. Each time what the
 * messages say is done, and the switchover is brought to its end.
 */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { initFleet, pulumiEnv } from '../../../cli/init.ts'
import { pulumiLeftovers } from '../../../cli/pulumi-leftovers.ts'
import { judge, startLoad } from '../../../cli/rollout/demo-load.ts'
import { Stacks } from '../../../cli/rollout/stacks.ts'
import { isPidAlive } from '../../../engine/adapters/local/process.ts'
import { type Colour, otherColour } from '../../../engine/model/colour.ts'
import { messageOf } from '../../../engine/model/error.ts'
import { Limits } from '../../../engine/model/limits.ts'
import { Wiring } from '../../../engine/model/wiring.ts'
import { Deadline, systemClock } from '../../../engine/ports/clock.ts'
import { sampleLag } from '../../../engine/run/lag.ts'
import { closePorts, connectPorts, type OversightPorts } from '../../../engine/run/ports.ts'
import { mirrorRecord } from '../../../engine/switchover/journal-reading.ts'
import { leftOpen } from '../../../engine/switchover/resume.ts'
import { longestStallMs } from '../../../engine/switchover/stall.ts'
import { projectDir } from '../../../tools/paths.ts'
import { cleaningUp } from '../../bench/harness/clean-up.ts'
import { interrupted } from '../../bench/harness/interrupt.ts'
import type { WorkloadProcess } from '../../support/workload/process.ts'
import { writeSection } from '../soak/docs.ts'
import { hasCome, type UpdateCell, updateCells } from './moments.ts'

const fleet = 'test-chaos'
const limits = Limits.parse({ lockLeaseSeconds: 4, windowDeadlineMs: 15_000 })
const within = (seconds: number, what = 'the chaos of pulumi') => new Deadline(systemClock, seconds * 1_000, what, interrupted)

interface Fleet {
  readonly stacks: Stacks
  readonly wiring: Wiring
  readonly ports: OversightPorts
  readonly load: WorkloadProcess
  readonly outDir: string
}

export interface PulumiOrder {
  readonly cells: number
  readonly writeDocs: boolean
}

/** @returns the exit code: 0 when every cell ended as it has to, and the clients saw nothing amiss */
export async function pulumiChaos({ cells, writeDocs }: PulumiOrder, tell: (line: string) => void): Promise<number> {
  tell(`chaos pulumi, ${cells} cells`)
  const outDir = mkdtempSync(join(tmpdir(), 'kbg-chaos-pulumi-'))
  await initFleet(fleet)
  const stacks = new Stacks(fleet, projectDir, pulumiEnv(projectDir), () => undefined)
  let load: WorkloadProcess | undefined
  let ports: OversightPorts | undefined
  const failed: string[] = []
  const rows: string[] = []
  await cleaningUp(
    async () => {
      const wiring = await stand(stacks)
      ports = await connectPorts(wiring, systemClock)
      load = await startLoad(
        wiring,
        outDir,
        { ratePerSecond: 150, preloadRecords: 0 },
        () => undefined,
        () => undefined,
      )
      load.startLoad()
      const all: Fleet = { stacks, wiring, ports, load, outDir }
      for (const cell of updateCells.slice(0, cells)) rows.push(await tellCell(all, cell, tell, failed))
      rows.push('', ...(await tellVerdict(all, tell, failed)))
    },
    () => load?.kill(),
    () => (ports === undefined ? undefined : closePorts(ports)),
    () => tearDown(stacks),
    () => rmSync(outDir, { recursive: true, force: true }),
  )
  const header = ['| killed | when | what it came to, at rest after, and what was typed |', '|---|---|---|']
  if (writeDocs && failed.length === 0) writeSection('pulumi', [...header, ...rows].join('\n'), join(projectDir, 'docs', 'faults.md'))
  tell(`${cells + 1 - failed.length} passed, ${failed.length} failed`)
  return failed.length === 0 ? 0 : 1
}

async function stand(stacks: Stacks): Promise<Wiring> {
  const end = { decommission: fleet }
  await stacks.setConfig('blue', { ...end, retire: 'true', kafkaVersion: '3.9.2' })
  await stacks.setConfig('green', { kafkaVersion: '4.3.1' })
  await stacks.setConfig('traffic', {
    ...end,
    live: 'blue',
    attempt: '0',
    limits: JSON.stringify({ lockLeaseSeconds: limits.lockLeaseSeconds, windowDeadlineMs: limits.windowDeadlineMs }),
  })
  await Promise.all([stacks.up('blue'), stacks.up('green')])
  interrupted.throwIfAborted()
  return Wiring.parse((await stacks.up('traffic')).wiring?.value)
}

async function tearDown(stacks: Stacks): Promise<void> {
  await stacks.setConfig('green', { decommission: fleet, retire: 'true' })
  await (await stacks.select('traffic')).cancel().catch(() => undefined) // refused where nothing is locked
  await stacks.up('green')
  for (const role of ['traffic', 'blue', 'green'] as const) {
    await stacks.destroy(role)
    await stacks.remove(role)
    rmSync(join(projectDir, `Pulumi.${fleet}-${role}.yaml`), { force: true })
  }
}

/** @returns its row of the table */
async function tellCell(all: Fleet, cell: UpdateCell, tell: (line: string) => void, failed: string[]): Promise<string> {
  const what = `kill -9 of ${cell.victim} ${cell.side} ${cell.step}`
  try {
    const came = await playCell(all, cell)
    tell(`passed  ${what}: ${came}`)
    return `| ${cell.victim} | ${cell.side} ${cell.step} | ${came} |`
  } catch (thrown) {
    interrupted.throwIfAborted() // the fleet is taken down, and no cell was met
    failed.push(what)
    tell(`failed  ${what}: ${messageOf(thrown).slice(0, 2_000)}`)
    return ''
  }
}

/** One killed update, and what it takes to bring it to its end. @returns what was observed */
async function playCell(all: Fleet, cell: UpdateCell): Promise<string> {
  const { stacks, ports } = all
  const before = await ports.store.read(within(10))
  if (before.route === null) throw new Error('there is no route')
  const target = otherColour(before.route.live)
  await intend(all, target)
  const { update, pid, provider } = await updateAtStep(all, cell, before.journalHead, target)
  process.kill(pid, 'SIGKILL')
  const killedAtMs = systemClock.monotonicMs()
  await update
  await within(60, 'the provider process to end').poll(50, async () => (isPidAlive(provider) ? undefined : true))
  const live = await untilAtRest(ports)
  const restMs = Math.round(systemClock.monotonicMs() - killedAtMs)
  const leftovers = await pulumiLeftovers(stacks, projectDir)
  for (const line of leftovers) if (line.includes('pulumi cancel')) await (await stacks.select('traffic')).cancel()
  const after = await ports.store.read(within(10))
  const outcome = !after.journal.some((entry) => entry.kind === 'opened' && entry.number > before.journalHead)
    ? 'untouched'
    : live === target
      ? 'finished'
      : 'taken back'
  await bringToItsEnd(all, target)
  const said =
    leftovers.length === 0
      ? 'nothing left of Pulumi'
      : leftovers.map((line) => (line.includes('cancel') ? 'its lock left: pulumi cancel' : 'pending operations: pulumi up')).join(', ')
  return `${outcome}, at rest after ${restMs} ms; ${said}; then pulumi up: ${target} is live`
}

/** The config of an operator who wants that colour: a latch asks for a new attempt. */
async function intend({ stacks, ports }: Fleet, live: Colour): Promise<void> {
  const { route } = await ports.store.read(within(10))
  const attempt = route?.latch ? route.latch.attempt + 1 : (route?.attempt ?? 0)
  await stacks.setConfig('traffic', { live, attempt: String(attempt) })
}

/** An update that has come to its step: how it ends, whom to kill, and the provider's process. */
interface StandingUpdate {
  readonly update: Promise<string>
  readonly pid: number
  readonly provider: number
}

/** Starts updates until one comes to the step: a gate that refuses because a busy machine is behind has touched nothing. */
async function updateAtStep(all: Fleet, cell: UpdateCell, journalHead: number, target: Colour): Promise<StandingUpdate> {
  let said = ''
  for (let tries = 1; tries <= mostTries; tries += 1) {
    let ended: string | null = null
    const update = all.stacks.up('traffic').then(
      () => 'the update succeeded',
      (thrown: unknown) => messageOf(thrown),
    )
    update.then((how) => {
      ended = how
    })
    const come = await atStep(all, cell, journalHead, target, () => ended !== null)
    if (come !== null) return { update, ...come }
    said = await update
    if (!said.includes('\ngate: ')) break
  }
  throw new Error(`no update came to ${cell.step}: ${said}`)
}

const mostTries = 6

/** Looks until the step has come; null: the update ended before. The lock names the provider's process. */
async function atStep({ ports }: Fleet, cell: UpdateCell, journalHead: number, target: Colour, hasEnded: () => boolean) {
  let provider = 0
  return await within(300, `the update to come to ${cell.step}`).poll(5, async () => {
    const reading = await ports.store.read(within(5))
    provider = Number(/^pulumi up .*pid (\d+)$/.exec(reading.lock?.holder ?? '')?.[1] ?? provider)
    const entries = reading.journal.filter(({ number }) => number > journalHead)
    if (provider !== 0 && hasCome(cell, reading, entries, target)) return { provider, pid: cell.victim === 'provider' ? provider : parentOf(provider) }
    return hasEnded() ? null : undefined
  })
}

/** The process that started it: the Pulumi CLI. */
function parentOf(pid: number): number {
  const stat = readFileSync(`/proc/${pid}/stat`, 'utf8')
  return Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[1])
}

async function untilAtRest(ports: OversightPorts): Promise<Colour> {
  return await within(longestStallMs(limits) / 1_000 + 60, 'the fleet to be at rest').poll(100, async () => {
    const { route, journal, lock } = await ports.store.read(within(5))
    if (route?.state !== 'open' || lock !== null || leftOpen(route, journal) !== null) return undefined
    const answers = async (colour: Colour) => [...new Set((await ports.clusters[colour].fence.probe(within(3))).map(({ answer }) => answer))].join()
    const observed = await Promise.all([answers(route.live), answers(otherColour(route.live))])
    return observed.join() === 'open,fenced' ? route.live : undefined
  })
}

/** What a person types then. A gate that refuses because a busy machine is behind has touched nothing, and is asked again. */
async function bringToItsEnd(all: Fleet, target: Colour): Promise<void> {
  await intend(all, target)
  for (let tries = 1; ; tries += 1) {
    try {
      await all.stacks.up('traffic')
      break
    } catch (thrown) {
      if (!/\ngate: |Run pulumi up again/.test(messageOf(thrown)) || tries === mostTries) throw thrown
    }
  }
  const live = await untilAtRest(all.ports)
  if (live !== target) throw new Error(`${live} is live, ${target} was wanted`)
}

async function tellVerdict({ wiring, ports, load, outDir }: Fleet, tell: (line: string) => void, failed: string[]): Promise<readonly string[]> {
  await load.stopProducers()
  load.resumeGroups()
  await load.drain(90)
  await load.end()
  const { route, journal } = await ports.store.read(within(10))
  const live = route?.live ?? 'blue'
  const subject = {
    clock: systemClock,
    source: ports.clusters[live],
    target: ports.clusters[otherColour(live)],
    mirror: ports.mirrors[live],
    topics: wiring.topics,
  }
  const connector = mirrorRecord(journal, live)?.connector ?? ''
  await within(60, 'the mirror').poll(200, async () => ((await sampleLag({ ...subject, connector }, 5_000)).kind === 'caught-up' ? true : undefined))
  const { ok, lines } = await judge(wiring, live, outDir)
  for (const line of lines) tell(line)
  if (!ok) failed.push('what the clients saw')
  return lines
}
