/**
 * Where set-up put the third-party tools, and the environment in which child processes find them.
 *
 * Everything that starts a broker, a Connect worker, etcd or the Pulumi CLI asks here, so that no path is
 * written down twice. Nothing here installs or downloads: that is `tools/setup.ts`.
 */
import { accessSync, constants, existsSync, readdirSync, realpathSync, statSync } from 'node:fs'
import { homedir } from 'node:os'
import { delimiter, dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

/** The Kafka versions that set-up installs. Brokers come in both; Connect workers are always `connectVersion`. */
export const kafkaVersions = ['3.9.2', '4.3.1'] as const
/** One of the installed Kafka versions. */
export type KafkaVersion = (typeof kafkaVersions)[number]
/** The version whose jars hold Kafka Connect and MirrorMaker 2. */
export const connectVersion: KafkaVersion = '4.3.1'

/** The checkout's root directory. */
export const projectDir: string = dirname(dirname(fileURLToPath(import.meta.url)))
/** The git-ignored directory that holds every tool that set-up installed. */
export const toolsDir: string = withoutLink(join(projectDir, '.kbg', '.tools'))
/** The directory of npm's executables: Node 24, vitest, the links to `pulumi` and `kbg`. */
export const nodeBinDir: string = join(projectDir, 'node_modules', '.bin')
/** Provider processes that stand in for official plugins that can't be had; for our own scripts' PATH only. */
export const standInProviderDir: string = join(projectDir, 'test', 'support', 'providers')

/** Checkouts may share one directory of tools by a link. Its real path counts: a class-data archive is valid only under the path that it was made with. */
function withoutLink(dir: string): string {
  return existsSync(dir) ? realpathSync(dir) : dir
}

/** One installed Kafka version. */
export interface KafkaPaths {
  readonly version: KafkaVersion
  /** Directory of jars. */
  readonly libs: string
  /**
   * Every jar, sorted, joined for `java -cp`. Use it unchanged: a class-data archive is valid only for exactly
   * the class path that it was made with (so no `libs/*`, which expands in directory order).
   */
  readonly classPath: string
  /** JVM option that makes this version log to standard output (`tools/kafka/<version>/log4j.properties`). */
  readonly loggingOption: string
  /** Class-data archive for `-XX:SharedArchiveFile` of a broker; undefined when it was not made. */
  readonly brokerArchive: string | undefined
  /** Class-data archive for a Connect worker; undefined when it was not made. */
  readonly connectArchive: string | undefined
}

/** Absolute paths of all tools. */
export interface ToolPaths {
  /** The `java` executable (JAVA_HOME first, then PATH); the bare word `java` if there is none. */
  readonly java: string
  readonly kafka: Readonly<Record<KafkaVersion, KafkaPaths>>
  /** The etcd server executable. */
  readonly etcd: string
  /** The Node 24 executable of this project. */
  readonly node: string
  /** Directory of the Pulumi CLI that set-up built or downloaded; undefined when the one on the PATH is used. */
  readonly pulumiDir: string | undefined
  /** Directory of stand-in provider processes; undefined when the official plugin is installed. */
  readonly standInProviders: string | undefined
}

/** The first executable file called `name` in the directories of `path`; undefined if there is none. */
export function findOnPath(name: string, path: string = process.env.PATH ?? ''): string | undefined {
  const names = process.platform === 'win32' ? [`${name}.exe`, `${name}.cmd`, name] : [name]
  for (const dir of path.split(delimiter).filter((entry) => entry !== '')) {
    for (const candidate of names.map((each) => join(dir, each))) if (isExecutable(candidate)) return candidate
  }
  return undefined
}

function isExecutable(file: string): boolean {
  try {
    accessSync(file, constants.X_OK)
    return statSync(file).isFile()
  } catch {
    return false // not there, or not ours to run: for a search along the PATH both mean "go on"
  }
}

/** The `java` to use: JAVA_HOME's, else the PATH's; undefined if neither has one. */
export function findJava(env: NodeJS.ProcessEnv = process.env): string | undefined {
  const home = env.JAVA_HOME
  const ofHome = home === undefined || home === '' ? undefined : findOnPath('java', join(home, 'bin'))
  return ofHome ?? findOnPath('java', env.PATH)
}

/** Where the jars and archives of one Kafka version are (whether or not they are installed yet). */
export function kafkaPaths(version: KafkaVersion): KafkaPaths {
  const dir = join(toolsDir, 'kafka', version)
  const libs = join(dir, 'libs')
  const jars = existsSync(libs) ? readdirSync(libs).filter((file) => file.endsWith('.jar')) : []
  const archive = (name: string): string | undefined => (existsSync(join(dir, name)) ? join(dir, name) : undefined)
  return {
    version,
    libs,
    classPath: jars
      .sort()
      .map((jar) => join(libs, jar))
      .join(delimiter),
    loggingOption: `${version.startsWith('3.') ? '-Dlog4j.configuration=file:' : '-Dlog4j2.configurationFile='}${join(projectDir, 'tools', 'kafka', version, 'log4j.properties')}`,
    brokerArchive: archive('broker.jsa'),
    connectArchive: archive('connect.jsa'),
  }
}

/** Directory of Pulumi's downloaded plugins (`PULUMI_HOME`, else `~/.pulumi`). */
export function pulumiPluginDir(env: NodeJS.ProcessEnv = process.env): string {
  return join(env.PULUMI_HOME ?? join(homedir(), '.pulumi'), 'plugins')
}

/** Whether the official `pulumi-resource-kafka` of exactly this version is installed, so that no stand-in is needed. */
export function hasOfficialKafkaPlugin(version: string, env: NodeJS.ProcessEnv = process.env): boolean {
  return existsSync(join(pulumiPluginDir(env), `resource-kafka-v${version}`, 'pulumi-resource-kafka'))
}

/** The version of the `@pulumi/kafka` package; its plugin has the same one. */
export const kafkaPluginVersion = '3.13.2'

/** All tools' paths as they are now; cheap enough to call whenever they are needed. */
export function toolPaths(env: NodeJS.ProcessEnv = process.env): ToolPaths {
  const pulumiDir = join(toolsDir, 'pulumi')
  return {
    java: findJava(env) ?? 'java',
    kafka: { '3.9.2': kafkaPaths('3.9.2'), '4.3.1': kafkaPaths('4.3.1') },
    etcd: join(toolsDir, 'etcd', 'etcd'),
    node: join(nodeBinDir, 'node'),
    pulumiDir: existsSync(join(pulumiDir, 'pulumi')) ? pulumiDir : undefined,
    standInProviders: hasOfficialKafkaPlugin(kafkaPluginVersion, env) ? undefined : standInProviderDir,
  }
}

/**
 * The environment for child processes: `base` with a PATH on which Node 24, the Pulumi CLI and, where the official
 * plugin can't be had, the stand-in providers are found first, and with a cache of compiled JavaScript, so that a preview
 * doesn't begin with compiling Pulumi's SDK (0.35 s of 1.9). Pulumi downloads nothing by itself: it would want the plugins of every SDK that is
 * installed, also the clouds' for a colour on this machine, and where they can't be had it tries for 2.6 s in each command. Repeating it changes nothing.
 */
export function toolEnv(base: NodeJS.ProcessEnv = process.env): NodeJS.ProcessEnv {
  const paths = toolPaths(base)
  const first = [nodeBinDir, paths.pulumiDir, paths.standInProviders].filter((dir) => dir !== undefined)
  const rest = (base.PATH ?? '').split(delimiter).filter((dir) => dir !== '' && !first.includes(dir))
  return {
    ...base,
    PATH: [...first, ...rest].join(delimiter),
    NODE_COMPILE_CACHE: base.NODE_COMPILE_CACHE || join(projectDir, '.kbg', '.compile-cache'),
    PULUMI_DISABLE_AUTOMATIC_PLUGIN_ACQUISITION: base.PULUMI_DISABLE_AUTOMATIC_PLUGIN_ACQUISITION || 'true',
  }
}
