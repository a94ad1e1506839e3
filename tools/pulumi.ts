/**
 * The Pulumi CLI with its Node language host: the one on the PATH if it is new enough, else the official release,
 * else built from Pulumi's own Go modules.
 */
import { chmodSync, copyFileSync, existsSync, mkdirSync, realpathSync, rmSync } from 'node:fs'
import { delimiter, dirname, join } from 'node:path'
import { KbgError, messageOf } from '../engine/model/error.ts'
import { type GoBuild, goBuild, goBuildKey } from './go.ts'
import { goRemedy, requireOnPath } from './java.ts'
import { findOnPath, hasOfficialKafkaPlugin, kafkaPluginVersion, nodeBinDir, projectDir, toolEnv, toolsDir } from './paths.ts'
import { mustRun, runCommand } from './process.ts'
import { installRelease, pulumiRelease } from './release.ts'
import { isStamped, keyOf, writeStamp } from './stamp.ts'
import type { Step } from './step.ts'

/** The CLI that set-up installs when there is none. */
export const pulumiVersion = '3.200.0'
/** The oldest CLI on the PATH that is good enough: the one all of this was tried with. */
export const minPulumiVersion = '3.200.0'
/** The last release of Pulumi's sdk module that contains the Node language host; it runs today's @pulumi/pulumi. */
const languageHostVersion = 'v3.68.0'

const dir = join(toolsDir, 'pulumi')
const parts = ['pulumi', 'pulumi-language-nodejs', 'pulumi-analyzer-policy', 'pulumi-resource-pulumi-nodejs'] as const

const cliBuild: GoBuild = {
  module: 'pulumi/cli',
  package: 'github.com/pulumi/pulumi/pkg/v3/cmd/pulumi',
  outputDir: dir,
  executable: 'pulumi',
  linkerFlags: `-X github.com/pulumi/pulumi/sdk/v3/go/common/version.Version=v${pulumiVersion}`,
}
const languageHostBuild: GoBuild = {
  module: 'pulumi/language-nodejs',
  package: 'github.com/pulumi/pulumi/sdk/v3/nodejs/cmd/pulumi-language-nodejs',
  outputDir: dir,
  executable: 'pulumi-language-nodejs',
}

/** Sees to a usable Pulumi CLI. */
export function pulumiStep(): Step {
  return {
    name: `Pulumi CLI >= ${minPulumiVersion}`,
    done: async () => isStamped(dir, 'pulumi', stampKey()) || (await pulumiOnPath()) !== undefined,
    run: async () => {
      const how = (await tryRelease()) ?? (await buildFromModules())
      writeStamp(dir, 'pulumi', stampKey(), parts)
      return how
    },
  }
}

function stampKey(): string {
  return keyOf([{ text: pulumiVersion }, { text: goBuildKey(cliBuild) }, { text: goBuildKey(languageHostBuild) }])
}

async function tryRelease(): Promise<string | undefined> {
  const release = pulumiRelease(pulumiVersion)
  if (release === undefined) return undefined
  try {
    await installRelease(release, dir)
    return `official release v${pulumiVersion}, checked`
  } catch (error) {
    // Falling through is wanted where the release can't be had; a wrong checksum is never passed over.
    if (error instanceof KbgError && error.code === 'not-downloadable') return undefined
    throw error
  }
}

async function buildFromModules(): Promise<string> {
  const go = requireOnPath('go', 'The official Pulumi release could not be downloaded; building the CLI from its modules', goRemedy)
  await goBuild(cliBuild)
  await goBuild(languageHostBuild)
  // The two scripts that run dynamic providers and policy packs come with the language host's module.
  const module = `github.com/pulumi/pulumi/sdk/v3`
  const source = await mustRun(go, ['list', '-mod=readonly', '-m', '-f', '{{.Version}} {{.Dir}}', module], {
    cwd: join(projectDir, 'tools', languageHostBuild.module),
    env: { ...process.env, GOWORK: 'off' },
    deadlineSeconds: 120,
  })
  const [version, moduleDir] = source.trim().split(' ')
  if (version !== languageHostVersion || moduleDir === undefined) {
    throw new KbgError('unexpected-module', `${module} is not the pinned one.`, { facts: { observed: source.trim(), required: languageHostVersion } })
  }
  for (const script of ['pulumi-analyzer-policy', 'pulumi-resource-pulumi-nodejs']) {
    rmSync(join(dir, script), { force: true })
    copyFileSync(join(moduleDir, 'nodejs', 'dist', script), join(dir, script))
    chmodSync(join(dir, script), 0o755)
  }
  return 'built from its Go modules (the official release did not answer)'
}

