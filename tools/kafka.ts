/** Kafka's jars: fetched by Maven itself from the pinned pom of each version, each checked against a committed SHA-256. */
import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { firstFive, KbgError } from '../engine/model/error.ts'
import { mavenRemedy, requireOnPath } from './java.ts'
import { type KafkaVersion, kafkaPaths, projectDir } from './paths.ts'
import { mustRun } from './process.ts'
import { isStamped, keyOf, sha256OfFile, writeStamp } from './stamp.ts'
import type { Step } from './step.ts'

/** The jars of one Kafka version in `.kbg/.tools/kafka/<version>/libs`. */
export function kafkaStep(version: KafkaVersion): Step {
  const pinned = join(projectDir, 'tools', 'kafka', version)
  const dir = dirname(kafkaPaths(version).libs)
  const key = (): string => keyOf([{ file: join(pinned, 'pom.xml') }, { file: join(pinned, 'SHA256SUMS') }])
  return {
    name: `Kafka ${version}`,
    done: () => isStamped(dir, 'libs', key()),
    run: async () => {
      const jars = await fetchJars(`Kafka ${version}`, pinned, dir)
      writeStamp(dir, 'libs', key(), jars)
      return `${jars.length} jars from Maven, checked`
    },
  }
}

/**
 * Fetches what a pinned `pom.xml` needs at run time into `<dir>/libs`, in one move when each jar is what `SHA256SUMS` beside the pom says.
 * @returns the jars, relative to `dir`
 * @throws KbgError `mvn-missing`, `command-failed`, `checksum-mismatch`
 */
export async function fetchJars(what: string, pinned: string, dir: string): Promise<readonly string[]> {
  const sums = parseSums(readFileSync(join(pinned, 'SHA256SUMS'), 'utf8'))
  const maven = requireOnPath('mvn', `Fetching ${what}`, mavenRemedy)
  const fresh = join(dir, 'libs.new')
  rmSync(fresh, { recursive: true, force: true })
  mkdirSync(fresh, { recursive: true })
  const args = ['-q', '-B', '-f', join(pinned, 'pom.xml'), 'dependency:copy-dependencies', `-DoutputDirectory=${fresh}`, '-DincludeScope=runtime']
  await mustRun(maven, args, { cwd: projectDir, deadlineSeconds: 600 })
  const wrong = await differences(fresh, sums)
  if (wrong.length > 0) {
    throw new KbgError('checksum-mismatch', `${what} is not what was pinned.`, {
      facts: { differences: firstFive(wrong) },
      remedy:
        'A mirror or cache between here and Maven Central serves other files. Clear the local Maven repository (~/.m2/repository) and look at its settings.',
    })
  }
  rmSync(join(dir, 'libs'), { recursive: true, force: true })
  renameSync(fresh, join(dir, 'libs'))
  return [...sums.keys()].map((jar) => `libs/${jar}`)
}

/** `SHA256SUMS`: file name to hash. */
export function parseSums(text: string): ReadonlyMap<string, string> {
  const lines = text.split('\n').filter((line) => line !== '')
  return new Map(
    lines.map((line) => {
      const [, hash, name] = /^([0-9a-f]{64}) [ *](\S+)$/.exec(line) ?? []
      if (hash === undefined || name === undefined) throw new KbgError('bad-checksum-list', `Not a line of SHA256SUMS: "${line}".`)
      return [name, hash] as const
    }),
  )
}

/** What in `dir` is missing, unexpected or different, as sentences; empty when it holds exactly the listed files. */
export async function differences(dir: string, sums: ReadonlyMap<string, string>): Promise<readonly string[]> {
  const unexpected = readdirSync(dir)
    .filter((file) => !sums.has(file))
    .map((file) => `${file} is not in the list`)
  const listed = await Promise.all(
    [...sums].map(async ([file, hash]) => {
      if (!existsSync(join(dir, file))) return `${file} is missing`
      return (await sha256OfFile(join(dir, file))) === hash ? undefined : `${file} has another checksum`
    }),
  )
  return [...unexpected, ...listed.filter((line) => line !== undefined)]
}
