import { randomBytes } from 'node:crypto'
import { chmodSync, existsSync, mkdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { homedir } from 'node:os'
import { join } from 'node:path'
import { stringify } from 'yaml'
import { z } from 'zod'
import { KbgError } from '../engine/model/error.ts'
import { defaultFleet, FleetName, StackRole, stackName } from '../engine/model/fleet.ts'
import { projectName } from '../infra/config.ts'
import { projectDir, toolEnv } from '../tools/paths.ts'
import { mustRun } from '../tools/process.ts'

/** One thing that `kbg init` saw to. */
export interface InitStep {
  readonly what: string
  readonly done: 'made' | 'was there'
}

const pulumiSeconds = 60

/** What a stack file of each role says when there is none yet. */
const firstConfig: Readonly<Record<StackRole, Readonly<Record<string, string>>>> = {
  blue: { kafkaVersion: '3.9.2' },
  green: { kafkaVersion: '4.3.1' },
  traffic: { live: 'blue' },
}

/** Where the project keeps its own backend and passphrase; `tools/pulumi-launcher.sh` looks in the same places. */
function localBackendDir(root: string): string {
  return join(root, '.kbg', '.pulumi')
}
function passphraseFile(root: string): string {
  return join(root, '.kbg', '.passphrase')
}

/**
 * The variables by which Pulumi finds the backend and passphrase that {@link initFleet} made. What `env` has set already
 * is the user's choice and left out here.
 *
 * @param root the project directory
 */
export function pulumiEnv(root: string, env: NodeJS.ProcessEnv = process.env): Record<string, string> {
  const backend = !env.PULUMI_BACKEND_URL && existsSync(localBackendDir(root))
  const passphrase = env.PULUMI_CONFIG_PASSPHRASE === undefined && !env.PULUMI_CONFIG_PASSPHRASE_FILE && existsSync(passphraseFile(root))
  return {
    PULUMI_SKIP_UPDATE_CHECK: 'true',
    ...(backend ? { PULUMI_BACKEND_URL: `file://${localBackendDir(root)}` } : {}),
    ...(passphrase ? { PULUMI_CONFIG_PASSPHRASE_FILE: passphraseFile(root) } : {}),
  }
}

/**
 * Makes what Pulumi needs before the first `up` of a fleet: a backend, a passphrase and the three stacks with their stack files.
 * What is there stays; a second run changes nothing.
 *
 * A user who is logged in to Pulumi Cloud, or has set `PULUMI_BACKEND_URL`, keeps that backend; everybody else gets one in
 * the project's git-ignored directory.
 * @param root the project directory
 * @throws KbgError `fleet-name`; `command-failed` with what Pulumi said
 */
export async function initFleet(fleet: string, root: string = projectDir): Promise<readonly InitStep[]> {
  const parsed = FleetName.safeParse(fleet)
  if (!parsed.success) throw new KbgError('fleet-name', `A fleet can't be called that: ${parsed.error.issues[0]?.message}.`, { facts: { observed: fleet } })
  mkdirSync(join(root, '.kbg'), { recursive: true })
  const steps = [initBackend(root), initPassphrase(root)]
  const known = await existingStacks(root)
  for (const role of StackRole.options) {
    const stack = stackName({ fleet, role })
    steps.push(initStackFile(root, stack, role))
    // One after the other: a file backend is not made for writers at the same time.
    steps.push(await initStack(root, stack, known))
  }
  return steps
}

function initBackend(root: string): InitStep {
  const dir = localBackendDir(root)
  if (process.env.PULUMI_BACKEND_URL) return { what: 'backend: the one in PULUMI_BACKEND_URL', done: 'was there' }
  if (existsSync(dir)) return { what: 'backend: .kbg/.pulumi', done: 'was there' }
  if (isLoggedIn()) return { what: 'backend: the one you are logged in to', done: 'was there' }
  mkdirSync(dir, { mode: 0o700 })
  return { what: 'backend: .kbg/.pulumi', done: 'made' }
}

const Logins = z.looseObject({ current: z.string().optional() })

/** Whether Pulumi would use a backend of the user's own: a token in the environment, or a login that it remembers. */
function isLoggedIn(env: NodeJS.ProcessEnv = process.env): boolean {
  if (env.PULUMI_ACCESS_TOKEN) return true
  const file = join(env.PULUMI_HOME ?? join(homedir(), '.pulumi'), 'credentials.json')
  if (!existsSync(file)) return false
  return Boolean(readLogins(file).data?.current)
}

/** @throws KbgError `pulumi-login`, never with the file's text in it, which holds access tokens and which a JSON parser's error would quote */
function readLogins(file: string) {
  try {
    return Logins.safeParse(JSON.parse(readFileSync(file, 'utf8')))
  } catch {
    throw new KbgError('pulumi-login', "Pulumi's file of logins can't be read as JSON.", { facts: { file }, remedy: 'Log in again with pulumi login.' })
  }
}

function initPassphrase(root: string): InitStep {
  const file = passphraseFile(root)
  const what = 'passphrase for secrets in stack files and state: .kbg/.passphrase (0600)'
  if (process.env.PULUMI_CONFIG_PASSPHRASE !== undefined || process.env.PULUMI_CONFIG_PASSPHRASE_FILE) {
    return { what: 'passphrase: the one in the environment', done: 'was there' }
  }
  if (writeNew(file, `${randomBytes(32).toString('base64url')}\n`, 0o600)) return { what, done: 'made' }
  if ((statSync(file).mode & 0o077) !== 0) chmodSync(file, 0o600)
  return { what, done: 'was there' }
}

function initStackFile(root: string, stack: string, role: StackRole): InitStep {
  const config = Object.fromEntries(Object.entries(firstConfig[role]).map(([key, value]) => [`${projectName}:${key}`, value]))
  const written = writeNew(join(root, `Pulumi.${stack}.yaml`), stringify({ config }), 0o644)
  return { what: `stack file Pulumi.${stack}.yaml`, done: written ? 'made' : 'was there' }
}

/** Writes a file that isn't there yet. @returns whether it did */
function writeNew(file: string, text: string, mode: number): boolean {
  try {
    writeFileSync(file, text, { mode, flag: 'wx' })
    return true
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false
    throw error
  }
}

async function initStack(root: string, stack: string, known: ReadonlySet<string>): Promise<InitStep> {
  if (known.has(stack)) return { what: `stack ${stack}`, done: 'was there' }
  await pulumi(root, ['stack', 'init', stack, '--no-select', '--non-interactive'])
  return { what: `stack ${stack}`, done: 'made' }
}

const StackList = z.array(z.looseObject({ name: z.string() }))

/** Names of the project's stacks; Pulumi Cloud puts an organization before a name that isn't the user's own. */
async function existingStacks(root: string): Promise<ReadonlySet<string>> {
  const said = await pulumi(root, ['stack', 'ls', '--json', '--non-interactive'])
  // A warning may stand before the list.
  const list = StackList.parse(JSON.parse(said.slice(Math.max(0, said.search(/^\[/m)))))
  return new Set(list.map(({ name }) => name.slice(name.lastIndexOf('/') + 1)))
}

function pulumi(root: string, args: readonly string[]): Promise<string> {
  return mustRun('pulumi', args, { cwd: root, env: { ...toolEnv(), ...pulumiEnv(root) }, deadlineSeconds: pulumiSeconds })
}

/** `kbg init`: says what it did and what to type next. @returns the exit code */
export async function runInit(fleet: string = defaultFleet): Promise<number> {
  const steps = await initFleet(fleet)
  for (const { what, done } of steps) console.log(`  ${done === 'made' ? '+' : '='} ${what}${done === 'made' ? '' : ' (was there)'}`)
  const [blue, green, traffic] = StackRole.options.map((role) => stackName({ fleet, role }))
  console.log(`
Next, one after the other:
  npx pulumi up -s ${blue}       a colour: brokers, users, topics
  npx pulumi up -s ${green}      the other one
  npx pulumi up -s ${traffic}    route store, mirror, route: ${blue} is live
  npx pulumi config set live green -s ${traffic} && npx pulumi up -s ${traffic}     the switchover`)
  return 0
}
