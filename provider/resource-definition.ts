/** What a resource of this provider is. One file of `resources/` holds one. */
import type { z } from 'zod'
import type { Clock } from '../engine/ports/clock.ts'
import type { Progress } from '../engine/run/progress.ts'
import type { Unknown } from './properties.ts'

/** Properties of a preview: whatever holds an unknown anywhere is {@link Unknown} as a whole. */
export type Known<T> = { readonly [Name in keyof T]: T[Name] | Unknown }

/** A property that is refused, and why: shown at that property by `pulumi preview`. */
export interface Refusal {
  /** Property path, for example `limits.holdDeadlineMs`. */
  readonly property: string
  readonly reason: string
}

/** What differs, by property path. */
export type Difference = ReadonlyMap<string, PropertyDifference>

/** How one property differs; `actual` ones differ in what was observed, not in what the program says. */
export interface PropertyDifference {
  readonly kind: 'add' | 'update' | 'delete'
  readonly of: 'input' | 'actual'
}

/** What state holds of a resource. */
export interface Stored<Inputs, Outputs> {
  readonly id: string
  readonly inputs: Inputs
  readonly outputs: Outputs
}

/** The surroundings of one operation on one resource. */
export interface Call {
  readonly clock: Clock
  /** Aborted by ^C (Pulumi's Cancel), by a signal, and when the engine is gone. */
  readonly cancelled: AbortSignal
  /** Shows an event on the resource's row, and as one line of the log. */
  readonly tell: Progress
  /** A warning on the resource. */
  readonly warn: (text: string) => void
  /** Text of several lines on the resource: a plan. */
  readonly inform: (text: string) => void
}

/**
 * A resource: what it takes, what it gives, and what is done for it. It decides nothing itself, it delegates to the engine.
 * State holds inputs and outputs together; where both have a name, the output (what was observed) stands.
 */
export interface ResourceDefinition<Inputs extends object, Outputs extends object> {
  /** Pulumi's type token, for example `kbg:index:LocalCluster`. */
  readonly type: string
  readonly description: string
  readonly inputs: z.ZodType<Inputs>
  /** How inputs are read that an older version may have stored; left out: as `inputs`. */
  readonly storedInputs?: z.ZodType<Inputs>
  readonly outputs: z.ZodType<Outputs>
  /** Whether Pulumi reads it before every update, so that a difference to what is there is seen without `refresh`. */
  readonly refreshBeforeUpdate: boolean
  /** What a running resource can't become: refused before anything is done. */
  refuseChange?(old: Inputs, wanted: Known<Inputs>): readonly Refusal[]
  /** What differs between what is and what is wanted. A resource is never replaced. */
  diff(old: Stored<Inputs, Outputs>, wanted: Known<Inputs>): Difference
  /** What creating would give; no effect. Never fails because something can't be reached. */
  previewCreate(wanted: Known<Inputs>, call: Call): Promise<Known<Outputs>>
  /** What updating would give; no effect. Never fails because something can't be reached. */
  previewUpdate(old: Stored<Inputs, Outputs>, wanted: Known<Inputs>, call: Call): Promise<Known<Outputs>>
  /** @throws EndStateReached when it exists, but not as wanted */
  create(inputs: Inputs, call: Call): Promise<{ readonly id: string; readonly outputs: Outputs }>
  /** @throws EndStateReached when it exists, but not as wanted */
  update(old: Stored<Inputs, Outputs>, inputs: Inputs, call: Call): Promise<Outputs>
  /** What is there now. Where that can't be found out: what was known, with a warning; a resource is never reported as gone. */
  read(old: Stored<Inputs, Outputs>, call: Call): Promise<{ readonly inputs: Inputs; readonly outputs: Outputs }>
  delete(old: Stored<Inputs, Outputs>, call: Call): Promise<void>
}

/**
 * The operation failed, and what is there now is known: Pulumi records it together with the error (`ErrorResourceInitFailed`),
 * where a plain error would leave the state as it was.
 */
export class EndStateReached extends Error {
  readonly id: string
  readonly outputs: object

  constructor(id: string, outputs: object, cause: Error) {
    super(cause.message, { cause })
    this.name = 'EndStateReached'
    this.id = id
    this.outputs = outputs
  }
}
