/** The words of `npm run chaos`. */
import { expect, test } from 'vitest'
import { orderOf } from '../chaos/order.ts'

const of = (words: string) => orderOf(words === '' ? [] : words.split(' '), '/out')

test('each word has its order', () => {
  expect(of('audit --long --seed 3')).toEqual({ what: 'audit', isLong: true, seed: 3 })
  expect(of('pulumi')).toEqual({ what: 'pulumi', cells: 12, writeDocs: false })
  expect(of('pulumi --cells 2 --write-docs')).toEqual({ what: 'pulumi', cells: 2, writeDocs: true })
  expect(of('--minutes 40')).toEqual({ what: 'soak', form: { minutes: 40, seed: 1, rounds: null, kinds: null }, outDir: '/out', writeDocs: false })
  expect(of('--minutes 1 --kinds kills')).toMatchObject({
    form: { kinds: ['orchestrator', 'connect', 'broker', 'etcd', 'guardian'].map((each) => `kill-${each}`) },
  })
  expect(of('--minutes 0.5 --seed 9 --rounds 2 --kinds abort,partition --out /elsewhere --write-docs')).toEqual({
    ...{ what: 'soak', form: { minutes: 0.5, seed: 9, rounds: 2, kinds: ['abort', 'partition'] }, outDir: '/elsewhere', writeDocs: true },
  })
})

test.each([
  ...['', 'clusters', 'audit --seed x', 'audit --short', 'audit --minutes 1', 'pulumi --cells 13', 'pulumi --cells 0', 'pulumi --seed 1'],
  ...[
    '--minutes 0',
    '--minutes x',
    '--minutes',
    '--minutes 1 --kinds kill-cat',
    '--minutes 1 --rounds 0',
    '--minutes 1 --seed 1.5',
    '--seed 1',
    '--minutes 1 audit',
  ],
])('`%s` is none', (words) => {
  expect(of(words)).toBeUndefined()
})
