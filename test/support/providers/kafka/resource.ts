import type { z } from 'zod'
import type { Deadline } from '../../../../engine/ports/clock.ts'
import type { Brokers } from './brokers.ts'
import type { Properties } from './values.ts'

/** One resource type of @pulumi/kafka. Its outputs are its inputs. */
export interface ResourceType<Inputs extends Properties> {
  readonly token: string
  /** What a program may give, with the official plugin's defaults. */
  readonly schema: z.ZodObject
  /** The property that Pulumi makes up from the resource's name when the program leaves it out. */
  readonly autoNamed?: string
  /** Outputs that are secret whether or not the program said so. */
  readonly secrets: readonly string[]
  id(inputs: Inputs): string
  /** Whether a change of this property needs another resource in its place. */
  replaces(key: string, olds: Inputs, news: Inputs): boolean
  /** What Kafka says now; undefined when it isn't there. `known` is the last state, empty on an import. */
  read(id: string, known: Partial<Inputs>, brokers: Brokers, deadline: Deadline): Promise<Inputs | undefined>
  create(inputs: Inputs, brokers: Brokers, deadline: Deadline): Promise<void>
  update(olds: Inputs, news: Inputs, brokers: Brokers, deadline: Deadline): Promise<void>
  /** Deletes it; that it is gone already is no error. */
  delete(olds: Inputs, brokers: Brokers, deadline: Deadline): Promise<void>
}
