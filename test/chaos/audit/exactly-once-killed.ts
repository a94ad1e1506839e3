import { deepStrictEqual, ok, strictEqual } from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { observeAudit } from '../../../engine/adapters/local/audit-process.ts'
import { trafficDirectory } from '../../../engine/adapters/local/state.ts'
import { topicPartition } from '../../../engine/model/partition.ts'
import { systemClock } from '../../../engine/ports/clock.ts'
import { type ChaosPair, within } from '../support/chaos-pair.ts'
import { valuesOf } from '../support/contents.ts'
import { Load } from '../support/load.ts'
import { endWorker, startWorker } from '../support/mirror-worker.ts'
import { seeded } from '../support/seeded.ts'
import { loadPartitions, type Scenario, topics } from './scenario.ts'

/** With exactly-once, whatever ends the mirror's worker and the audit's: every acknowledged record once and in order on both sides. */
export const exactlyOnceKilled: Scenario = {
  faults: 'F25, F26',
  async run(chaos, { isLong, seed }) {
    const random = seeded(seed)
    const ends = isLong ? 8 : 1
    const load = new Load(chaos, 'blue', topics.load, loadPartitions)
    try {
      for (let turn = 0; turn < ends; turn++) {
        await systemClock.sleep(300 + random(900)) // so long it copies: the moment of the fault is the seed's
        const restartAudit = turn === 0 ? killAudit(chaos) : undefined
        await endWorker(chaos, 'blue', turn % 2 === 0 ? 'SIGKILL' : 'SIGTERM')
        await startWorker(chaos, 'blue')
        await restartAudit
      }
    } finally {
      await load.stop()
    }
    await chaos.copied([topics.load], 'blue', 120)
    const contents = await chaos.both([topics.load])
    for (const [partition, acknowledged] of load.acknowledged.entries()) {
      const place = topicPartition(topics.load, partition)
      deepStrictEqual(valuesOf(contents.blue, place), acknowledged, `blue holds of ${place} what was acknowledged`)
      deepStrictEqual(valuesOf(contents.green, place), acknowledged, `green holds of ${place} what was acknowledged`)
    }
    strictEqual(await chaos.proven([topics.load], 120), BigInt(load.total), 'the audit has compared every record')
    const log = readFileSync(join(trafficDirectory(chaos.pair.root, chaos.pair.wiring.fleet), 'audit', 'worker-0', 'worker.log'), 'utf8')
    ok(!/begins afresh/.test(log), 'the killed audit has not begun afresh')
    return {
      injected: `under load the mirror's worker ended ${ends} times (SIGKILL, SIGTERM in turn), the audit killed once`,
      observed: `${load.total} acknowledged records, each once and in order on both sides; the audit went on and compared all of them`,
    }
  },
}

async function killAudit(chaos: ChaosPair): Promise<void> {
  const at = { projectRoot: chaos.pair.root, fleet: chaos.pair.wiring.fleet }
  const [worker] = observeAudit(at)
  if (!worker?.pid) throw new Error('no audit runs')
  process.kill(worker.pid, 'SIGKILL')
  await within(60).poll(50, async () => {
    const pid = observeAudit(at)[0]?.pid ?? null
    return pid !== null && pid !== worker.pid ? true : undefined // its supervisor starts it again
  })
}
