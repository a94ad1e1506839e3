import type { PolicyResource } from '@pulumi/policy'
import { z } from 'zod'
import { Colour, type Colour as ColourName, colours } from '../../engine/model/colour.ts'
import { read } from './known.ts'

/** A stack's resources of one fleet. */
export interface OfFleet {
  /** null: the stack names none, or holds nothing else. */
  readonly fleet: string | null
  readonly resources: readonly PolicyResource[]
}

/**
 * A stack's resources by fleet. What stands below no component that names one belongs to every fleet: a rule judges one pair, and must see all that may concern it.
 * With one fleet or none everything is one part.
 */
export function byFleet(resources: readonly PolicyResource[]): readonly OfFleet[] {
  const ofEach = resources.map((resource) => ({ resource, fleet: said(resource, /^kbg:/, 'fleet', z.string()) }))
  const fleets = [...new Set(ofEach.flatMap(({ fleet }) => fleet ?? []))].sort()
  if (fleets.length < 2) return [{ fleet: null, resources }]
  return fleets.map((fleet) => ({
    fleet,
    resources: ofEach.filter((each) => each.fleet === undefined || each.fleet === fleet).map(({ resource }) => resource),
  }))
}

/** Resources by the colour that they stand below, and those that stand below none; fewer than two colours in the stack: everything is one part. */
export function byColour(resources: readonly PolicyResource[]): readonly (readonly PolicyResource[])[] {
  const parts = colours.map((colour) => ofColour(resources, colour)).filter(({ length }) => length > 0)
  return parts.length < 2 ? [resources] : [...parts, ofColour(resources, undefined)]
}

/** Resources that stand below a colour's component; undefined: below none. */
export function ofColour(resources: readonly PolicyResource[], colour: ColourName | undefined): readonly PolicyResource[] {
  return resources.filter((resource) => said(resource, /^kbg:cluster:/, 'colour', Colour) === colour)
}

/** What the nearest of these kinds above a resource, or it itself, says under a name. */
function said<T>(resource: PolicyResource, kind: RegExp, name: 'fleet' | 'colour', schema: z.ZodType<T>): T | undefined {
  for (let each: PolicyResource | undefined = resource; each !== undefined; each = each.parent) {
    const known = kind.test(each.type) ? read(each, name, schema) : undefined
    if (known?.kind === 'known') return known.value
  }
  return undefined
}
