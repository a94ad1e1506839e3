/** What an application says to become routed: its fleet and the route store, in the constructor or in the environment. */
import { readFileSync } from 'node:fs'
import type { KafkaConfig } from 'kafkajs'
import { z } from 'zod'
import { CredentialsFile } from '../engine/model/cluster-access.ts'
import { KbgError, messageOf } from '../engine/model/error.ts'
import { RoutedFleet } from '../engine/model/fleet.ts'

/** How to reach the config store that holds the route. Either `password`, or `credentialsFile` with the password under `username`. */
export interface RouteStoreOptions {
  /** `host:port` of each member. */
  readonly endpoints: readonly string[]
  /** Default `client`. */
  readonly username?: string
  readonly password?: string
  readonly credentialsFile?: string
  /** Certificate (PEM) of the authority that the store's certificate is by; with it there is only TLS, without it only plaintext. */
  readonly caFile?: string | undefined
}

/** kafkajs' own configuration (without need for `brokers`: they stand in the route) and where to find the route. */
export type RoutedKafkaConfig = Omit<KafkaConfig, 'brokers'> & {
  /** Ignored: each colour's brokers stand in the route. */
  readonly brokers?: KafkaConfig['brokers']
  /** Default: environment variable `KBG_FLEET`. */
  readonly fleet?: string
  /** Default: `KBG_ROUTE_STORE` (`host:port`, separated by commas), `KBG_ROUTE_STORE_CREDENTIALS` (a credentials file) and `KBG_ROUTE_STORE_CA`. */
  readonly routeStore?: RouteStoreOptions
}

/** The options, checked and complete. Holds a secret: never logged. */
export interface RouteOptions {
  readonly fleet: string
  readonly endpoints: readonly string[]
  readonly username: string
  readonly password: string
  /** Whom to trust over TLS; undefined: the store speaks plaintext. */
  readonly ca: Buffer | undefined
}

const Options = z.object({
  fleet: RoutedFleet,
  endpoints: z.array(z.string().regex(/^[^\s,]+:\d+$/, 'an endpoint is host:port')).min(1, 'at least one endpoint is needed'),
  username: z.string().min(1),
  password: z.string().min(1),
})

/**
 * Reads the route options from the configuration, then from the environment.
 *
 * @throws KbgError `route-options` with every problem at once, each with the option and the variable that sets it
 */
export function readRouteOptions(config: RoutedKafkaConfig, env: NodeJS.ProcessEnv = process.env): RouteOptions {
  const problems: string[] = []
  const username = config.routeStore?.username ?? 'client'
  const ca = readAuthority(config, env, problems)
  const parsed = Options.safeParse({
    fleet: config.fleet ?? env.KBG_FLEET ?? '',
    endpoints: config.routeStore?.endpoints ?? (env.KBG_ROUTE_STORE ?? '').split(',').filter((endpoint) => endpoint !== ''),
    username,
    password: readPassword(config, env, username, problems),
  })
  if (parsed.success && problems.length === 0) return { ...parsed.data, ca }
  const sources: Readonly<Record<string, string>> = {
    fleet: 'fleet or KBG_FLEET',
    endpoints: 'routeStore.endpoints or KBG_ROUTE_STORE',
    username: 'routeStore.username',
    password: 'routeStore.password, routeStore.credentialsFile or KBG_ROUTE_STORE_CREDENTIALS',
  }
  const fileProblems = problems.length
  for (const issue of parsed.error?.issues ?? []) {
    const option = String(issue.path[0])
    if (option === 'password' && fileProblems > 0) continue // the file's own problem says more
    problems.push(`${sources[option] ?? option}: ${option === 'password' ? 'missing' : issue.message}`)
  }
  throw new KbgError('route-options', 'This Kafka client does not know its route.', { facts: { problems } })
}

function readPassword(config: RoutedKafkaConfig, env: NodeJS.ProcessEnv, username: string, problems: string[]): string {
  if (config.routeStore?.password !== undefined) return config.routeStore.password
  const file = config.routeStore?.credentialsFile ?? env.KBG_ROUTE_STORE_CREDENTIALS
  if (file === undefined || file === '') return ''
  try {
    const password = CredentialsFile.parse(JSON.parse(readFileSync(file, 'utf8'))).passwords[username]
    if (password === undefined) problems.push(`${file}: holds no password for user ${username}`)
    return password ?? ''
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? String(error.code) : 'not a credentials file' // never its content, which parsers quote
    problems.push(`${file}: can't be read (${code})`)
    return ''
  }
}

/** Not readable is a problem, never plaintext. */
function readAuthority(config: RoutedKafkaConfig, env: NodeJS.ProcessEnv, problems: string[]): Buffer | undefined {
  const file = config.routeStore?.caFile ?? env.KBG_ROUTE_STORE_CA
  if (file === undefined || file === '') return undefined
  if (env.NODE_TLS_REJECT_UNAUTHORIZED === '0') problems.push('NODE_TLS_REJECT_UNAUTHORIZED=0 would let any certificate pass')
  try {
    return readFileSync(file)
  } catch (error) {
    problems.push(`${file}: can't be read (${error instanceof Error && 'code' in error ? String(error.code) : messageOf(error)})`)
    return undefined
  }
}

/** The part of the configuration that goes to kafkajs unchanged. */
export function kafkajsConfig(config: RoutedKafkaConfig): Omit<KafkaConfig, 'brokers'> {
  const { fleet: _fleet, routeStore: _routeStore, brokers: _brokers, ...rest } = config
  return rest
}
