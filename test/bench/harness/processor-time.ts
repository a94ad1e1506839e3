/** Who takes the processors' time, from Linux' /proc. Pure: texts in, shares out. */

/** Clock ticks of one process, and who started it. */
export interface ProcessTicks {
  readonly pid: number
  readonly parentPid: number
  /** In clock ticks since boot; with the pid it is an identity. */
  readonly startTime: number
  /** User and system time together. */
  readonly ticks: number
}

/** Reads `/proc/<pid>/stat`; undefined for a text that isn't one. */
export function parseProcessStat(text: string): ProcessTicks | undefined {
  // The command in parentheses may hold anything, so what follows its last one counts: state is field 3.
  const fields = text
    .slice(text.lastIndexOf(')') + 2)
    .split(' ')
    .map(Number)
  const [parentPid, user, system, startTime] = [fields[1], fields[11], fields[12], fields[19]]
  const pid = Number.parseInt(text, 10)
  if (parentPid === undefined || user === undefined || system === undefined || startTime === undefined || Number.isNaN(pid)) return undefined
  return { pid, parentPid, startTime, ticks: user + system }
}

/** Clock ticks of all cores together: all of them, and those that the hypervisor gave to somebody else. Reads `/proc/stat`. */
export function parseMachineStat(text: string): { readonly total: number; readonly stolen: number } | undefined {
  const line = /^cpu +(.*)$/m.exec(text)?.[1]
  if (line === undefined) return undefined
  // user nice system idle iowait irq softirq steal; the guests' times behind them are part of user and nice
  const ticks = line.split(' ').slice(0, 8).map(Number)
  return { total: ticks.reduce((sum, each) => sum + each, 0), stolen: ticks[7] ?? 0 }
}

/**
 * Adds up what processes took that descend from the bench, and what the others took.
 *
 * A descendant stays one when its parent has ended (brokers outlive whoever started them). Kernel threads belong to nobody. A process that
 * begins and ends between two samples isn't seen.
 */
export class OwnAndForeignTicks {
  readonly #rootPid: number
  readonly #ownProcesses = new Set<string>()
  #last: ReadonlyMap<string, number> | undefined
  #own = 0
  #foreign = 0

  constructor(rootPid: number) {
    this.#rootPid = rootPid
  }

  /** Ticks of foreign processes between the first sample and the latest one. */
  get foreign(): number {
    return this.#foreign
  }

  /** Ticks of the bench and all that it started, between the same two. */
  get own(): number {
    return this.#own
  }

  add(processes: readonly ProcessTicks[]): void {
    const byPid = new Map(processes.map((each) => [each.pid, each]))
    const now = new Map(processes.map((each) => [identity(each), each.ticks]))
    for (const each of processes) {
      const own = this.#isOwn(each, byPid)
      if (own) this.#ownProcesses.add(identity(each))
      if (this.#last === undefined) continue
      const since = each.ticks - (this.#last.get(identity(each)) ?? 0)
      if (own) this.#own += since
      else if (!isKernelThread(each)) this.#foreign += since
    }
    this.#last = now
  }

  #isOwn(process: ProcessTicks, byPid: ReadonlyMap<number, ProcessTicks>): boolean {
    for (let at: ProcessTicks | undefined = process; at !== undefined; at = byPid.get(at.parentPid)) {
      if (at.pid === this.#rootPid || this.#ownProcesses.has(identity(at))) return true
    }
    return false
  }
}

const kernelThreadDaemon = 2

function isKernelThread({ pid, parentPid }: ProcessTicks): boolean {
  return pid === kernelThreadDaemon || parentPid === kernelThreadDaemon
}

function identity({ pid, startTime }: ProcessTicks): string {
  return `${pid}@${startTime}`
}
