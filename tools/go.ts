/** Tools that are built from their Go modules: pinned by go.mod, checked by go.sum. */
import { mkdirSync, renameSync } from 'node:fs'
import { join } from 'node:path'
import { goRemedy, requireOnPath } from './java.ts'
import { projectDir } from './paths.ts'
import { mustRun } from './process.ts'
import { keyOf } from './stamp.ts'

/** One Go build. */
export interface GoBuild {
  /** Directory of its go.mod, relative to `tools/`. */
  readonly module: string
  /** The package to build: an import path, or `.`. */
  readonly package: string
  /** Where the executable goes. */
  readonly outputDir: string
  readonly executable: string
  /** Linker flags besides `-s -w`. */
  readonly linkerFlags?: string
}

/** The key of a Go build: its pins, checksums and own sources. */
export function goBuildKey(build: GoBuild, sources: readonly string[] = []): string {
  const dir = join(projectDir, 'tools', build.module)
  return keyOf([...['go.mod', 'go.sum', ...sources].map((file) => ({ file: join(dir, file) })), { text: build.linkerFlags ?? '' }])
}

/** Builds it and puts it in place in one move. @throws KbgError `go-missing`, `command-failed` */
export async function goBuild(build: GoBuild): Promise<void> {
  const go = requireOnPath('go', `Building ${build.executable}`, goRemedy)
  mkdirSync(build.outputDir, { recursive: true })
  const fresh = join(build.outputDir, `${build.executable}.new`)
  const flags = ['-s', '-w', ...(build.linkerFlags === undefined ? [] : [build.linkerFlags])].join(' ')
  await mustRun(go, ['build', '-mod=readonly', '-trimpath', '-buildvcs=false', '-ldflags', flags, '-o', fresh, build.package], {
    cwd: join(projectDir, 'tools', build.module),
    env: { ...process.env, CGO_ENABLED: '0', GOWORK: 'off' },
    deadlineSeconds: 1800,
  })
  renameSync(fresh, join(build.outputDir, build.executable))
}
