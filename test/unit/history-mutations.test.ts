import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import {
  changeOutcome,
  drop,
  insert,
  redeliverLastBatch,
  removeEvents,
  rename,
  swap,
  transactionValues,
  translateTooHigh,
  translateTooLow,
  unreadProducer,
  valuesRead,
} from '../support/history/damage.ts'
import { type EditableHistory, type GeneratedRun, generateHistories } from '../support/history/generate.ts'
import type { FaultKind, Verdict } from '../support/history/index.ts'
import { check, clientStatistics, faultKinds, verdictLines } from '../support/history/index.ts'

const whole = { wholeColours: ['green', 'blue'] } as const
const runs = fc.record({
  seed: fc.integer({ min: 1, max: 1_000_000 }),
  producers: fc.integer({ min: 2, max: 4 }),
  keys: fc.integer({ min: 3, max: 12 }),
  partitions: fc.integer({ min: 1, max: 3 }),
  groups: fc.integer({ min: 2, max: 4 }),
  calls: fc.integer({ min: 80, max: 160 }),
  maxBatch: fc.integer({ min: 2, max: 6 }),
})
const group = { group: 'group-1' } as const

/** Only the faults that were found. */
function found(verdict: Verdict): Partial<Record<FaultKind, number>> {
  return Object.fromEntries(faultKinds.map((kind) => [kind, verdict.faults[kind].count] as const).filter(([, count]) => count > 0))
}

/** Damages random correct histories and expects exactly these faults; `damage` says which. */
function finds(damage: (histories: EditableHistory[], run: GeneratedRun) => Partial<Record<FaultKind, number>>): void {
  fc.assert(
    fc.property(runs, (run) => {
      const histories = generateHistories(run)
      const expected = damage(histories, run)
      const verdict = check(histories, whole)
      expect(found(verdict)).toEqual(expected)
      expect(verdict.ok).toBe(false)
    }),
    { numRuns: 25 },
  )
}

/** Values of partition 0 that a producer was acknowledged (no transaction's), well inside what everybody read. */
function plainValues(histories: readonly EditableHistory[], run: GeneratedRun): string[] {
  return valuesRead(histories, { fullRead: 'green' }, 0).filter((id) => !id.startsWith(`p${run.producers - 1}:`))
}

/** An acknowledged value of the middle of partition 0. */
function middle(histories: readonly EditableHistory[], run: GeneratedRun): string {
  const values = plainValues(histories, run)
  return values[values.length >> 1] as string
}

/** Neighbours of partition 0 that are in the same batch of group-1, and (not) of the same producer and key. */
function neighbours(histories: readonly EditableHistory[], sameKey: boolean): [string, string] | undefined {
  const keys = new Map<string, string>()
  for (const event of histories.flatMap((history) => history.events)) {
    if (event.type === 'send') event.seqs.forEach((seq, index) => void keys.set(`${event.producer}:${seq}`, `${event.producer} ${event.keys[index]}`))
  }
  const batches = histories.flatMap((history) => history.events).filter((event) => event.type === 'poll' && event.group === 'group-1' && event.partition === 0)
  for (const batch of batches) {
    if (batch.type !== 'poll') continue
    const index = batch.values.findIndex((id, at) => at > 0 && (keys.get(id) === keys.get(batch.values[at - 1] as string)) === sameKey)
    if (index > 0) return [batch.values[index - 1] as string, batch.values[index] as string]
  }
  return undefined
}

