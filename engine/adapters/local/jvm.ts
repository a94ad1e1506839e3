import { existsSync } from 'node:fs'
import { installedJava, javaRemedy, minJavaVersion, releasedJavaVersion } from '../../../tools/java.ts'
import { findJava, type KafkaVersion, kafkaPaths } from '../../../tools/paths.ts'
import { KbgError } from '../../model/error.ts'

/** Options that map a version's classes from its archive; without one everything works, only slower. */
export function sharedArchiveOptions(archive: string | undefined): readonly string[] {
  return archive === undefined ? [] : [`-XX:SharedArchiveFile=${archive}`, '-Xshare:auto', '-Xlog:cds=off', '-Xlog:cds+dynamic=off']
}

/**
 * Refuses at once where Java or a Kafka version is missing, before anything is written or started.
 *
 * @throws KbgError `java-missing`, `kafka-missing`
 */
export async function requireKafka(version: KafkaVersion): Promise<void> {
  if (!existsSync(kafkaPaths(version).libs)) {
    throw new KbgError('kafka-missing', `Kafka ${version} is not set up.`, {
      facts: { required: kafkaPaths(version).libs },
      remedy: 'Run `npm run setup`.',
    })
  }
  const found = findJava()
  if (found !== undefined && (releasedJavaVersion(found) ?? 0) >= minJavaVersion) return
  const java = await installedJava()
  if ((java?.version ?? 0) >= minJavaVersion) return
  const observed = java === undefined ? 'none' : `${java.version ?? 'unknown version'} at ${java.path}`
  throw new KbgError('java-missing', 'Kafka needs Java.', { facts: { observed, required: `>= ${minJavaVersion}` }, remedy: javaRemedy })
}
