/** The parameter of AWS that a simulated fleet's route is published in. Nothing is compared when it is put: whoever comes last has it. */
import { publishedText } from '../../../engine/model/route-publication.ts'
import { Unanswered } from './events.ts'
import { routeOf, violate } from './invariants.ts'
import type { World } from './world.ts'

export interface SimulatedParameter {
  /** Every value that it had; the first is version 1. */
  readonly values: string[]
  /** Until then nobody answers there. */
  awayUntilMs: number
  /** What is asked until then is looked at then. */
  silentUntilMs: number
  /** Writes are refused until then. */
  readOnlyUntilMs: number
}

export interface ParameterVersion {
  readonly version: number
  readonly value: string
}

function present({ parameter, nowMs }: World): SimulatedParameter {
  if (parameter === null) throw new Error('this fleet publishes nothing')
  if (nowMs < parameter.awayUntilMs) throw new Unanswered('refused')
  if (nowMs < parameter.silentUntilMs) throw new Unanswered('silence', parameter.silentUntilMs)
  return parameter
}

export const parameterOperations = {
  /** @param version null: the newest */
  'get parameter': (world: World, { version }: { readonly version: number | null }): ParameterVersion => {
    const { values } = present(world)
    const number = version ?? values.length
    return { version: number, value: values[number - 1] ?? '' }
  },
  /** The version that it got. */
  'put parameter': (world: World, { value }: { readonly value: string }): number => {
    const { values, readOnlyUntilMs } = present(world)
    if (world.nowMs < readOnlyUntilMs) throw Object.assign(new Error('Rate exceeded'), { name: 'ThrottlingException' })
    return values.push(value)
  },
} as const

/** Nobody is sick any more. */
export function healParameter({ parameter }: World): void {
  if (parameter !== null) Object.assign(parameter, { awayUntilMs: 0, silentUntilMs: 0, readOnlyUntilMs: 0 })
}

/** Whether what is told there is the route of the store. */
export function isPublished(world: World): boolean {
  const route = routeOf(world)
  return world.parameter === null || (route !== null && world.parameter.values.at(-1) === publishedText(route))
}

/** I18: told when everything is at rest. */
export function checkParameter(world: World): void {
  if (isPublished(world)) return
  const told = /"epoch":(\d+)/.exec(world.parameter?.values.at(-1) ?? '')?.[1] ?? 'none'
  violate(world, 'I18', `epoch ${told} is published, while the route store says ${routeOf(world)?.epoch}`)
}
