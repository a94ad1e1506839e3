import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { resolve } from 'node:path'
import { catalogChanges } from '../../engine/adopt/catalog-changes.ts'
import { type AdoptedCatalog, catalogOf, keeping } from '../../engine/adopt/catalog-of.ts'
import { shortcomingsOf } from '../../engine/adopt/shortcomings.ts'
import type { Catalog } from '../../engine/model/catalog.ts'
import { Deadline, systemClock } from '../../engine/ports/clock.ts'
import { readExisting } from '../../engine/run/read-existing.ts'
import { loadCatalog, parseCatalog } from '../../infra/catalog.ts'
import { projectFile } from '../../infra/project.ts'
import { catalogText, updatedText } from './catalog-file.ts'
import { type ClusterOptions, parseClusterOptions } from './cluster-options.ts'
import { changeLines, leftOutLines, shortcomingLines, summaryLine, waveLines } from './lines.ts'

/** Ten thousand partitions take seconds; a cluster that is far away or busy takes longer. */
const readMs = 120_000

/** What is adopted, as whom, and where it is written. */
export interface AdoptOptions extends ClusterOptions {
  /** The cluster's own users besides `user`, separated by commas. */
  readonly own: string | undefined
  /** The catalog; `catalog.yaml` of the project unless said otherwise. */
  readonly out: string | undefined
  /** Takes what has changed over into a catalog that is there. */
  readonly update: boolean
  readonly all: boolean
}

/**
 * `kbg adopt`: an existing cluster as a catalog. The first run writes it; a later one writes nothing and says what has changed, unless it is told to take it over.
 *
 * @returns 0: the catalog is written, or is as the cluster; 1: they differ, and nothing was written
 * @throws KbgError `adopt-options`, `credentials`, `catalog`, and what connecting and reading throw
 */
export async function runAdopt(options: AdoptOptions): Promise<number> {
  const { bootstrapServers, login } = parseClusterOptions('adopt', options)
  const ownUsers = options.own === undefined ? [] : options.own.split(',').map((name) => name.trim())
  const file = options.out === undefined ? projectFile('catalog.yaml') : resolve(options.out)
  const written = existsSync(file) ? loadCatalog(file) : undefined
  const caFile = options.ca === undefined ? undefined : resolve(options.ca)
  const deadline = new Deadline(systemClock, readMs, 'the cluster to be read')
  const existing = await readExisting({ bootstrapServers, login, caFile }, systemClock, deadline, ({ text }) => console.error(text))
  const adopted = catalogOf(existing, ownUsers)
  const say = (lines: readonly string[]) => lines.length > 0 && console.log(lines.join('\n'))
  console.log(`cluster ${existing.clusterId}, ${existing.brokers.length} brokers: ${summaryLine(adopted.catalog)}`)
  say(leftOutLines(adopted.leftOut, options.all))
  say(shortcomingLines(shortcomingsOf(existing, ownUsers)))
  if (written === undefined) {
    say(waveLines(adopted, options.all))
    write(file, catalogText(adopted))
    console.log(`written: ${file}; read it before you trust it, then declare the colour: platform: external`)
    return 0
  }
  return compare(file, written, adopted, options)
}

function compare(file: string, written: Catalog, adopted: AdoptedCatalog, { update, all }: AdoptOptions): number {
  const kept = keeping(written, adopted)
  const changes = catalogChanges(written, kept.catalog)
  if (changes.length === 0) {
    console.log(`unchanged: ${file} is as the cluster`)
    return 0
  }
  console.log([`changed since ${file} was written: ${changes.length}`, ...changeLines(changes, all)].join('\n'))
  if (!update) {
    console.log('nothing was written; --update takes it over')
    return 1
  }
  write(file, updatedText(readFileSync(file, 'utf8'), kept))
  console.log(`updated: ${file}`)
  return 0
}

/** What isn't a catalog by the format's own rules is not written. */
function write(file: string, text: string): void {
  parseCatalog(text, file)
  writeFileSync(file, text)
}
