/**
 * Faults of the network between processes of one machine: in a network and mount namespace of the soak's own, so that nothing else on the machine is met, and nothing is left when the soak's
 * last process has ended, however it ended.
 */
import { spawnSync } from 'node:child_process'

const inside = 'KBG_CHAOS_NAMESPACE'

/** Whether this process runs in a namespace that {@link enterNamespace} made. */
export function isInNamespace(): boolean {
  return process.env[inside] === '1'
}

/** Loopback up, and its rule not the first one any more, so that rules can stand before it. */
const setUp = 'ip link set lo up && ip rule add pref 100 lookup local && ip rule del pref 0 && exec "$@"'

/** Why this machine has no such namespace; null: it has. */
export function namespaceProblem(): string | null {
  if (process.platform !== 'linux') return 'network namespaces are Linux only'
  const tried = spawnSync('unshare', ['--net', '--mount', 'sh', '-c', setUp, 'sh', 'true'], { encoding: 'utf8' })
  if (tried.error) return `unshare can't be run: ${tried.error.message}`
  return tried.status === 0 ? null : tried.stderr.trim().split('\n')[0] || `unshare ended with ${tried.status}`
}

/** Runs this very program again in namespaces of its own. @returns its exit code */
export function enterNamespace(args: readonly string[]): number {
  const program = [process.execPath, ...process.execArgv, ...args]
  const env = { ...process.env, [inside]: '1' }
  const ended = spawnSync('unshare', ['--net', '--mount', 'sh', '-c', setUp, 'sh', ...program], { stdio: 'inherit', env })
  return ended.status ?? 1
}

const firstPreference = 10

/**
 * Loses every packet that comes from these addresses (a host, or a subnet with its mask): requests arrive and take effect, answers don't come, and nobody is told.
 *
 * @returns ends it
 */
export function loseAnswersOf(addresses: readonly string[]): () => void {
  const rules = addresses.map((from, index) => ['pref', String(firstPreference + index), 'from', from, 'blackhole'])
  for (const rule of rules) run('ip', ['rule', 'add', ...rule])
  return () => {
    for (const rule of rules) run('ip', ['rule', 'del', ...rule])
  }
}

/** Lets everything that this subnet sends pass through so narrow a line that it queues. @returns ends it */
export function narrow(subnet: string, rate: string): () => void {
  run('tc', ['qdisc', 'add', 'dev', 'lo', 'root', 'handle', '1:', 'htb', 'default', '10'])
  try {
    run('tc', ['class', 'add', 'dev', 'lo', 'parent', '1:', 'classid', '1:10', 'htb', 'rate', '40gbit', 'quantum', '60000'])
    run('tc', ['class', 'add', 'dev', 'lo', 'parent', '1:', 'classid', '1:20', 'htb', 'rate', rate, 'quantum', '60000'])
    run('tc', ['filter', 'add', 'dev', 'lo', 'parent', '1:', 'protocol', 'ip', 'u32', 'match', 'ip', 'src', subnet, 'flowid', '1:20'])
  } catch (thrown) {
    run('tc', ['qdisc', 'del', 'dev', 'lo', 'root'])
    throw thrown
  }
  return () => run('tc', ['qdisc', 'del', 'dev', 'lo', 'root'])
}

/** Why a line can't be narrowed here; null: it can. */
export function narrowProblem(): string | null {
  try {
    narrow('127.255.255.0/24', '1mbit')()
    return null
  } catch (thrown) {
    return thrown instanceof Error ? thrown.message : String(thrown)
  }
}

export function run(command: string, args: readonly string[]): void {
  const { status, stderr, error } = spawnSync(command, args, { encoding: 'utf8' })
  if (error) throw error
  if (status !== 0) throw new Error(`${command} ${args.join(' ')}: ${stderr.trim()}`)
}