describe('a correct history', () => {
  it('passes, with everything counted', () => {
    fc.assert(
      fc.property(runs, (run) => {
        const verdict = check(generateHistories(run), whole)
        expect(found(verdict)).toEqual({})
        expect(verdict.ok).toBe(true)
        expect(verdict.checked.acked).toBeGreaterThan(50)
        expect(verdict.checked.polled).toBe(verdict.checked.groups * (verdict.checked.fullyRead / 2))
        expect(verdict.checked.fullyRead).toBe(2 * (verdict.checked.acked + verdict.checked.unknownVisible))
      }),
      { numRuns: 50 },
    )
  })

  it('passes without full reads, believing the groups', () => {
    fc.assert(
      fc.property(runs, (run) => {
        const histories = generateHistories(run).filter((history) => !history.instance.startsWith('full-read'))
        expect(found(check(histories, { wholeColours: [] }))).toEqual({})
      }),
      { numRuns: 25 },
    )
  })

  it('passes when a group that is meant to stay behind has not read the tail', () => {
    const histories = generateHistories({ seed: 7, producers: 3, keys: 5, partitions: 2, groups: 3, calls: 100, maxBatch: 4 })
    removeEvents(histories, (event) => (event.type === 'poll' || event.type === 'commit') && event.group === 'group-1' && event.colour === 'green')
    expect(found(check(histories, { ...whole, groupsBehind: ['group-1'] }))).toEqual({})
    expect(Object.keys(found(check(histories, whole)))).toEqual(['unseen'])
  })
})

describe('damage is found, and only that', () => {
  it('an acknowledged record that nobody ever got', () => {
    finds((histories, run) => {
      drop(histories, middle(histories, run), 'everywhere')
      return { lost: 1 }
    })
  })

  it('a committed record that the live cluster lacks, though groups got it on the other one', () => {
    finds((histories, run) => {
      drop(histories, middle(histories, run), { fullRead: 'green' })
      return { lost: 1 }
    })
  })

  it('an acknowledged record that no group got, without full reads', () => {
    const histories = generateHistories({ seed: 3, producers: 3, keys: 5, partitions: 2, groups: 3, calls: 100, maxBatch: 4 })
    const id = middle(histories, { producers: 3 } as GeneratedRun)
    drop(histories, id, 'everywhere')
    const groups = histories.filter((history) => !history.instance.startsWith('full-read'))
    expect(found(check(groups, { wholeColours: [] }))).toEqual({ lost: 1 })
  })

  it('a record that one group jumped over', () => {
    finds((histories, run) => {
      drop(histories, middle(histories, run), group)
      return { skipped: 1 }
    })
  })

  it('records that one group committed past without having got them', () => {
    finds((histories) => {
      const last = histories.flatMap((history) => history.events).findLast((event) => event.type === 'poll' && event.group === 'group-1')
      if (last?.type !== 'poll') throw new Error('the generated group polled nothing')
      const skipped = last.values.length
      removeEvents(histories, (event) => event === last)
      return { skipped }
    })
  })

  it('the tail that one group never got', () => {
    finds((histories) => {
      const last = histories.flatMap((history) => history.events).findLast((event) => event.type === 'poll' && event.group === 'group-1')
      if (last?.type !== 'poll') throw new Error('the generated group polled nothing')
      const sameCommit = (offsets: readonly { partition: number }[]) => offsets.some(({ partition }) => partition === last.partition)
      removeEvents(
        histories,
        (event) => event === last || (event.type === 'commit' && event.group === 'group-1' && event.atNs > last.atNs && sameCommit(event.offsets)),
      )
      return { unseen: last.values.length }
    })
  })

  it('a record that is twice on the live cluster', () => {
    finds((histories, run) => {
      const id = middle(histories, run)
      insert(histories, id, id, { fullRead: 'green' })
      return { duplicated: 1 }
    })
  })

  it('a record that a group got from two offsets of one cluster', () => {
    finds((histories, run) => {
      const id = middle(histories, run)
      insert(histories, id, id, group)
      return { duplicated: 1 }
    })
  })

  it('a batch that a group got again after it had committed', () => {
    finds((histories) => ({ redelivered: redeliverLastBatch(histories, 'group-1', 0) }))
  })

  it('a group whose position was translated too low when it moved', () => {
    finds((histories) => {
      const redelivered = translateTooLow(histories, 'group-1', 0)
      fc.pre(redelivered > 0)
      return { redelivered }
    })
  })

  it('a group whose position was translated too high when it moved', () => {
    finds((histories) => {
      const skipped = translateTooHigh(histories, 'group-1', 0)
      fc.pre(skipped > 0)
      return { skipped }
    })
  })

  it('two records of a key in the wrong order, on both clusters and for every group', () => {
    finds((histories) => {
      const pair = neighbours(histories, true)
      fc.pre(pair !== undefined)
      swap(histories, ...(pair as [string, string]), 'everywhere')
      return { reorderedInKey: 1 }
    })
  })

  it('two records of a key in the wrong order for one group', () => {
    finds((histories) => {
      const pair = neighbours(histories, true)
      fc.pre(pair !== undefined)
      swap(histories, ...(pair as [string, string]), group)
      return { reorderedInKey: 1 }
    })
  })

  it('two records of different keys in another order than everybody else saw them', () => {
    finds((histories) => {
      const pair = neighbours(histories, false)
      fc.pre(pair !== undefined)
      swap(histories, ...(pair as [string, string]), group)
      return { reorderedInPartition: 1 }
    })
  })

  it('two records of different keys in another order on the two clusters', () => {
    finds((histories) => {
      const pair = neighbours(histories, false)
      fc.pre(pair !== undefined)
      swap(histories, ...(pair as [string, string]), { fullRead: 'blue' })
      return { reorderedInPartition: 1 }
    })
  })

  it('a record of an aborted transaction', () => {
    finds((histories, run) => {
      const aborted = transactionValues(histories, 'abort', 'ok')[0]?.[0]
      fc.pre(aborted !== undefined)
      insert(histories, aborted as string, middle(histories, run), 'everywhere')
      return { abortedVisible: 1 }
    })
  })

  it('a part of a transaction whose outcome nobody knows', () => {
    finds((histories) => {
      const values = transactionValues(histories, 'commit', 'unknown').find((ids) => ids.length > 1)
      fc.pre(values !== undefined)
      drop(histories, values?.[0] as string, 'everywhere')
      return { tornTransaction: 1 }
    })
  })

  it('records that the sender was told were refused', () => {
    finds((histories) => ({ deniedVisible: changeOutcome(histories, 'denied').length }))
  })

  it('a record that nobody sent', () => {
    finds((histories, run) => {
      insert(histories, 'p0:999999', middle(histories, run), 'everywhere')
      return { phantom: 1 }
    })
  })

  it('a record with other bytes', () => {
    finds((histories, run) => {
      const id = middle(histories, run)
      rename(histories, id, `!sum ${id}`, group)
      return { corrupted: 1, skipped: 1 }
    })
  })

  it('records of a topic that nobody had to read', () => {
    finds((histories) => {
      histories.push(unreadProducer())
      return { unchecked: 1 }
    })
  })
})

