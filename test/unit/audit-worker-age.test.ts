import fc from 'fast-check'
import { expect, test } from 'vitest'
import { WatermarkAge } from '../../engine/audit/watermark-age.ts'

test('is unknown until the watermark was the end of both logs', () => {
  const age = new WatermarkAge({ blue: 0n, green: 0n })
  expect(age.ageMs(100)).toBeNull()
  age.saw('blue', 0n, 10)
  expect(age.ageMs(100)).toBeNull()
  age.saw('green', 5n, 20)
  expect(age.ageMs(100)).toBeNull()
  age.reached({ blue: 0n, green: 5n })
  expect(age.ageMs(100)).toBe(90)
})

test('of idle logs stays as fresh as the last answers', () => {
  const age = new WatermarkAge({ blue: 7n, green: 3n })
  for (let atMs = 0; atMs < 1_000; atMs += 100) {
    age.saw('blue', 7n, atMs)
    age.saw('green', 3n, atMs + 50)
    expect(age.ageMs(atMs + 60)).toBe(60)
  }
})

test('of a log whose record waits for its copy grows, and counts from the fetch that had seen it', () => {
  const age = new WatermarkAge({ blue: 7n, green: 3n })
  age.saw('blue', 7n, 0)
  age.saw('green', 3n, 0)
  age.saw('blue', 8n, 100)
  age.saw('blue', 9n, 200)
  age.saw('green', 3n, 300)
  expect(age.ageMs(300)).toBe(300)
  age.reached({ blue: 8n, green: 4n })
  expect(age.ageMs(300)).toBe(200)
  age.reached({ blue: 9n, green: 5n })
  expect(age.ageMs(300)).toBe(100)
})

interface Step {
  readonly blue: boolean
  readonly grows: number
  readonly reaches: number
}

test('is never less than by looking at every sighting, and the same unless there are very many', () => {
  const step = fc.record({ blue: fc.boolean(), grows: fc.nat({ max: 3 }), reaches: fc.nat({ max: 3 }) })
  const ages = (steps: readonly Step[]) => {
    const age = new WatermarkAge({ blue: 0n, green: 0n })
    const sightings = { blue: [] as { end: bigint; atMs: number }[], green: [] as { end: bigint; atMs: number }[] }
    const [ends, watermark] = [{ blue: 0n, green: 0n }, { blue: 0n, green: 0n }] // biome-ignore format: one line
    let nowMs = 0
    return steps.map(({ blue, grows, reaches }) => {
      const colour = blue ? 'blue' : 'green'
      nowMs += 10
      ends[colour] += BigInt(grows)
      age.saw(colour, ends[colour], nowMs)
      sightings[colour].push({ end: ends[colour], atMs: nowMs })
      const goal = watermark[colour] + BigInt(reaches)
      watermark[colour] = goal < ends[colour] ? goal : ends[colour]
      age.reached(watermark)
      const latest = (side: 'blue' | 'green') => sightings[side].findLast(({ end }) => end <= watermark[side])?.atMs
      const [onBlue, onGreen] = [latest('blue'), latest('green')]
      const naive = onBlue === undefined || onGreen === undefined ? null : nowMs - Math.min(onBlue, onGreen)
      return { naive, found: age.ageMs(nowMs) }
    })
  }
  fc.assert(
    fc.property(fc.array(step, { maxLength: 100 }), (steps) => {
      for (const { naive, found } of ages(steps)) expect(found).toBe(naive)
    }),
  )
  fc.assert(
    fc.property(fc.array(step, { minLength: 400, maxLength: 600 }), (steps) => {
      for (const { naive, found } of ages(steps)) if (found !== null) expect(found).toBeGreaterThanOrEqual(naive ?? Number.POSITIVE_INFINITY)
    }),
    { numRuns: 20 },
  )
})
