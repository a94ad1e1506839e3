import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { runReport } from '../../cli/report/command.ts'
import { reportHtml } from '../../cli/report/page.ts'
import { sampleFile, sampleReport } from '../support/report-sample.ts'

let dir: string

beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'report-'))
  vi.spyOn(console, 'log').mockReturnValue(undefined)
})
afterEach(() => {
  vi.restoreAllMocks()
  rmSync(dir, { recursive: true, force: true })
})

describe('kbg report', () => {
  it('writes the page beside the report, or where it is told to', () => {
    const file = join(dir, 'report.json')
    writeFileSync(file, readFileSync(sampleFile))
    expect(runReport(file, undefined)).toBe(0)
    expect(readFileSync(join(dir, 'report.html'), 'utf8')).toBe(reportHtml(sampleReport()))
    runReport(file, join(dir, 'other.html'))
    expect(readFileSync(join(dir, 'other.html'), 'utf8')).toBe(reportHtml(sampleReport()))
  })

  it('refuses, with every problem at once, what is no report', () => {
    const file = join(dir, 'bad.json')
    writeFileSync(file, JSON.stringify({ ...sampleReport(), version: 2, verdict: 'perhaps', secret: 1, durationSeconds: -1 }))
    expect(() => runReport(file, undefined)).toThrow(/report-form[\s\S]*version[\s\S]*verdict[\s\S]*durationSeconds[\s\S]*secret/)
  })

  it.each([
    ['a file that is not there', 'gone.json', undefined, 'report-unreadable'],
    ['a file that is no JSON', 'text.json', undefined, 'report-unreadable'],
    ['itself as the page', 'text.json', 'text.json', 'report-file'],
    ['a page where nothing can be written', 'report.json', 'no/such/dir/page.html', 'report-unwritable'],
  ])('refuses %s', (_, file, out, code) => {
    writeFileSync(join(dir, 'text.json'), 'not JSON')
    writeFileSync(join(dir, 'report.json'), readFileSync(sampleFile))
    expect(() => runReport(join(dir, file), out && join(dir, out))).toThrow(code)
  })
})