describe('what nobody knows', () => {
  it('may be visible or not', () => {
    fc.assert(
      fc.property(runs, fc.boolean(), (run, visible) => {
        const histories = generateHistories(run)
        const unknown = changeOutcome(histories, 'unknown')
        if (!visible) for (const id of unknown) drop(histories, id, 'everywhere')
        const verdict = check(histories, whole)
        expect(found(verdict)).toEqual({})
        expect(verdict.checked.unknown).toBeGreaterThanOrEqual(unknown.length)
        expect(verdict.errors.sends.count).toBe(unknown.length)
      }),
      { numRuns: 25 },
    )
  })
})

describe('how a verdict is told', () => {
  const run = { seed: 11, producers: 3, keys: 6, partitions: 2, groups: 3, calls: 200, maxBatch: 5 }

  it('shows the first five of each fault and how many more there are', () => {
    const histories = generateHistories(run)
    for (const id of plainValues(histories, run).slice(0, 12)) drop(histories, id, 'everywhere')
    const verdict = check(histories, whole)
    expect(verdict.faults.lost).toMatchObject({ count: 12 })
    expect(verdict.faults.lost.examples).toHaveLength(5)
    expect(verdictLines(verdict)).toContain('  and 7 more')
    expect(verdictLines(verdict)[0]).toMatch(/^FAIL: \d+ acknowledged/)
  })

  it('counts what a group was given again after its commit, and sums up for the report', () => {
    const histories = generateHistories(run)
    const again = redeliverLastBatch(histories, 'group-1', 0)
    const verdict = check(histories, whole)
    expect(verdict.checked.redeliveredAfterCommit).toBe(again)
    expect(clientStatistics(verdict)).toMatchObject({ acked: verdict.checked.acked, lost: 0, duplicated: 0, redelivered: again, reordered: 0 })
  })
})
