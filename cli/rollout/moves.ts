import type { OutputMap } from '@pulumi/pulumi/automation/index.js'
import { type Colour, otherColour } from '../../engine/model/colour.ts'
import { KbgError, messageOf } from '../../engine/model/error.ts'
import { Deadline, systemClock } from '../../engine/ports/clock.ts'
import type { WorkloadStatus } from '../../test/support/workload/config.ts'
import { aims } from './aims.ts'
import { gateEvidence } from './gate-evidence.ts'
import type { Run } from './run.ts'

/** Consumer groups move to green wave by wave, the least critical first, each watched before the next; the producers stay on blue. */
export async function migrate(run: Run): Promise<void> {
  await systemClock.sleep(aims.settleSeconds * 1_000)
  const consumers = Object.fromEntries(aims.waves.map((wave) => [wave, 'green']))
  for (const wave of aims.waves) run.screen.event('migrate', `pulumi config set --path consumers.${wave} green`)
  run.screen.event('migrate', 'pulumi up')
  await run.stacks.setConfig('traffic', { consumers: JSON.stringify(consumers) })
  const { outputs } = await upPastGate(run)
  const route = outputs.route?.value as { live?: string; consumers?: Readonly<Record<string, string>> } | undefined
  const elsewhere = aims.waves.filter((wave) => route?.consumers?.[wave] !== 'green')
  if (elsewhere.length === 0 && route?.live === 'blue') return
  throw new KbgError('rollout', 'The update succeeded, but the waves are not where they were wanted.', {
    facts: { elsewhere, live: route?.live ?? 'none', required: 'every wave on green, blue live' },
  })
}

/** Forward, back, and forward again; records keep flowing all the time. */
export async function switchThrice(run: Run): Promise<void> {
  for (const live of aims.moves) {
    await systemClock.sleep(aims.settleSeconds * 1_000)
    run.lagRecords = Math.max(run.lagRecords, run.status?.groups[aims.laggingGroup]?.lagRecords ?? 0)
    await switchTo(run, live)
  }
  await systemClock.sleep(aims.settleSeconds * 1_000)
  const deadline = new Deadline(systemClock, 300_000, `${aims.ackedRecords} acknowledged records`)
  await deadline.poll(500, async () => (ackedRecords(run.status) >= aims.ackedRecords ? true : undefined))
}

function ackedRecords(status: WorkloadStatus | null): number {
  return status === null ? 0 : status.ackedRecords.blue + status.ackedRecords.green
}

/** `pulumi config set live <colour>` and `pulumi up`, nothing else; the waves follow the live colour from here on. */
async function switchTo(run: Run, live: Colour): Promise<void> {
  run.screen.event('switch', `pulumi config set live ${live} && pulumi up`)
  await run.stacks.setConfig('traffic', { live, consumers: '{}' })
  const { outputs, updates } = await upPastGate(run)
  run.gates.push(gateEvidence((await (await run.stacks.select('traffic')).exportStack()).deployment, run.stacks.fleet, updates))
  const route = outputs.route?.value as { live?: string; epoch?: number } | undefined
  if (route?.live !== live) throw new KbgError('rollout', `The update succeeded, but the route says ${route?.live}.`, { facts: { wanted: live } })
  run.screen.event('switch', `${live} is live at epoch ${route.epoch}, ${otherColour(live)} is its standby`)
}

/** A gate that refuses has touched nothing, and the next update asks it afresh: what a person would do. Any other failure ends the run. */
async function upPastGate(run: Run): Promise<{ readonly outputs: OutputMap; readonly updates: number }> {
  for (let tries = 1; ; tries += 1) {
    try {
      return { outputs: await run.stacks.up('traffic'), updates: tries }
    } catch (thrown) {
      const refused = messageOf(thrown).includes('\ngate: ')
      if (!refused || tries === aims.gateTries) throw thrown
      run.screen.event('switch', `refused, nothing was moved; asking again (${tries} of ${aims.gateTries}): ${messageOf(thrown)}`)
    }
  }
}
