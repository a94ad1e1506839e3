import { unknownValue } from '../properties.ts'
import type { Known, Refusal } from '../resource-definition.ts'

/** Refuses that a resource with data changes hands: each of these inputs names whose it is. @param instead what leads to where the change wants to go */
export function refuseOtherOwner<Inputs extends object>(
  old: Inputs,
  wanted: Known<Inputs>,
  names: readonly (keyof Inputs & string)[],
  instead = 'create another one',
): readonly Refusal[] {
  return names
    .filter((name) => wanted[name] !== unknownValue && wanted[name] !== old[name])
    .map((name) => ({
      property: name,
      reason: `It belongs to ${name} ${String(old[name])} and can't be given to ${String(wanted[name])}; ${instead}.`,
    }))
}
