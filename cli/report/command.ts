import { readFileSync, writeFileSync } from 'node:fs'
import { extname } from 'node:path'
import { KbgError } from '../../engine/model/error.ts'
import { parseReport, type Report } from './journaled.ts'
import { reportHtml } from './page.ts'

/**
 * `kbg report FILE [--out FILE.html]`: makes the page from a report's JSON (a rollout's or a switchover's), beside it unless said otherwise.
 *
 * @throws KbgError `report-unreadable` when the file can't be read or is no JSON; `report-unwritable` when the page can't be written; `report-form` with every problem of its content at once
 */
export function runReport(file: string, out: string | undefined): number {
  const page = out ?? `${extname(file) === '' ? file : file.slice(0, -extname(file).length)}.html`
  if (page === file) throw new KbgError('report-file', 'The page would overwrite the report itself.', { remedy: 'Name another file with --out.' })
  const html = reportHtml(readReport(file))
  try {
    writeFileSync(page, html)
  } catch (cause) {
    throw new KbgError('report-unwritable', `The page can't be written to ${page}.`, { cause })
  }
  console.log(page)
  return 0
}

/** A report from its file. */
function readReport(file: string): Report {
  const parsed = parseReport(readJson(file))
  if (parsed.success) return parsed.data
  const problems = parsed.error.issues.map((issue) => `\n  ${issue.path.length === 0 ? 'the whole' : issue.path.join('.')}: ${issue.message}`)
  throw new KbgError('report-form', `${file} is not a report of version 1, as kbg rollout or kbg report writes it:${problems.join('')}`)
}

function readJson(file: string): unknown {
  try {
    return JSON.parse(readFileSync(file, 'utf8'))
  } catch (cause) {
    throw new KbgError('report-unreadable', `${file} can't be read as JSON.`, { cause })
  }
}
