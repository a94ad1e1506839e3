/** A temporary copy of the engine and its simulation, in which one bug after the other is put into the sources and simulated in a process of its own. */
import { spawn } from 'node:child_process'
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { projectDir } from '../../../tools/paths.ts'
import type { Edit } from './bugs.ts'

/** What a scenario said in the copy. */
export interface Simulated {
  readonly exitCode: number | null
  /** Numbers of the invariants that were broken, in the order in which they were. */
  readonly broken: readonly string[]
  readonly output: string
}

const copied = ['engine', 'test/support/simulation', 'test/simulation/main.ts', 'package.json']
/** A mutated engine may never come to an end. */
const longestMs = 60_000

export class MutatedCopy {
  readonly root: string

  constructor() {
    this.root = mkdtempSync(join(tmpdir(), 'kbg-known-bugs-'))
    mkdirSync(join(this.root, 'test', 'support'), { recursive: true })
    for (const name of copied) cpSync(join(projectDir, name), join(this.root, name), { recursive: true })
    symlinkSync(join(projectDir, 'node_modules'), join(this.root, 'node_modules'))
  }

  /** Runs a scenario with a bug in the sources; they are as before afterwards. @throws Error when the place of an edit isn't there just once */
  async simulate(scenario: string, edits: readonly Edit[]): Promise<Simulated> {
    const before = new Map(edits.map(({ file }) => [file, readFileSync(join(this.root, file), 'utf8')]))
    try {
      for (const edit of edits) this.#apply(edit)
      return await this.#run(scenario)
    } finally {
      for (const [file, text] of before) writeFileSync(join(this.root, file), text)
    }
  }

  #apply({ file, find, replace }: Edit): void {
    const path = join(this.root, file)
    const parts = readFileSync(path, 'utf8').split(find)
    if (parts.length !== 2) throw new Error(`${file} holds ${parts.length - 1} times: ${find}`)
    writeFileSync(path, parts.join(replace))
  }

  #run(scenario: string): Promise<Simulated> {
    const child = spawn(process.execPath, ['test/simulation/main.ts', '--scenario', scenario], { cwd: this.root, stdio: ['ignore', 'pipe', 'pipe'] })
    const timer = setTimeout(() => child.kill('SIGKILL'), longestMs)
    let output = ''
    for (const stream of [child.stdout, child.stderr]) stream.setEncoding('utf8').on('data', (text: string) => (output += text))
    return new Promise((resolve, reject) => {
      child.once('error', reject)
      child.once('close', (exitCode) => {
        clearTimeout(timer)
        const broken = [...output.matchAll(/\*\*\* ([^:\n]+):/g)].map((match) => match[1] ?? '')
        resolve({ exitCode, broken: [...new Set(broken)], output })
      })
    })
  }

  remove(): void {
    rmSync(this.root, { recursive: true, force: true })
  }
}
