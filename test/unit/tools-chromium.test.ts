import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { findChromium, requireChromium } from '../../tools/chromium.ts'

let dir: string

beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'chromium-'))
})
afterEach(() => rmSync(dir, { recursive: true, force: true }))

function program(name: string): string {
  const file = join(dir, name)
  writeFileSync(file, '#!/bin/sh\n')
  chmodSync(file, 0o755)
  return file
}

describe('finding Chromium', () => {
  it('takes the one that KBG_CHROMIUM names, before any on the PATH', () => {
    const onPath = program('chromium')
    const named = program('another')
    expect(findChromium({ PATH: dir })).toBe(onPath)
    expect(findChromium({ PATH: dir, KBG_CHROMIUM: named })).toBe(named)
  })

  it('knows it by its other names', () => {
    const browser = program('google-chrome')
    expect(findChromium({ PATH: dir, KBG_CHROMIUM: '' })).toBe(browser)
  })

  it('says in one line what is missing and how to get it, and goes on to no other browser than the named one', () => {
    expect(() => requireChromium({ PATH: dir })).toThrow(/^chromium-missing: .*not on the PATH\. .*apt-get install chromium.*$/)
    program('chromium')
    expect(() => requireChromium({ PATH: dir, KBG_CHROMIUM: join(dir, 'gone') })).toThrow(/^chromium-missing: KBG_CHROMIUM names .*gone, which is not there\./)
  })
})
