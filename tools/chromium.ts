/** Chromium, for the test of the report's page only: a rollout doesn't need it. */
import { existsSync } from 'node:fs'
import { KbgError } from '../engine/model/error.ts'
import { findOnPath } from './paths.ts'
import { mustRun } from './process.ts'
import type { Step } from './step.ts'

const names = ['chromium', 'chromium-browser', 'google-chrome', 'google-chrome-stable'] as const

/** How a person gets Chromium. */
export const chromiumRemedy = 'Install Chromium (Debian: apt-get install chromium) or name a browser of its kind in KBG_CHROMIUM; only npm test needs it.'

/** The browser to use: KBG_CHROMIUM's, else the first of its kind on the PATH; undefined if there is none. */
export function findChromium(env: NodeJS.ProcessEnv = process.env): string | undefined {
  const named = env.KBG_CHROMIUM
  if (named !== undefined && named !== '') return existsSync(named) ? named : undefined
  return names.map((name) => findOnPath(name, env.PATH)).find((path) => path !== undefined)
}

/** The browser. @throws KbgError `chromium-missing` with how to get it */
export function requireChromium(env: NodeJS.ProcessEnv = process.env): string {
  const path = findChromium(env)
  if (path !== undefined) return path
  const named = env.KBG_CHROMIUM
  const refused = named ? `KBG_CHROMIUM names ${named}, which is not there.` : "The test of the report's page needs Chromium, which is not on the PATH."
  throw new KbgError('chromium-missing', refused, { remedy: chromiumRemedy })
}

/** Installs Debian's package where that is allowed (root, apt-get); elsewhere it says what to do. */
export const chromiumStep: Step = {
  name: 'Chromium (for npm test)',
  done: () => findChromium() !== undefined,
  run: async () => {
    const aptGet = findOnPath('apt-get')
    if (process.env.KBG_CHROMIUM || aptGet === undefined || process.getuid?.() !== 0) requireChromium()
    else await install(aptGet)
    requireChromium()
    return 'from apt-get'
  },
}

/** Another package manager is waited for; a mirror that doesn't answer is given up within seconds. */
const aptBounds = ['DPkg::Lock::Timeout=120', 'Acquire::http::Timeout=10', 'Acquire::https::Timeout=10', 'Acquire::Retries=0'].flatMap((bound) => ['-o', bound])

async function install(aptGet: string): Promise<void> {
  const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' }
  const apt = (...args: readonly string[]) => mustRun(aptGet, [...aptBounds, ...args], { env, deadlineSeconds: 300 })
  // A fresh image has no package lists, an old one has lists that name packages which are gone.
  await apt('update', '-q')
  await apt('install', '-qy', '--no-install-recommends', 'chromium')
}
