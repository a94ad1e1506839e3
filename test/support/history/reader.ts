import { closeSync, existsSync, openSync, readdirSync, readFileSync, readSync } from 'node:fs'
import { basename, join } from 'node:path'
import { StringDecoder } from 'node:string_decoder'
import { z } from 'zod'
import { KbgError } from '../../../engine/model/error.ts'
import { type History, HistoryEvent } from './events.ts'
import { historyTruncated } from './truncated.ts'

const blockBytes = 1024 * 1024

/**
 * One instance's history from its file, read in blocks: a run's histories together are larger than what should be held in memory. Can be iterated repeatedly.
 *
 * @throws KbgError `history-truncated` while iterating, for a line that is no event
 */
export function readHistory(file: string): History {
  const instance = basename(file, '.jsonl')
  return { instance, events: { [Symbol.iterator]: () => eventsOf(file, instance) } }
}

function* eventsOf(file: string, instance: string): Generator<HistoryEvent> {
  let number = 0
  for (const line of linesOf(file)) {
    number++
    yield parseLine(line, number, instance)
  }
}

function parseLine(line: string, number: number, instance: string): HistoryEvent {
  let json: unknown
  try {
    json = JSON.parse(line)
  } catch (cause) {
    throw historyTruncated(instance, { line: number, observed: line.slice(0, 80), required: 'a JSON object' }, cause)
  }
  const parsed = HistoryEvent.safeParse(json)
  if (!parsed.success) throw historyTruncated(instance, { line: number, problems: z.prettifyError(parsed.error).split('\n') })
  return parsed.data
}

function* linesOf(file: string): Generator<string> {
  const fd = openSync(file, 'r')
  try {
    const block = Buffer.allocUnsafe(blockBytes)
    const decoder = new StringDecoder('utf8')
    let rest = ''
    for (let bytes = readSync(fd, block); bytes > 0; bytes = readSync(fd, block)) {
      const lines = (rest + decoder.write(block.subarray(0, bytes))).split('\n')
      rest = lines.pop() ?? ''
      yield* lines
    }
    if (rest !== '') yield rest
  } finally {
    closeSync(fd)
  }
}

const Manifest = z.strictObject({ version: z.literal(1), instances: z.array(z.string()).min(1) })

/**
 * All histories of a run.
 *
 * @throws KbgError `history-truncated` when an instance that a manifest names has no history; `history-empty` when there is none at all
 */
export function readHistories(dir: string): History[] {
  const files = existsSync(dir) ? readdirSync(dir).sort() : []
  const histories = files.filter((file) => file.endsWith('.jsonl')).map((file) => readHistory(join(dir, file)))
  const expected = files.filter((file) => file.endsWith('.manifest.json')).flatMap((file) => parseManifest(join(dir, file)))
  const missing = expected.filter((instance) => !histories.some((history) => history.instance === instance))
  if (missing.length > 0) throw historyTruncated(missing.join(', '), { missing })
  if (histories.length === 0) throw new KbgError('history-empty', 'There is no history to check.', { facts: { dir } })
  return histories
}

function parseManifest(file: string): readonly string[] {
  try {
    return Manifest.parse(JSON.parse(readFileSync(file, 'utf8'))).instances
  } catch (cause) {
    throw historyTruncated(basename(file), { required: 'a manifest with the names of all instances' }, cause)
  }
}
