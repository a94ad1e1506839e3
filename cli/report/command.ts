import { readFileSync, writeFileSync } from 'node:fs'
import { extname } from 'node:path'
import { KbgError } from '../../engine/model/error.ts'
import { reportHtml } from './page.ts'
import { RolloutReport } from './report.ts'

/**
 * `kbg report FILE [--out FILE.html]`: makes the page from a report.json, beside it unless said otherwise.
 *
 * @throws KbgError `report-unreadable` when the file can't be read or is no JSON; `report-unwritable` when the page can't be written; `report-form` with every problem of its content at once
 */
export function runReport(file: string | undefined, out: string | undefined): number {
  if (file === undefined) throw new KbgError('report-file', 'Which report?', { remedy: 'kbg report FILE, for example kbg report out/rollout/report.json' })
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
export function readReport(file: string): RolloutReport {
  const parsed = RolloutReport.safeParse(readJson(file))
  if (parsed.success) return parsed.data
  const problems = parsed.error.issues.map((issue) => `\n  ${issue.path.length === 0 ? 'the whole' : issue.path.join('.')}: ${issue.message}`)
  throw new KbgError('report-form', `${file} is not a report of version 1, as kbg rollout writes it:${problems.join('')}`)
}

function readJson(file: string): unknown {
  try {
    return JSON.parse(readFileSync(file, 'utf8'))
  } catch (cause) {
    throw new KbgError('report-unreadable', `${file} can't be read as JSON.`, { cause })
  }
}
