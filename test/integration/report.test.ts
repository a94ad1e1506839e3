import { mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Browser, Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { isJournaled, type Report } from '../../cli/report/journaled.ts'
import { reportHtml } from '../../cli/report/page.ts'
import { RolloutReport } from '../../cli/report/report.ts'
import { projectDir } from '../../tools/paths.ts'
import { showFile, startChromium, type View } from '../support/chromium.ts'
import { compareWithGolden } from '../support/golden-picture.ts'
import { faintLines, hasFocusInSight, layoutFaults, lowContrast, openAll, smallPictureText } from '../support/in-page.js'
import { abortedLines, switchedLines } from '../support/report-journal.ts'
import {
  auditedReport,
  earlierReport,
  failedReport,
  goldenDir,
  hostileJournaled,
  hostileReport,
  journaledReport,
  rolloutSections,
  sampleReport,
} from '../support/report-sample.ts'

const views = [
  { name: 'desktop', widthPx: 1280, scheme: 'light', media: 'screen' },
  { name: 'dark', widthPx: 1280, scheme: 'dark', media: 'screen' },
  { name: 'tablet', widthPx: 800, scheme: 'light', media: 'screen' },
  { name: 'phone', widthPx: 390, scheme: 'light', media: 'screen' },
  { name: 'print', widthPx: 688, scheme: 'light', media: 'print' },
] as const satisfies readonly View[]
const [desktop, dark, tablet, phone, print] = views

const reports = {
  ...{ sample: sampleReport(), audited: auditedReport(), failed: failedReport(), earlier: RolloutReport.parse(earlierReport()), hostile: hostileReport() },
  ...{ switched: journaledReport(switchedLines), 'taken back': journaledReport(abortedLines), 'hostile switchover': hostileJournaled() },
} satisfies Readonly<Record<string, Report>>
const journaledSections = ['happened', 'truth', 'orchestrator', 'groups', 'cut', 'mirror', 'watch', 'checks', 'unseen']

let browser: Browser
let dir: string
const fileOf = (report: string) => join(dir, `${report}.html`)

beforeAll(async () => {
  dir = mkdtempSync(join(tmpdir(), 'kbg-report-'))
  for (const [name, report] of Object.entries(reports)) writeFileSync(fileOf(name), reportHtml(report))
  browser = await startChromium()
}, 90_000)

afterAll(async () => {
  await browser?.close()
  rmSync(dir, { recursive: true, force: true })
})

async function show<T>(report: keyof typeof reports, view: View, look: (page: Page, complaints: readonly string[]) => Promise<T>): Promise<T> {
  const { page, complaints } = await showFile(browser, fileOf(report), view)
  try {
    return await look(page, complaints)
  } finally {
    await page.context().close()
  }
}

/** Of each kind of page the fullest and the one with the longest names at every width; what else a page may hold, at the widest and the narrowest. */
const atEveryWidth: readonly (keyof typeof reports)[] = ['audited', 'hostile', 'switched', 'hostile switchover']

describe.each(Object.keys(reports) as (keyof typeof reports)[])('the page of the %s report', (report) => {
  it.each(atEveryWidth.includes(report) ? views : [desktop, phone])(
    'shows all sections, without complaint, with nothing clipped or overlapping: $name',
    async (view) => {
      await show(report, view, async (page, complaints) => {
        for (const id of isJournaled(reports[report]) ? journaledSections : rolloutSections) expect(await page.locator(`#${id}`).isVisible(), id).toBe(true)
        expect(await page.evaluate(layoutFaults)).toEqual([])
        await page.evaluate(openAll)
        expect(await page.evaluate(layoutFaults), 'with every table open').toEqual([])
        expect(complaints).toEqual([])
      })
    },
  )
})

describe('for the keyboard and for screen readers', () => {
  it('the first key leads past the navigation, and every table can be reached', async () => {
    await show('sample', desktop, async (page) => {
      await page.keyboard.press('Tab')
      expect(await page.locator('.skip').evaluate(hasFocusInSight)).toBe(true)
      await page.keyboard.press('Enter')
      expect(page.url()).toContain('#happened')
      for (const table of await page.locator('.table').all()) expect(await table.getAttribute('tabindex')).toBe('0')
    })
  })

  it('one picture of the two is there at any width, named and described', async () => {
    for (const view of [desktop, phone]) {
      await show('sample', view, async (page) => {
        const names = await page.getByRole('img').evaluateAll((all) => all.map((svg) => svg.querySelector('title')?.textContent ?? ''))
        expect(names).toHaveLength(7)
        expect(new Set(names).size).toBe(7)
        expect(names.filter((name) => name.includes('write window of'))).toHaveLength(3)
      })
    }
  })

  it('a phone still has tables for a screen reader where rows are shown as blocks', async () => {
    await show('sample', phone, async (page) => {
      const table = page.getByRole('table', { name: /Switchover 1.*checks with evidence/ })
      expect(await table.getByRole('row').count()).toBe(reports.sample.switchovers[0]?.gate?.checks.length)
      expect(await table.getByRole('rowheader', { name: 'mirror lag' }).count()).toBe(1)
    })
  })

  it('text of pictures is never drawn smaller than 11 px: where there is less room a picture is moved sideways, also with the keyboard', async () => {
    for (const view of [desktop, { ...tablet, widthPx: 1020 }, tablet, { ...tablet, widthPx: 760 }, phone]) {
      for (const report of ['audited', 'switched'] as const) {
        expect(await show(report, view, async (page) => await page.evaluate(smallPictureText, 11)), `${report} at ${view.widthPx} px`).toEqual([])
      }
    }
    await show('sample', tablet, async (page) => {
      const picture = page.getByRole('group', { name: /Picture: Switchover 1/ })
      await picture.focus()
      await page.keyboard.press('ArrowRight')
      await expect.poll(async () => await picture.evaluate((element) => element.scrollLeft)).toBeGreaterThan(0)
    })
  })

  it('lines of pictures stand out from their ground by 3 to 1, light and dark', async () => {
    for (const view of [desktop, dark]) expect(await show('audited', view, async (page) => await page.evaluate(faintLines))).toEqual([])
  })

  it('text stands out from its ground by 4.5 to 1, light and dark', async () => {
    for (const view of [desktop, dark]) {
      for (const report of ['audited', 'failed', 'switched'] as const)
        expect(await show(report, view, async (page) => await page.evaluate(lowContrast))).toEqual([])
    }
  })
})

describe('golden pictures', () => {
  const pictures = [
    { name: 'desktop-happened', view: desktop, report: 'sample', part: '#happened' },
    { name: 'desktop-throughput', view: desktop, report: 'sample', part: '#throughput' },
    { name: 'desktop-window', view: desktop, report: 'sample', part: '#window-1' },
    { name: 'desktop-failed', view: desktop, report: 'failed', part: '#happened' },
    { name: 'dark-window', view: dark, report: 'sample', part: '#window-2' },
    { name: 'dark-latency', view: dark, report: 'sample', part: '#latency-figure svg.wide' },
    { name: 'phone-throughput', view: phone, report: 'sample', part: '#throughput' },
    { name: 'phone-window', view: phone, report: 'sample', part: '#window-1' },
    { name: 'phone-lag', view: phone, report: 'sample', part: '#lag-figure' },
    { name: 'tablet-window', view: tablet, report: 'sample', part: '#window-3' },
    { name: 'print-window', view: print, report: 'sample', part: '#window-3' },
    { name: 'desktop-orchestrator', view: desktop, report: 'switched', part: '#orchestrator' },
    { name: 'dark-taken-back', view: dark, report: 'taken back', part: '#happened' },
    { name: 'phone-orchestrator', view: phone, report: 'switched', part: '#orchestrator' },
    { name: 'desktop-watermark', view: desktop, report: 'audited', part: '#watermark-figure' },
    { name: 'dark-waves', view: dark, report: 'failed', part: '#waves' },
    { name: 'phone-watermark', view: phone, report: 'audited', part: '#watermark-figure' },
  ] as const

  it.each(pictures)('$name', async ({ name, view, report, part }) => {
    const png = await show(report, view, async (page) => await page.locator(part).screenshot({ animations: 'disabled' }))
    const golden = join(goldenDir, `${name}.png`)
    const { same, share } = compareWithGolden(golden, png, join(projectDir, 'out', 'golden'))
    expect(same, `${(share * 100).toFixed(1)} % of the picture differ: look at out/golden/${name}.png`).toBe(true)
    expect(statSync(golden).size).toBeLessThan(100_000)
  })

  it.skipIf(process.env.KBG_UPDATE_GOLDEN === '1')('are not the same as pictures of another switchover, scheme or width', async () => {
    const other = [
      { golden: 'desktop-window', report: 'sample', view: desktop, part: '#window-2' },
      { golden: 'desktop-throughput', report: 'sample', view: dark, part: '#throughput' },
      { golden: 'phone-window', report: 'sample', view: desktop, part: '#window-1' },
      { golden: 'desktop-orchestrator', report: 'taken back', view: desktop, part: '#orchestrator' },
    ] as const
    for (const { golden, report, view, part } of other) {
      const png = await show(report, view, async (page) => await page.locator(part).screenshot({ animations: 'disabled' }))
      expect(compareWithGolden(join(goldenDir, `${golden}.png`), png, dir).same, `${golden} and ${part} of ${view.name}`).toBe(false)
    }
  })
})

describe('printing', () => {
  it('gives pages of paper with every check on them', async () => {
    await show('sample', print, async (page) => {
      const pdf = await page.pdf({ format: 'A4' })
      const pages = pdf.toString('latin1').match(/\/Type\s*\/Page\b/g)?.length ?? 0
      expect(pages).toBeGreaterThan(4)
      expect(pages).toBeLessThan(25)
      expect(await page.locator('#checks-3').isVisible()).toBe(true)
      expect(await page.locator('#window-1-numbers').isVisible()).toBe(false)
      expect(await page.locator('.on-paper').textContent()).toContain('are left out')
      expect(await page.locator('.on-paper').isVisible()).toBe(true)
    })
    await show('sample', desktop, async (page) => {
      expect(await page.locator('.on-paper').isVisible()).toBe(false)
    })
  })
})
