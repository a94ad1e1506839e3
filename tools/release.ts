/** Pulumi's official release archive: what its installer fetches, but of one pinned version and checked against the published checksums. */
import { createHash } from 'node:crypto'
import { mkdirSync, mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { KbgError } from '../engine/model/error.ts'
import { mustRun } from './process.ts'

/** Where a release archive and its list of SHA-256 checksums are. */
export interface Release {
  readonly archiveUrl: string
  readonly checksumsUrl: string
}

/** Seconds without a byte after which a server is given up and the next way is tried. */
const answerSeconds = 5
/** Seconds for a whole download. */
const downloadSeconds = 300

/** The archive of a version for this machine; undefined where there is no `.tar.gz` of it. */
export function pulumiRelease(version: string, platform: string = process.platform, arch: string = process.arch): Release | undefined {
  if (!['linux', 'darwin'].includes(platform) || !['x64', 'arm64'].includes(arch)) return undefined
  return {
    archiveUrl: `https://get.pulumi.com/releases/sdk/pulumi-v${version}-${platform}-${arch}.tar.gz`,
    checksumsUrl: `https://github.com/pulumi/pulumi/releases/download/v${version}/pulumi-${version}-checksums.txt`,
  }
}

/**
 * Downloads, checks and unpacks a release (an archive with one directory `pulumi`) as `dir`.
 *
 * @throws KbgError `not-downloadable` when a server doesn't answer in seconds or refuses, `checksum-mismatch`
 */
export async function installRelease(release: Release, dir: string): Promise<void> {
  const checksums = (await download(release.checksumsUrl)).toString('utf8')
  const archive = await download(release.archiveUrl)
  const name = release.archiveUrl.slice(release.archiveUrl.lastIndexOf('/') + 1)
  const wanted = checksums
    .split('\n')
    .map((line) => line.trim().split(/\s+\*?/))
    .find(([, file]) => file === name)?.[0]
  const found = createHash('sha256').update(archive).digest('hex')
  if (wanted !== found) {
    throw new KbgError('checksum-mismatch', `${name} is not what was published.`, { facts: { found, published: wanted ?? 'not in the list' } })
  }
  const scratch = mkdtempSync(join(tmpdir(), 'kbg-release-'))
  try {
    writeFileSync(join(scratch, name), archive)
    await mustRun('tar', ['-xzf', join(scratch, name), '-C', scratch], { deadlineSeconds: 120 })
    rmSync(dir, { recursive: true, force: true })
    mkdirSync(dirname(dir), { recursive: true })
    await mustRun('cp', ['-R', join(scratch, 'pulumi'), `${dir}.new`], { deadlineSeconds: 120 })
    renameSync(`${dir}.new`, dir)
  } finally {
    rmSync(scratch, { recursive: true, force: true })
  }
}

/** Downloads a file; a server that sends nothing for `answerSeconds`, at the start or in the middle, is given up. */
async function download(url: string): Promise<Buffer> {
  const silent = new AbortController()
  const timer = setTimeout(() => silent.abort(new Error(`no byte for ${answerSeconds} s`)), answerSeconds * 1000)
  try {
    const response = await fetch(url, { signal: AbortSignal.any([silent.signal, AbortSignal.timeout(downloadSeconds * 1000)]) })
    if (!response.ok || response.body === null) throw new Error(`HTTP ${response.status}`)
    const chunks: Uint8Array[] = []
    for await (const chunk of response.body) {
      timer.refresh()
      chunks.push(chunk)
    }
    return Buffer.concat(chunks)
  } catch (cause) {
    throw new KbgError('not-downloadable', `Could not download ${url}.`, { cause, retriable: true })
  } finally {
    clearTimeout(timer)
  }
}
