import { deepStrictEqual, ok, strictEqual } from 'node:assert/strict'
import { type Colour, otherColour } from '../../../engine/model/colour.ts'
import { topicPartition } from '../../../engine/model/partition.ts'
import { systemClock } from '../../../engine/ports/clock.ts'
import type { ChaosPair } from '../support/chaos-pair.ts'
import { type Contents, valuesOf } from '../support/contents.ts'
import { Load } from '../support/load.ts'
import { endWorker, startAtLeastOnceWorker, withoutExactlyOnce } from '../support/mirror-worker.ts'
import { seeded } from '../support/seeded.ts'
import { loadPartitions, type Scenario, topics } from './scenario.ts'

const mostKills = 5

/** Without exactly-once a killed worker copies its tail again: nothing is lost, and the audit counts just as many duplicates as there are, and closes the gate. */
export const atLeastOnceKilled: Scenario = {
  faults: 'F26 without exactly-once',
  async run(chaos, { seed }) {
    const { live } = await chaos.route()
    const standby = otherColour(live)
    const random = seeded(seed + 1)
    await withoutExactlyOnce(chaos, live)
    let acknowledged = acknowledgedBefore(await chaos.contents(live, [topics.load]))
    let kills = 0
    while (kills < mostKills && duplicatesOf(await chaos.contents(standby, [topics.load])) === 0) {
      acknowledged = await killedUnderLoad(chaos, live, acknowledged, 600 + random(900))
      kills += 1
    }
    const contents = await chaos.both([topics.load])
    const duplicates = duplicatesOf(contents[standby])
    ok(duplicates > 0, `a worker that was killed ${kills} times has copied nothing again`)
    for (const [partition, values] of acknowledged.entries()) {
      const place = topicPartition(topics.load, partition)
      deepStrictEqual(valuesOf(contents[live], place), values, `${live} holds of ${place} what was acknowledged`)
      deepStrictEqual([...new Set(valuesOf(contents[standby], place))], values, `nothing of ${place} is lost on ${standby}`)
    }
    const counted = await auditedDuplicates(chaos, contents[standby])
    strictEqual(counted, duplicates, 'the audit counts as many duplicates as there are')
    const lines = await chaos.gateLines(standby)
    ok(
      lines.some((line) => /^audit: fail; observed load-/.test(line)),
      `the gate refuses: ${lines.join(' | ')}`,
    )
    await chaos.untouched(live)
    return {
      injected: `exactly.once.source.support off; under load the mirror's worker killed ${kills} times`,
      observed: `${acknowledged.flat().length} acknowledged records, none lost, ${duplicates} copied twice; the audit counted ${counted} duplicates, and the gate refused`,
    }
  },
}

/** @returns what was acknowledged by then, that of before included */
async function killedUnderLoad(chaos: ChaosPair, live: Colour, before: readonly string[][], copyingMs: number): Promise<readonly string[][]> {
  const load = new Load(chaos, live, topics.load, loadPartitions, before)
  try {
    await systemClock.sleep(copyingMs) // the moment of the fault is the seed's
    await endWorker(chaos, live, 'SIGKILL')
    await startAtLeastOnceWorker(chaos, live)
  } finally {
    await load.stop()
  }
  await chaos.copied([topics.load], live, 120)
  return load.acknowledged
}

const acknowledgedBefore = (contents: Contents): readonly string[][] =>
  Array.from({ length: loadPartitions }, (_, partition) => valuesOf(contents, topicPartition(topics.load, partition)).map(String))

function duplicatesOf(contents: Contents): number {
  return [...contents.values()].reduce((sum, records) => sum + records.length - new Set(records.map(({ value }) => value)).size, 0)
}

/** The differences of all partitions, once the audit has compared everything; every one has to be a duplicate. */
async function auditedDuplicates(chaos: ChaosPair, standby: Contents): Promise<number> {
  let counted = 0
  for (const [place, records] of standby) {
    const isRead = (visible: number) => visible === records.length
    const colour = otherColour((await chaos.route()).live)
    const told = await chaos.toldUntil(place, (each) => isRead(each[colour].visible), 120)
    for (const { kind, on } of told.differences.shown) deepStrictEqual([kind, on], ['duplicate', colour], `what differs in ${place}`)
    counted += told.differences.total
  }
  return counted
}
