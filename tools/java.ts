/** Java: Kafka runs on it and set-up can't bring it along, so it says how to get it. */
import { readFileSync, realpathSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { KbgError } from '../engine/model/error.ts'
import { findJava, findOnPath } from './paths.ts'
import { runCommand } from './process.ts'
import type { Step } from './step.ts'

/** The oldest Java that Kafka 4 brokers run on (KIP-1013). */
export const minJavaVersion = 17
/** How a person gets Java. */
export const javaRemedy = `Install a JDK or JRE ${minJavaVersion} or newer (Debian, Ubuntu: apt-get install openjdk-17-jre-headless; macOS: brew install openjdk@21) and have it on the PATH or in JAVA_HOME.`
/** How a person gets Maven. */
export const mavenRemedy =
  'Install Apache Maven 3.6 or newer (Debian, Ubuntu: apt-get install maven; macOS: brew install maven): it fetches Kafka from Maven Central or your mirror of it.'
/** How a person gets Go. */
export const goRemedy = 'Install Go 1.24 or newer (https://go.dev/dl): it fetches newer toolchains itself where a module asks for one.'

/** The major version in what `java -version` says: 17 for `openjdk version "17.0.15"`, 8 for `"1.8.0_452"`; undefined if it says none. */
export function javaMajorVersion(output: string): number | undefined {
  const version = /version "(?:1\.)?(\d+)/.exec(output)?.[1]
  return version === undefined ? undefined : Number(version)
}

/** The Java in use: its path and major version; undefined if there is none. */
export async function installedJava(
  env: NodeJS.ProcessEnv = process.env,
): Promise<{ readonly path: string; readonly version: number | undefined } | undefined> {
  const path = findJava(env)
  if (path === undefined) return undefined
  const { output } = await runCommand(path, ['-version'], { env, deadlineSeconds: 20 })
  return { path, version: javaMajorVersion(output) }
}

/**
 * The major version that a Java's own installation says it is, in the file `release` that every JDK and JRE has: asking it by running it takes a fifth of
 * a second. Undefined where there is no such file, as beside a wrapper script.
 */
export function releasedJavaVersion(java: string): number | undefined {
  try {
    const release = readFileSync(join(dirname(dirname(realpathSync(java))), 'release'), 'utf8')
    return javaMajorVersion(release.replace(/^JAVA_VERSION=/m, 'version '))
  } catch {
    return undefined // not there or not readable: it has to be asked
  }
}

/** Refuses early, and in one sentence, when Java is missing or too old. */
export const javaStep: Step = {
  name: `Java >= ${minJavaVersion}`,
  done: async () => ((await installedJava())?.version ?? 0) >= minJavaVersion,
  run: async () => {
    const java = await installedJava()
    const observed = java === undefined ? 'none' : `${java.version ?? 'unknown version'} at ${java.path}`
    throw new KbgError('java-missing', 'Kafka needs Java.', { facts: { observed, required: `>= ${minJavaVersion}` }, remedy: javaRemedy })
  },
}

/** The program on the PATH. @throws KbgError `<name>-missing` with how to get it */
export function requireOnPath(name: string, why: string, remedy: string): string {
  const path = findOnPath(name)
  if (path === undefined) throw new KbgError(`${name}-missing`, `${why} needs ${name}, which is not on the PATH.`, { remedy })
  return path
}
