/** A copy of the checkout in a directory of its own, so that a bench may change catalog, stack files and backend without touching this one. */
import { cpSync, existsSync, mkdirSync, mkdtempSync, rmSync, symlinkSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { pulumiEnv } from '../../cli/init.ts'
import { projectDir, toolEnv, toolsDir } from '../../tools/paths.ts'
import { mustRun } from '../../tools/process.ts'

/** A directory that is removed when it goes out of scope. */
export interface Checkout extends Disposable {
  readonly dir: string
  /** What Pulumi finds its tools, backend and passphrase by there, once a fleet was made; its compiled JavaScript goes with the directory. */
  env(): NodeJS.ProcessEnv
}

/** Copies every file that git doesn't ignore, as it is now; npm's packages and the tools of set-up are linked, everything else starts empty. */
export async function copyCheckout(): Promise<Checkout> {
  const dir = mkdtempSync(join(tmpdir(), 'kbg-bench-'))
  const listed = await mustRun('git', ['ls-files', '-z', '--cached', '--others', '--exclude-standard'], { cwd: projectDir, deadlineSeconds: 60 })
  for (const file of listed.split('\0')) {
    if (file === '' || !existsSync(join(projectDir, file))) continue
    mkdirSync(dirname(join(dir, file)), { recursive: true })
    cpSync(join(projectDir, file), join(dir, file))
  }
  symlinkSync(join(projectDir, 'node_modules'), join(dir, 'node_modules'))
  mkdirSync(join(dir, '.kbg'))
  symlinkSync(toolsDir, join(dir, '.kbg', '.tools'))
  return {
    dir,
    env: () => ({ ...toolEnv(), ...pulumiEnv(dir), NODE_COMPILE_CACHE: join(dir, '.kbg', '.compile-cache') }),
    [Symbol.dispose]: () => rmSync(dir, { recursive: true, force: true }),
  }
}
