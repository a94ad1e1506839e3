/**
 * Strimzi's definitions of its resources, in `tools/strimzi/`: what Strimzi's own generator makes of Strimzi's own classes, both from Maven. They stand here because that generator wants a newer Java
 * than Kafka does. `node tools/strimzi.ts` makes them again, for whoever moves to another version of Strimzi.
 */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { KbgError, messageOf } from '../engine/model/error.ts'
import { installedJava } from './java.ts'
import { fetchJars } from './kafka.ts'
import { projectDir, toolsDir } from './paths.ts'
import { mustRun } from './process.ts'

/** The oldest Java that the generator runs on. */
const oldestJava = 21
const definitionsDir = join(projectDir, 'tools', 'strimzi')

/** Kinds that this project declares, by their classes. */
const classes: Readonly<Record<string, string>> = {
  kafka: 'kafka.Kafka',
  kafkanodepool: 'nodepool.KafkaNodePool',
  kafkatopic: 'topic.KafkaTopic',
  kafkauser: 'user.KafkaUser',
}

/** The CustomResourceDefinitions' texts (YAML), one for each kind that this project declares. */
export function strimziDefinitions(): readonly string[] {
  return Object.keys(classes).map((name) => readFileSync(join(definitionsDir, `${name}.yaml`), 'utf8'))
}

/** Writes them anew. @throws KbgError `java-missing`, `mvn-missing`, `checksum-mismatch`, `command-failed` */
async function generate(): Promise<void> {
  const java = await installedJava()
  if ((java?.version ?? 0) < oldestJava) {
    throw new KbgError('java-missing', "Strimzi's generator needs a newer Java.", {
      facts: { observed: java === undefined ? 'none' : String(java.version), required: `>= ${oldestJava}` },
      remedy: `Set JAVA_HOME to a JDK or JRE ${oldestJava} or newer for this one command.`,
    })
  }
  const into = join(toolsDir, 'strimzi')
  await fetchJars("Strimzi's API", definitionsDir, into)
  const wanted = Object.entries(classes).map(([name, of]) => `io.strimzi.api.kafka.model.${of}=${join(definitionsDir, `${name}.yaml`)}`)
  const versions = ['--target-kube', '1.16+', '--crd-api-version', 'v1', '--api-versions', 'v1', '--storage-version', 'v1']
  const args = ['-cp', join(into, 'libs', '*'), 'io.strimzi.crdgenerator.CrdGenerator', ...versions, '--yaml', ...wanted]
  await mustRun(java?.path ?? 'java', args, { cwd: projectDir, deadlineSeconds: 120 })
}

if (import.meta.main) {
  try {
    await generate()
  } catch (error) {
    console.error(messageOf(error))
    process.exitCode = 1
  }
}
