/** `kbg doctor`: in one table, which tools are there, which are missing, and how to get them. */
import { existsSync } from 'node:fs'
import { delimiter, dirname, join } from 'node:path'
import { messageOf } from '../engine/model/error.ts'
import { archiveStep } from '../tools/archive.ts'
import { chromiumRemedy, findChromium } from '../tools/chromium.ts'
import { etcdStep, etcdVersion } from '../tools/etcd.ts'
import { goRemedy, installedJava, javaRemedy, mavenRemedy, minJavaVersion } from '../tools/java.ts'
import { kafkaStep } from '../tools/kafka.ts'
import { linksStep } from '../tools/links.ts'
import {
  findOnPath,
  hasOfficialKafkaPlugin,
  type KafkaVersion,
  kafkaPaths,
  kafkaPluginVersion,
  kafkaVersions,
  nodeBinDir,
  pulumiPluginDir,
  standInProviderDir,
  toolPaths,
} from '../tools/paths.ts'
import { isAtLeast, minPulumiVersion, pulumiInUse, versionOf } from '../tools/pulumi.ts'
import type { Step } from '../tools/step.ts'

/** One tool, as it is now. */
export interface Diagnosis {
  readonly tool: string
  /** What this project needs. */
  readonly wanted: string
  /** What is there; `missing` if nothing is. */
  readonly found: string
  /** Where; undefined if nothing is. */
  readonly path: string | undefined
  readonly ok: boolean
  /** How to get it, or what its lack means; empty when it is there. */
  readonly how: string
}

const setUp = 'npm run setup'
const minNodeVersion = '22.22.0'

/** Looks at every tool; changes nothing and downloads nothing. Takes well under a second. */
export async function doctor(): Promise<readonly Diagnosis[]> {
  const kafka = await Promise.all(kafkaVersions.flatMap((version) => [diagnoseKafka(version), diagnoseArchives(version)]))
  const etcd = await diagnoseEtcd()
  const pulumi = await diagnosePulumi()
  const haveJars = kafkaVersions.every((version) => kafka.some((each) => each.tool === `Kafka ${version}` && each.ok))
  return [
    diagnoseNode(),
    await diagnoseJava(),
    diagnoseBuilder('mvn', 'Maven', mavenRemedy, haveJars),
    diagnoseBuilder('go', 'Go', goRemedy, etcd.ok && pulumi.ok),
    ...kafka,
    etcd,
    pulumi,
    diagnoseKafkaPlugin(),
    await diagnoseLinks(),
    diagnoseChromium(),
  ]
}

/** Whether everything that is needed is there: decides `kbg doctor`'s exit code. */
export function isHealthy(diagnoses: readonly Diagnosis[]): boolean {
  return diagnoses.every((each) => each.ok)
}

/** The table as lines, one per tool under a heading; how to get what is missing stands in its row. */
export function renderDoctor(diagnoses: readonly Diagnosis[]): readonly string[] {
  const rows = diagnoses.map((each) => [each.ok ? 'ok' : 'MISSING', each.tool, each.wanted, each.found, each.how === '' ? (each.path ?? '') : each.how])
  const table = [['', 'tool', 'wanted', 'found', 'where / how to get it'], ...rows]
  const widths = [0, 1, 2, 3].map((column) => Math.max(...table.map((row) => (row[column] ?? '').length)))
  return table.map((row) =>
    row
      .map((cell, column) => cell.padEnd(widths[column] ?? 0))
      .join('  ')
      .trimEnd(),
  )
}

function diagnoseNode(): Diagnosis {
  const found = process.versions.node
  const ok = isAtLeast(found, minNodeVersion)
  return { tool: 'Node.js', wanted: `>= ${minNodeVersion}`, found, path: process.execPath, ok, how: ok ? '' : `${setUp} (it brings Node 24 as a package)` }
}

async function diagnoseJava(): Promise<Diagnosis> {
  const java = await installedJava()
  const ok = (java?.version ?? 0) >= minJavaVersion
  const found = java === undefined ? 'missing' : String(java.version ?? 'unknown')
  return { tool: 'Java', wanted: `>= ${minJavaVersion}`, found, path: java?.path, ok, how: ok ? '' : javaRemedy }
}

