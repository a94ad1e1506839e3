import { afterEach, expect, it, vi } from 'vitest'
import { cleaningUp } from '../bench/harness/clean-up.ts'

afterEach(() => vi.restoreAllMocks())

function failing(message: string) {
  return async () => {
    throw new Error(message)
  }
}

it('cleans up in order behind the work, and returns what it returned', async () => {
  const events: string[] = []
  const result = await cleaningUp(
    async () => {
      events.push('work')
      return 7
    },
    () => events.push('one'),
    async () => events.push('two'),
  )
  expect(result).toBe(7)
  expect(events).toEqual(['work', 'one', 'two'])
})

it('throws the first error, prints the later ones, and goes on to the last step', async () => {
  const printed = vi.spyOn(console, 'error').mockImplementation(() => undefined)
  const removed = vi.fn()
  await expect(cleaningUp(failing('the work'), failing('a step'), removed)).rejects.toThrow('the work')
  expect(removed).toHaveBeenCalledOnce()
  expect(printed.mock.calls).toEqual([['Cleaning up failed too: a step']])
})

it('fails when only cleaning up failed', async () => {
  const removed = vi.fn()
  await expect(cleaningUp(async () => 7, failing('a step'), removed)).rejects.toThrow('a step')
  expect(removed).toHaveBeenCalledOnce()
})
