import { dirname } from 'node:path'
import { describe, expect, it } from 'vitest'
import { allTrespasses, importsOf, trespasses } from '../support/arrows.ts'

describe('arrows between the rooms', () => {
  it('hold in the whole project', () => {
    expect(allTrespasses(dirname(dirname(import.meta.dirname)))).toEqual([])
  })

  it('refuse an adapter in a pure room, Pulumi in the engine, and the engine in a component', () => {
    expect(trespasses('engine/gate/x.ts', "import { a } from '../adapters/kafka/a.ts'")).toHaveLength(1)
    expect(trespasses('engine/run/x.ts', "import * as pulumi from '@pulumi/pulumi'")).toHaveLength(1)
    expect(trespasses('components/gate/x.ts', "import { observe } from '../../engine/run/observe.ts'")).toHaveLength(1)
    expect(trespasses('engine/model/x.ts', "import type { Clock } from '../ports/clock.ts'")).toHaveLength(1)
    expect(trespasses('client/x.ts', "import '@pulumi/aws'")).toHaveLength(1)
  })

  it('allow what the rooms are for', () => {
    expect(trespasses('engine/run/steps/x.ts', "import { a } from '../../adapters/kafka/a.ts'\nimport { b } from '../observe.ts'")).toEqual([])
    expect(trespasses('engine/gate/x.ts', "import { z } from 'zod'\nimport type { A } from '../model/a.ts'")).toEqual([])
  })

  it('see imports over several lines, re-exports and dynamic ones', () => {
    const source = "import {\n  a,\n  b,\n} from './one.ts'\nexport type { C } from './two.ts'\nconst x = await import('./three.ts')\nimport './four.ts'"
    expect(importsOf(source)).toEqual(['./one.ts', './two.ts', './three.ts', './four.ts'])
  })
})
