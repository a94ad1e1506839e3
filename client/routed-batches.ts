/** What kafkajs hands over, as a routed consumer's handlers get it: with its colour, nothing begun once the group is held, and nothing counted that wasn't processed. */
import type { Batch, ConsumerRunConfig, EachBatchPayload, EachMessagePayload } from 'kafkajs'
import type { Colour } from '../engine/model/colour.ts'
import type { BatchGate } from './batch-gate.ts'

/** kafkajs' payload, and the colour that the message was read from. */
export type RoutedEachMessagePayload = EachMessagePayload & { readonly colour: Colour }
/** kafkajs' payload, and the colour that the batch was read from (on the payload and on the batch). */
export type RoutedEachBatchPayload = Omit<EachBatchPayload, 'batch'> & { readonly colour: Colour; readonly batch: Batch & { readonly colour: Colour } }

/** kafkajs' run configuration with routed payloads. */
export type RoutedConsumerRunConfig = Omit<ConsumerRunConfig, 'eachMessage' | 'eachBatch'> & {
  eachMessage?: (payload: RoutedEachMessagePayload) => Promise<void>
  eachBatch?: (payload: RoutedEachBatchPayload) => Promise<void>
}

/** One joining of a group, as its batches ask for it. */
export interface Joining {
  readonly colour: Colour
  /** Closed while the group is being left. */
  readonly gate: BatchGate
  /** Whether it hasn't been left. */
  readonly isCurrent: () => boolean
  /** Ends what still reads for a joining that has been left. */
  readonly turnAway: () => void
  readonly isPaused: (topic: string, partition: number) => boolean
}

/** kafkajs' configuration of a run whose handlers are the application's. */
export function routedRunConfig(config: RoutedConsumerRunConfig, joining: Joining): ConsumerRunConfig {
  const { eachMessage, eachBatch, eachBatchAutoResolve, ...rest } = config
  const { colour, gate } = joining
  const handle = async (payload: EachBatchPayload) => {
    const { batch } = payload
    if (!joining.isCurrent()) return joining.turnAway()
    if (eachMessage !== undefined) return await handOverMessages(joining, payload, eachMessage, config.autoCommit ?? true)
    if (eachBatch === undefined) return
    let toldToStop = false
    const isRunning = () => {
      if (!gate.closing && payload.isRunning()) return true
      toldToStop = true
      return false
    }
    await eachBatch({ ...payload, colour, batch: Object.assign(batch, { colour }), isRunning })
    // kafkajs would resolve the whole batch even for a handler that stopped in the middle because it was told to: records would be skipped.
    if (eachBatchAutoResolve !== false && !toldToStop) payload.resolveOffset(batch.lastOffset())
  }
  return { ...rest, eachBatchAutoResolve: false, eachBatch: (payload) => gate.enter(() => handle(payload)) }
}

/** As kafkajs does for `eachMessage`, but a message that was not begun when the group is held is neither processed nor counted as processed. */
async function handOverMessages(
  { colour, gate, isPaused }: Joining,
  payload: EachBatchPayload,
  eachMessage: NonNullable<RoutedConsumerRunConfig['eachMessage']>,
  autoCommit: boolean,
): Promise<void> {
  const { topic, partition, messages } = payload.batch
  for (const message of messages) {
    if (gate.closing || !payload.isRunning() || payload.isStale()) return
    await eachMessage({ topic, partition, message, colour, heartbeat: payload.heartbeat, pause: payload.pause })
    payload.resolveOffset(message.offset)
    await payload.heartbeat()
    if (autoCommit) await payload.commitOffsetsIfNecessary()
    if (isPaused(topic, partition)) return
  }
}
