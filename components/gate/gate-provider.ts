import type * as pulumi from '@pulumi/pulumi'

/** The gate's inputs as JSON: they are parsed by the engine, at the door. */
interface GateInputs {
  readonly wiring: unknown
  readonly intent: unknown
  readonly limits: unknown
}
interface GateState extends GateInputs {
  readonly verdict: string
  readonly epoch: number
  readonly checks: readonly unknown[]
}

/**
 * What Pulumi runs for a gate. These methods are serialized into the stack's state, so they hold nothing but the door: `require`
 * inside the body loads the engine of the checkout that runs the update (its working directory is the project's). What the
 * engine does may change; this path stays for ever, since old states name it.
 */
export const gateProvider: pulumi.dynamic.ResourceProvider<GateInputs, GateState> = {
  // Compares with the route itself, not with stored inputs: those are old after a failed update, and a retry must not go around the gate.
  async diff(_id, olds, news) {
    const { isDeepStrictEqual } = require('node:util')
    const same = ['wiring', 'intent', 'limits'].every((name) => isDeepStrictEqual(olds[name as keyof GateInputs], news[name as keyof GateInputs]))
    const { gateIsDue } = require(`${process.cwd()}/engine/run/gate.ts`)
    return { changes: !same || (await gateIsDue(news.wiring, news.intent)) }
  },
  async create(inputs) {
    const { runGate } = require(`${process.cwd()}/engine/run/gate.ts`)
    return { id: 'gate', outs: { ...inputs, ...(await runGate(inputs.wiring, inputs.intent, inputs.limits)) } }
  },
  async update(_id, _olds, news) {
    const { runGate } = require(`${process.cwd()}/engine/run/gate.ts`)
    return { outs: { ...news, ...(await runGate(news.wiring, news.intent, news.limits)) } }
  },
}
