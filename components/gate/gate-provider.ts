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
 * inside the body loads the engine that the program itself uses (the working directory is the project's, which is this package or has it). What the
 * engine does may change; this name, and the path that it had before (`engine/run/gate.ts` of the project), stay for ever, since old states have them.
 */
export const gateProvider: pulumi.dynamic.ResourceProvider<GateInputs, GateState> = {
  // Compares with the route itself, not with stored inputs: those are old after a failed update, and a retry must not go around the gate.
  async diff(_id, olds, news) {
    const { isDeepStrictEqual } = require('node:util')
    const same = ['wiring', 'intent', 'limits'].every((name) => isDeepStrictEqual(olds[name as keyof GateInputs], news[name as keyof GateInputs]))
    const { gateIsDue } = require('node:module').createRequire(`${process.cwd()}/`)('kafka-blue-green/gate')
    return { changes: !same || (await gateIsDue(news.wiring, news.intent)) }
  },
  async create(inputs) {
    const { runGate } = require('node:module').createRequire(`${process.cwd()}/`)('kafka-blue-green/gate')
    return { id: 'gate', outs: { ...inputs, ...(await runGate(inputs.wiring, inputs.intent, inputs.limits)) } }
  },
  async update(_id, _olds, news) {
    const { runGate } = require('node:module').createRequire(`${process.cwd()}/`)('kafka-blue-green/gate')
    return { outs: { ...news, ...(await runGate(news.wiring, news.intent, news.limits)) } }
  },
}
