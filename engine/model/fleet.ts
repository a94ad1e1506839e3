import { z } from 'zod'
import type { Colour } from './colour.ts'
import { KbgError } from './error.ts'

/** A fleet is one pair of colours and what connects them. Its name starts directories, groups and stack names. */
export const FleetName = z
  .string()
  .regex(/^[a-z][a-z0-9-]{0,30}$/, 'a fleet is 1 to 31 lower-case letters, digits and dashes, starting with a letter')
  .refine((name) => !/(^|-)(blue|green|traffic)$/.test(name), 'a fleet can not end in blue, green or traffic')

/** Whose route it is: a fleet's, or that of its drill. */
export const RoutedFleet = z.union([FleetName, z.templateLiteral([FleetName, '/drill'])])

/** The fleet of stacks that are named just `blue`, `green` and `traffic`. */
export const defaultFleet = 'main'

/** What a stack is: one colour, or the traffic stack that connects both. */
export const StackRole = z.enum(['blue', 'green', 'traffic'])
export type StackRole = z.infer<typeof StackRole>

export interface StackIdentity {
  readonly fleet: string
  readonly role: StackRole
}

/**
 * Reads fleet and role from a stack's name, `(<fleet>-)?(blue|green|traffic)`.
 *
 * @throws KbgError `stack-name` when the name has another form
 */
export function parseStackName(stack: string): StackIdentity {
  const match = /^(?:(.+)-)?(blue|green|traffic)$/.exec(stack)
  const fleet = match?.[1] ?? defaultFleet
  const parsed = FleetName.safeParse(fleet)
  if (!match || !parsed.success) {
    throw new KbgError('stack-name', `The stack's name says neither colour nor traffic.`, {
      facts: { observed: stack, required: '(<fleet>-)?(blue|green|traffic)' },
      remedy: 'Rename the stack, or set the config keys `fleet` and `role`.',
    })
  }
  return { fleet, role: match[2] as StackRole }
}

/** The name of a fleet's stack: the inverse of {@link parseStackName}. */
export function stackName(identity: StackIdentity): string {
  return identity.fleet === defaultFleet ? identity.role : `${identity.fleet}-${identity.role}`
}

/** Narrows a stack's role to a colour. */
export function isColour(role: StackRole): role is Colour {
  return role !== 'traffic'
}
