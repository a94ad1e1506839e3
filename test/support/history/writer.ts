import { closeSync, existsSync, mkdirSync, openSync, writeFileSync, writeSync } from 'node:fs'
import { join } from 'node:path'
import { KbgError } from '../../../engine/model/error.ts'
import { type EventOf, type HistoryEvent, nowNs } from './events.ts'

/** Characters that are collected before they are written: few enough to lose little, many enough to cost no system call per event. */
const flushCharacters = 64 * 1024

/**
 * Writes one instance's history, a JSON object for each line.
 *
 * Writes are synchronous and go to the page cache, so a history ends where its process ended. What is still collected in memory is then lost, as is the
 * end record, and the checker refuses: that is meant.
 */
export class HistoryWriter {
  readonly file: string
  readonly #fd: number
  #lines: string[] = []
  #characters = 0
  #events = 0
  #closed = false

  /** @throws KbgError `history-exists` when the instance has a history already: two runs must not be mixed */
  constructor(dir: string, instance: string, role: EventOf<'start'>['role']) {
    mkdirSync(dir, { recursive: true })
    this.file = join(dir, `${instance}.jsonl`)
    if (existsSync(this.file)) {
      throw new KbgError('history-exists', `${instance} has a history already.`, { facts: { dir }, remedy: 'Give every run a directory of its own.' })
    }
    this.#fd = openSync(this.file, 'wx')
    this.write({ type: 'start', version: 1, instance, atNs: nowNs(), role })
  }

  /** Adds an event. Everything that happens to a client goes through here, so it never waits. */
  write(event: Exclude<HistoryEvent, EventOf<'end'>>): void {
    if (this.#closed) throw new KbgError('history-closed', 'The history has its end record already.', { facts: { type: event.type } })
    this.#events++
    this.#append(event)
  }

  /** Writes the end record and closes the file; a second call does nothing. */
  close(): void {
    if (this.#closed) return
    this.#closed = true
    this.#append({ type: 'end', events: this.#events, atNs: nowNs() })
    this.#flush()
    closeSync(this.#fd)
  }

  #append(event: HistoryEvent): void {
    const line = `${JSON.stringify(event)}\n`
    this.#lines.push(line)
    this.#characters += line.length
    if (this.#characters >= flushCharacters) this.#flush()
  }

  #flush(): void {
    const bytes = Buffer.from(this.#lines.join(''))
    for (let written = 0; written < bytes.length; ) written += writeSync(this.#fd, bytes, written)
    this.#lines = []
    this.#characters = 0
  }
}

/** Names the instances that a run has, before it starts: a history that is missing as a whole is then noticed. */
export function writeManifest(dir: string, process: string, instances: readonly string[]): void {
  mkdirSync(dir, { recursive: true })
  writeFileSync(join(dir, `${process}.manifest.json`), `${JSON.stringify({ version: 1, instances })}\n`, { flag: 'wx' })
}
