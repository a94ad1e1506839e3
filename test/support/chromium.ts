import { type Browser, chromium, type Page } from 'playwright-core'
import { requireChromium } from '../../tools/chromium.ts'

/** How a page is looked at. */
export interface View {
  readonly name: string
  readonly widthPx: number
  readonly scheme: 'light' | 'dark'
  readonly media: 'screen' | 'print'
}

/**
 * Starts the Chromium that set-up found, without a window. Text is drawn without the machine's own smoothing settings, so that pictures of two machines differ
 * little.
 *
 * @throws KbgError `chromium-missing` in one sentence with how to get it
 */
export async function startChromium(): Promise<Browser> {
  const args = ['--font-render-hinting=none', '--disable-lcd-text', '--force-color-profile=srgb', ...(process.getuid?.() === 0 ? ['--no-sandbox'] : [])]
  return await chromium.launch({ executablePath: requireChromium(), args, timeout: 60_000 })
}

/** A page as one view shows it. */
export interface ShownPage {
  readonly page: Page
  /** Everything that the browser complained about: console messages, errors, requests. */
  readonly complaints: readonly string[]
}

/** Opens an HTML file. Animations are off; nothing can be loaded besides the file itself without being complained of. */
export async function showFile(browser: Browser, file: string, view: View): Promise<ShownPage> {
  const context = await browser.newContext({
    viewport: { width: view.widthPx, height: 900 },
    colorScheme: view.scheme,
    reducedMotion: 'reduce',
    deviceScaleFactor: 1,
    locale: 'en-US',
  })
  const page = await context.newPage()
  const complaints: string[] = []
  page.on('console', (message) => complaints.push(`console: ${message.text()}`))
  page.on('pageerror', (error) => complaints.push(`error: ${error.message}`))
  page.on('request', (request) => {
    if (!request.url().startsWith('file:') && !request.url().startsWith('data:')) complaints.push(`request: ${request.url()}`)
  })
  await page.emulateMedia({ media: view.media })
  await page.goto(`file://${file}`)
  return { page, complaints }
}
