import { z } from 'zod'
import { Colour } from './colour.ts'
import { KbgError } from './error.ts'

/** Where the certificate (PEM) of the authority stands that the other side's certificate has to be by. With it there is only TLS, from 1.2 on, without it only plaintext. */
export const CaFile = z.string().min(1)

/** How a user logs in; the password stands in the credentials file under the name. */
export const Login = z.strictObject({
  username: z.string().min(1),
  mechanism: z.enum(['PLAIN', 'SCRAM-SHA-256', 'SCRAM-SHA-512']).default('SCRAM-SHA-512'),
})
export type Login = z.infer<typeof Login>

/** An IAM role's login at MSK. Which role it is, the process's own AWS credentials say; there is no user and no password. */
export const IamLogin = z.strictObject({ mechanism: z.literal('AWS_MSK_IAM'), region: z.string().min(1) })
export type IamLogin = z.infer<typeof IamLogin>

/** Who this project is on a cluster that it didn't provision, and who else there is no application. */
export const ClusterUsers = z.strictObject({
  /** Super user: observes, fences, writes group offsets. */
  operator: z.union([IamLogin, Login]),
  /** Super user: Kafka Connect and its connectors. A role is that of the connectors on MSK Connect, and nobody here can log in as it. */
  mirror: z.union([IamLogin, Login]),
  /** No super user: only a fence refuses it. */
  probe: Login,
  /** The cluster's own users (brokers, administrators): they exist on this colour only. */
  others: z.array(z.string().min(1)).default([]),
})
export type ClusterUsers = z.infer<typeof ClusterUsers>

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
  /** Left out: the platform made {@link platformUsers}. */
  users: ClusterUsers.optional(),
})
export type ClusterAccess = z.infer<typeof ClusterAccess>

/** Passwords by user name. The platform's own users are `admin` (PLAIN on the internal listener), `operator`, `mirror`, `probe`, `audit` (SCRAM-SHA-512); the others are the catalog's. */
export const CredentialsFile = z.strictObject({
  version: z.literal(1),
  passwords: z.record(z.string(), z.string().min(8)),
})
export type CredentialsFile = z.infer<typeof CredentialsFile>

/** A credentials file's text; undefined instead of an error, because a JSON parser's would quote the text, and with it passwords. */
export function parseCredentials(text: string): CredentialsFile | undefined {
  try {
    return CredentialsFile.safeParse(JSON.parse(text)).data
  } catch {
    return undefined
  }
}

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
  /** No super user, SCRAM, on Kubernetes alone: reads records for the audit ({@link auditRights}), which elsewhere logs in as the operator. The audit's own HTTP service knows it too. */
  audit: 'audit',
} as const

/** What it takes to compare records: it reads those of the catalog's topics, and looks at every topic. */
export const auditRights = { ofCatalog: ['Read'], ofEvery: ['Describe', 'DescribeConfigs'] } as const

/** Who logs in at a colour for this project. `admin` is there before any SCRAM user is; a cluster that wasn't provisioned here has no such user and none for the audit, and the operator stands in. */
export function loginOf(access: Pick<ClusterAccess, 'users'>, as: 'probe'): Login
export function loginOf(access: Pick<ClusterAccess, 'users'>, as: keyof typeof platformUsers): Login | IamLogin
export function loginOf({ users }: Pick<ClusterAccess, 'users'>, as: keyof typeof platformUsers): Login | IamLogin {
  if (users !== undefined) return users[as === 'admin' || as === 'audit' ? 'operator' : as]
  return { username: platformUsers[as], mechanism: as === 'admin' ? 'PLAIN' : 'SCRAM-SHA-512' }
}

/**
 * The mirror's user, for whoever logs in as it by password.
 * @throws KbgError `mirror-role` where it is an IAM role: that is its connectors' own
 */
export function mirrorUserOf(access: Pick<ClusterAccess, 'colour' | 'users'>): Login {
  const login = loginOf(access, 'mirror')
  if (login.mechanism !== 'AWS_MSK_IAM') return login
  throw new KbgError('mirror-role', `The mirror's login at ${access.colour} is an IAM role, and this needs a user with a password.`, {
    facts: { observed: login.mechanism, required: Login.shape.mechanism.unwrap().options },
    remedy:
      'Only connectors on MSK Connect log in as a role, each as its own: a process can neither use nor try it. Name a user for the mirror where it is a worker.',
  })
}

/** Users of a colour that are no applications: they needn't be on the other one. */
export function ownUsersOf({ users }: Pick<ClusterAccess, 'users'>): readonly string[] {
  if (users === undefined) return [...Object.values(platformUsers), 'broker']
  const logins = [users.operator, users.mirror, users.probe]
  return [...new Set(logins.flatMap((login) => ('username' in login ? [login.username] : []))), ...users.others]
}

/** {@link ownUsersOf} both colours, where one of them was adopted; where the platform made the same users on both, those are compared like any other. */
export function ownUsersApart(clusters: Readonly<Record<Colour, Pick<ClusterAccess, 'users'>>>): Readonly<Record<Colour, readonly string[]>> {
  const { blue, green } = clusters
  const isApart = blue.users !== undefined || green.users !== undefined
  return isApart ? { blue: ownUsersOf(blue), green: ownUsersOf(green) } : { blue: [], green: [] }
}

/** Whether a name is one of this project's own logins, which share a credentials file with the catalog's users. */
export function isReservedUser(user: string): boolean {
  return [...Object.values<string>(platformUsers), 'broker', 'connect', 'kbg', 'client', 'etcd-root', 'ANONYMOUS'].includes(user)
}

/** Topic that the probe's canary record goes to; one for each colour, so that copying both ways can't loop. */
export function canaryTopic(colour: Colour): string {
  return `kbg.canary.${colour}`
}
