/** Kafka's own performance tools, which are in none of the jars that brokers and workers need: what the audit is measured against. */
import { mkdirSync, rmSync } from 'node:fs'
import { delimiter, join } from 'node:path'
import { KbgError } from '../engine/model/error.ts'
import { mavenRemedy, requireOnPath } from './java.ts'
import { connectVersion, kafkaPaths, projectDir, toolsDir } from './paths.ts'
import { mustRun } from './process.ts'
import { isStamped, keyOf, sha256OfFile, writeStamp } from './stamp.ts'
import type { Step } from './step.ts'

/** What `org.apache.kafka:kafka-tools` of {@link connectVersion} must be. */
const sha256 = '62f3c5dd7aa3442d4c5bc6a95f86e2502178ea09de8e27f74d9563bf955e253c'
const jar = `kafka-tools-${connectVersion}.jar`
const dir = join(toolsDir, 'kafka-tools')

/** The class path of `org.apache.kafka.tools.*`: this jar in front of that version's own. */
export function kafkaToolsClassPath(): string {
  return [join(dir, jar), kafkaPaths(connectVersion).classPath].join(delimiter)
}

/** The jar in `.kbg/.tools/kafka-tools`, fetched by Maven. */
export const kafkaToolsStep: Step = {
  name: `Kafka's performance tools ${connectVersion}`,
  done: () => isStamped(dir, 'jar', key()),
  run: async () => {
    const maven = requireOnPath('mvn', "Fetching Kafka's performance tools", mavenRemedy)
    rmSync(dir, { recursive: true, force: true })
    mkdirSync(dir, { recursive: true })
    const args = ['-q', '-B', 'dependency:copy', `-Dartifact=org.apache.kafka:kafka-tools:${connectVersion}`, `-DoutputDirectory=${dir}`]
    await mustRun(maven, args, { cwd: projectDir, deadlineSeconds: 300 })
    const observed = await sha256OfFile(join(dir, jar))
    if (observed !== sha256) {
      throw new KbgError('checksum-mismatch', `${jar} is not what was pinned.`, {
        facts: { observed, required: sha256 },
        remedy: 'Clear the local Maven repository.',
      })
    }
    writeStamp(dir, 'jar', key(), [jar])
    return '1 jar from Maven, checked'
  },
}

function key(): string {
  return keyOf([{ text: `${jar} ${sha256}` }])
}