/** A CLI on the PATH that is new enough and has its Node language host; undefined otherwise. Our own link doesn't count. */
export async function pulumiOnPath(env: NodeJS.ProcessEnv = process.env): Promise<{ readonly path: string; readonly version: string } | undefined> {
  const path = (env.PATH ?? '')
    .split(delimiter)
    .filter((each) => each !== nodeBinDir && each !== dir)
    .join(delimiter)
  const found = findOnPath('pulumi', path)
  if (found === undefined) return undefined
  const executable = realpathSync(found)
  const host = findOnPath('pulumi-language-nodejs', [dirname(executable), path].join(delimiter))
  const version = await versionOf(executable, env)
  return host !== undefined && version !== undefined && isAtLeast(version, minPulumiVersion) ? { path: executable, version } : undefined
}

/** What `pulumi version` says without its `v`; undefined if it can't be run. */
export async function versionOf(executable: string, env: NodeJS.ProcessEnv = process.env): Promise<string | undefined> {
  const result = await runCommand(executable, ['version'], { env: { ...env, PULUMI_SKIP_UPDATE_CHECK: 'true' }, deadlineSeconds: 20 })
  return result.exitCode === 0 ? /^v?(\d+\.\d+\.\d+)/m.exec(result.output)?.[1] : undefined
}

/** Whether a version (`3.200.1`) is not older than another. */
export function isAtLeast(version: string, wanted: string): boolean {
  const [left, right] = [version, wanted].map((each) => each.split('.').map(Number))
  const differs = right?.findIndex((part, index) => part !== left?.[index]) ?? -1
  return differs === -1 || (left?.[differs] ?? 0) > (right?.[differs] ?? 0)
}

/** The CLI in use: ours if set-up made one, else the PATH's; undefined if there is none. */
export async function pulumiInUse(): Promise<string | undefined> {
  return existsSync(join(dir, 'pulumi')) ? join(dir, 'pulumi') : (await pulumiOnPath())?.path
}

/**
 * The official `pulumi-resource-kafka`, if it can be had. Where it can't, a marker says that it was tried (so that
 * later runs don't wait again) and our scripts use a stand-in process. Installing it by hand later takes effect at once.
 */
export function kafkaPluginStep(): Step {
  const markerDir = join(toolsDir, 'pulumi-resource-kafka')
  const key = keyOf([{ text: kafkaPluginVersion }])
  return {
    name: `pulumi-resource-kafka ${kafkaPluginVersion}`,
    done: () => hasOfficialKafkaPlugin(kafkaPluginVersion) || isStamped(markerDir, 'tried', key),
    run: async () => {
      const pulumi = await pulumiInUse()
      if (pulumi === undefined) throw new KbgError('pulumi-missing', 'There is no Pulumi CLI to install the plugin with.')
      const env = { ...toolEnv(), PULUMI_SKIP_UPDATE_CHECK: 'true' }
      await runCommand(pulumi, ['plugin', 'install', 'resource', 'kafka', `v${kafkaPluginVersion}`], { env, deadlineSeconds: 10 }).catch((error) => {
        throw new KbgError('pulumi-missing', `The Pulumi CLI at ${pulumi} does not run: ${messageOf(error)}`)
      })
      if (hasOfficialKafkaPlugin(kafkaPluginVersion)) return 'official plugin'
      mkdirSync(markerDir, { recursive: true })
      writeStamp(markerDir, 'tried', key, [])
      return 'official plugin not to be had within 10 s: scripts use the stand-in'
    },
  }
}
