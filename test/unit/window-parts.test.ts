import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { windowParts } from '../../cli/report/window-parts.ts'
import type { TimelineMark } from '../../engine/model/journal.ts'

const names = ['held-published', 'held', 'fenced', 'drained', 'cut', 'decided', 'lifted', 'published'] as const

describe('windowParts', () => {
  it('splits a window at the marks', () => {
    const timeline = names.map((mark, index) => ({ mark, atMonotonicMs: 1_000 + index * 10 }))
    expect(windowParts(1_002, 1_085, timeline)).toEqual({
      beforeHoldMs: 0,
      holdMs: 8,
      fenceMs: 10,
      drainMs: 10,
      cutMs: 10,
      decideMs: 10,
      liftMs: 10,
      publishMs: 10,
      firstAckMs: 15,
    })
  })

  it('tells what passed before the hold was published from the hold', () => {
    const timeline: TimelineMark[] = [
      { mark: 'held-published', atMonotonicMs: 30 },
      { mark: 'held', atMonotonicMs: 50 },
    ]
    expect(windowParts(0, 100, timeline)).toMatchObject({ beforeHoldMs: 30, holdMs: 20, firstAckMs: 50 })
  })

  it('gives nothing to a fence that was proven while producers still flushed', () => {
    const timeline: TimelineMark[] = [
      { mark: 'fenced', atMonotonicMs: 20 },
      { mark: 'held', atMonotonicMs: 50 },
      { mark: 'published', atMonotonicMs: 90 },
    ]
    const parts = windowParts(0, 100, timeline)
    expect(parts.holdMs).toBe(50)
    expect(parts.fenceMs).toBe(0)
    expect(parts.publishMs).toBe(40)
  })

  it('always sums to the window, whatever the marks', () => {
    const mark = fc.record({ mark: fc.constantFrom(...names), atMonotonicMs: fc.double({ min: 0, max: 10_000, noNaN: true }) })
    fc.assert(
      fc.property(fc.double({ min: 0, max: 5_000, noNaN: true }), fc.double({ min: 0, max: 5_000, noNaN: true }), fc.array(mark), (from, length, timeline) => {
        const parts = Object.values(windowParts(from, from + length, timeline))
        expect(parts.every((part) => part >= 0)).toBe(true)
        expect(parts.reduce((sum, part) => sum + part, 0)).toBeCloseTo(length, 6)
      }),
    )
  })
})
