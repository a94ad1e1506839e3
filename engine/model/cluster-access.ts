import { z } from 'zod'
import { Colour } from './colour.ts'

/** Where the certificate (PEM) of the authority stands that the other side's certificate has to be by. With it there is only TLS, from 1.2 on, without it only plaintext. */
export const CaFile = z.string().min(1)

/**
 * How this project's own processes reach a colour. Credentials are a reference, never a value: a file (mode 0600) that holds a {@link CredentialsFile}.
 */
export const ClusterAccess = z.strictObject({
  colour: Colour,
  clusterId: z.string().min(1),
  kafkaVersion: z.string().min(1),
  /** `host:port`, one for each broker, of the listener for operators, mirror and brokers. */
  internalBootstrapServers: z.array(z.string()).min(1),
  produceBootstrapServers: z.array(z.string()).min(1),
  consumeBootstrapServers: z.array(z.string()).min(1),
  credentialsFile: z.string().min(1),
  caFile: CaFile.optional(),
})
export type ClusterAccess = z.infer<typeof ClusterAccess>

/** Passwords by user name. The platform's own users are `admin` (PLAIN on the internal listener), `operator`, `mirror`, `probe` (SCRAM-SHA-512); the others are the catalog's. */
export const CredentialsFile = z.strictObject({
  version: z.literal(1),
  passwords: z.record(z.string(), z.string().min(8)),
})
export type CredentialsFile = z.infer<typeof CredentialsFile>

/** Users that this project creates for itself on every colour. */
export const platformUsers = {
  /** Super user, SASL/PLAIN, internal listener only: makes the SCRAM users. */
  admin: 'admin',
  /** Super user, SCRAM: observes, fences, writes group offsets. */
  operator: 'operator',
  /** Super user, SCRAM: Kafka Connect and its connectors; no fence stops it. */
  mirror: 'mirror',
  /** No super user; has ALLOW Write on every topic, so that only a fence refuses it. */
  probe: 'probe',
} as const

/** Topic that the probe's canary record goes to; one for each colour, so that copying both ways can't loop. */
export function canaryTopic(colour: Colour): string {
  return `kbg.canary.${colour}`
}
