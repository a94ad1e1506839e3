/** The record of everything that clients saw, and the checker that tells whether it is what one Kafka cluster would have shown. */
export { type CheckOptions, check } from './checker.ts'
export { type EventOf, type History, HistoryEvent, nowNs, type SendOutcome } from './events.ts'
export { readHistories, readHistory } from './reader.ts'
export { decodeValue, encodeValue, type RecordIdentity, valueId } from './value.ts'
export { type ClientStatistics, clientStatistics, type FaultKind, faultKinds, type Tally, type Verdict, verdictLines } from './verdict.ts'
export { type LatencyMs, type ProducerWindow, type WriteWindow, type WriteWindows, writeWindows } from './windows.ts'
export { HistoryWriter, writeManifest } from './writer.ts'