/** Maven and Go only make other tools: their lack matters as long as those aren't there. */
function diagnoseBuilder(program: string, tool: string, remedy: string, productsAreThere: boolean): Diagnosis {
  const path = findOnPath(program)
  const found = path === undefined ? 'missing' : 'present'
  const how = path !== undefined ? '' : productsAreThere ? 'not needed any more: what it makes is there' : remedy
  return { tool, wanted: 'for set-up only', found, path, ok: path !== undefined || productsAreThere, how }
}

function diagnoseKafka(version: KafkaVersion): Promise<Diagnosis> {
  return diagnoseStep(kafkaStep(version), `Kafka ${version}`, version, kafkaPaths(version).libs)
}

async function diagnoseArchives(version: KafkaVersion): Promise<Diagnosis> {
  const diagnosis = await diagnoseStep(archiveStep(version), `class data ${version}`, 'archives', dirname(kafkaPaths(version).libs))
  return { ...diagnosis, ok: true, how: diagnosis.ok ? '' : `${setUp} (without it JVMs start more slowly)` }
}

function diagnoseEtcd(): Promise<Diagnosis> {
  return diagnoseStep(etcdStep(), 'etcd', etcdVersion, toolPaths().etcd)
}

async function diagnosePulumi(): Promise<Diagnosis> {
  const path = await pulumiInUse()
  const version = path === undefined ? undefined : await versionOf(path).catch(() => undefined) // can't be started: as good as missing
  const host = path === undefined ? undefined : findOnPath('pulumi-language-nodejs', [dirname(path), process.env.PATH ?? ''].join(delimiter))
  const ok = version !== undefined && isAtLeast(version, minPulumiVersion) && host !== undefined
  const found = version === undefined ? 'missing' : host === undefined ? `${version}, no language host` : version
  return { tool: 'Pulumi CLI', wanted: `>= ${minPulumiVersion}`, found, path, ok, how: ok ? '' : `${setUp}, or https://www.pulumi.com/docs/install` }
}

function diagnoseKafkaPlugin(): Diagnosis {
  const tool = 'pulumi-resource-kafka'
  if (hasOfficialKafkaPlugin(kafkaPluginVersion)) {
    return {
      tool,
      wanted: kafkaPluginVersion,
      found: kafkaPluginVersion,
      path: join(pulumiPluginDir(), `resource-kafka-v${kafkaPluginVersion}`),
      ok: true,
      how: '',
    }
  }
  const standIn = existsSync(join(standInProviderDir, 'pulumi-resource-kafka'))
  const command = `npx pulumi plugin install resource kafka v${kafkaPluginVersion}`
  const how = standIn ? `the stand-in serves this project's scripts; official: ${command}` : command
  return { tool, wanted: kafkaPluginVersion, found: standIn ? 'stand-in' : 'missing', path: standIn ? standInProviderDir : undefined, ok: standIn, how }
}

function diagnoseLinks(): Promise<Diagnosis> {
  return diagnoseStep(linksStep(), 'npx pulumi, npx kbg', 'linked', nodeBinDir)
}

/** Its lack fails one test and nothing else. */
function diagnoseChromium(): Diagnosis {
  const path = findChromium()
  return {
    tool: 'Chromium',
    wanted: 'for npm test only',
    found: path === undefined ? 'missing' : 'present',
    path,
    ok: true,
    how: path === undefined ? chromiumRemedy : '',
  }
}

/** A tool that set-up makes: there exactly if its step has nothing to do. */
async function diagnoseStep(step: Step, tool: string, wanted: string, path: string): Promise<Diagnosis> {
  try {
    const ok = await step.done()
    return {
      tool,
      wanted,
      found: ok ? wanted : existsSync(path) ? 'incomplete or outdated' : 'missing',
      path: existsSync(path) ? path : undefined,
      ok,
      how: ok ? '' : setUp,
    }
  } catch (error) {
    return { tool, wanted, found: `unknown: ${messageOf(error)}`, path: undefined, ok: false, how: setUp }
  }
}
