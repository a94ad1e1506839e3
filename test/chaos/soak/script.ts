/** `npm run chaos -- --minutes N`: plays, tells, writes down. */
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { projectDir } from '../../../tools/paths.ts'
import { intoDocs } from './docs.ts'
import { summaryLines } from './report.ts'
import { type SoakForm, soak } from './soak.ts'

export interface SoakOrder {
  readonly form: SoakForm
  /** Emptied first. */
  readonly outDir: string
  readonly writeDocs: boolean
}

/** @returns the exit code: 0 when every round and every check passed */
export async function runSoak({ form, outDir, writeDocs }: SoakOrder, tell: (line: string) => void): Promise<number> {
  tell(`chaos soak, ${form.minutes} minutes, seed ${form.seed}`)
  const report = await soak(form, outDir, tell)
  writeFileSync(join(outDir, 'soak.json'), `${JSON.stringify(report, null, 2)}\n`)
  for (const line of summaryLines(report)) tell(line)
  if (writeDocs && report.found.length === 0) intoDocs(report, join(projectDir, 'docs', 'faults.md'))
  tell(`${report.rounds.length} passed, ${report.found.length} failed`)
  return report.found.length === 0 ? 0 : 1
}
