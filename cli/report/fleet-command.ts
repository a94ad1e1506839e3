import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { KbgError } from '../../engine/model/error.ts'
import { Deadline, systemClock } from '../../engine/ports/clock.ts'
import { withPorts } from '../../engine/run/ports.ts'
import { projectDir } from '../../tools/paths.ts'
import { openStacks, wiringOf } from '../fleet-stacks.ts'
import { gateEvidence } from '../rollout/gate-evidence.ts'
import { runReport } from './command.ts'
import { switchoverFromJournal } from './from-journal.ts'

const readMs = 10_000

/** Which switchover, and where its page goes. */
export interface FleetReportOptions {
  /** `1` (or undefined): the newest; `2`: the one before it. */
  readonly switchover: string | undefined
  /** undefined: beside the JSON. */
  readonly out: string | undefined
}

/**
 * `kbg report [--fleet NAME] [--switchover N] [--out PAGE]`: writes `out/<fleet>/switchover-<epoch>.json` from the fleet's journal, and makes the page from
 * that file alone. It only reads; the fleet may be moving.
 *
 * @param root where `out/` is
 * @throws KbgError `switchover-number`; `no-switchover` naming those that there are; `not-up`, what the route store throws, and what `runReport` does
 */
export async function runFleetReport(fleet: string, options: FleetReportOptions, root: string = projectDir): Promise<number> {
  const newest = numberOf(options.switchover)
  const stacks = openStacks(fleet)
  const wiring = await wiringOf(stacks)
  const deadline = new Deadline(systemClock, readMs, 'the journal')
  const journal = await withPorts(wiring, systemClock, async ({ store }) => await store.history(deadline))
  const { deployment } = await (await stacks.select('traffic')).exportStack()
  // How many updates its gate refused before isn't kept anywhere; one passed.
  const evidence = gateEvidence(deployment, fleet, 1)
  const report = switchoverFromJournal(journal, { fleet, newest, readAt: systemClock.wallClock(), evidence })
  const file = join(root, 'out', fleet, `switchover-${report.openedEpoch}.json`)
  mkdirSync(join(root, 'out', fleet), { recursive: true })
  writeFileSync(file, `${JSON.stringify(report, null, 2)}\n`)
  console.log(file)
  return runReport(file, options.out)
}

function numberOf(text: string | undefined): number {
  if (text === undefined) return 1
  if (/^[1-9]\d{0,5}$/.test(text)) return Number(text)
  throw new KbgError('switchover-number', 'Which switchover?', { facts: { observed: text, required: '1 for the newest, 2 for the one before it, and so on' } })
}
