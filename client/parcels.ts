/** From a `send` to its parcels (one for each partition), and from their outcomes to what kafkajs answers. */
import type { Message, RecordMetadata } from 'kafkajs'
import type { Colour } from '../engine/model/colour.ts'
import { KbgError } from '../engine/model/error.ts'
import type { Parcel, ParcelOutcome, SendOptions } from './outbox.ts'

/** kafkajs' metadata of a written record, and the colour that it was written to. */
export type RoutedRecordMetadata = RecordMetadata & { readonly colour: Colour }

/** A record batch's share of one message beside key and value: lengths, timestamp, attributes, and room for headers. */
const messageOverheadBytes = 70

/** The messages of one partition, ready for the outbox. */
export function parcelOf(
  topic: string,
  partition: number,
  messages: readonly Message[],
  options: SendOptions,
  settle: (outcome: ParcelOutcome) => void,
): Parcel {
  const bytes = messages.reduce((sum, message) => sum + messageOverheadBytes + size(message.key) + size(message.value), 0)
  return { topic, partition, messages, bytes, options, settle, history: { tries: 0, firstTryAtMs: undefined, deniedAtMs: undefined, alone: false } }
}

function size(value: Buffer | string | null | undefined): number {
  return value === null || value === undefined ? 0 : Buffer.byteLength(value)
}

/**
 * One metadata per partition, as kafkajs answers.
 *
 * @throws the parcels' own error when all failed; KbgError `partly-written` when some did, with the first one as its cause
 */
export function collect(parcels: readonly Parcel[], outcomes: readonly ParcelOutcome[]): RoutedRecordMetadata[] {
  const failed = outcomes.filter((outcome) => outcome.kind === 'failed')
  const first = failed[0]
  if (first === undefined) return parcels.flatMap((parcel, index) => metadata(parcel, outcomes[index]))
  if (failed.length === outcomes.length) throw first.error
  const names = (kind: ParcelOutcome['kind']) => parcels.filter((_, index) => outcomes[index]?.kind === kind).map((each) => `${each.topic}-${each.partition}`)
  throw new KbgError('partly-written', 'Some partitions of this send were written, others not.', {
    facts: { written: names('written'), failed: names('failed') },
    remedy: 'Send the failed ones again, unless their own error says that their outcome is unknown.',
    cause: first.error,
  })
}

function metadata(parcel: Parcel, outcome: ParcelOutcome | undefined): RoutedRecordMetadata[] {
  if (outcome?.kind !== 'written' || parcel.options.acks === 0) return []
  const { logAppendTime, logStartOffset } = outcome.answer ?? {}
  return [
    {
      topicName: parcel.topic,
      partition: parcel.partition,
      errorCode: 0,
      ...(outcome.baseOffset === undefined ? {} : { baseOffset: outcome.baseOffset }),
      ...(logAppendTime === undefined ? {} : { logAppendTime }),
      ...(logStartOffset === undefined ? {} : { logStartOffset }),
      colour: outcome.colour,
    },
  ]
}
