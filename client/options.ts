/** What an application says to become routed: its fleet and the route store, in the constructor or in the environment. */
import { readFileSync } from 'node:fs'
import type { KafkaConfig } from 'kafkajs'
import { z } from 'zod'
import { CredentialsFile } from '../engine/model/cluster-access.ts'
import { KbgError, messageOf } from '../engine/model/error.ts'
import { RoutedFleet } from '../engine/model/fleet.ts'
import { RouteParameter, routeParameterName } from '../engine/model/route-publication.ts'

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

/** Where the route is published, for a program that can't reach the route store. Credentials are those of the AWS chain. */
export interface RouteParameterOptions {
  readonly region: string
  /** Default: `/kbg/<fleet>/route`. */
  readonly name?: string
  /** 250 to 10,000; default 1,000. Each client asks so often: an account's share is 40 answers a second, unless higher throughput is switched on. */
  readonly pollIntervalMs?: number
}

/** kafkajs' own configuration (without need for `brokers`: they stand in the route) and where to find the route. */
export type RoutedKafkaConfig = Omit<KafkaConfig, 'brokers'> & {
  /** Ignored: each colour's brokers stand in the route. */
  readonly brokers?: KafkaConfig['brokers']
  /** Default: environment variable `KBG_FLEET`. */
  readonly fleet?: string
  /** Default: `KBG_ROUTE_STORE` (`host:port`, separated by commas), `KBG_ROUTE_STORE_CREDENTIALS` (a credentials file) and `KBG_ROUTE_STORE_CA`. */
  readonly routeStore?: RouteStoreOptions
  /** Instead of the route store. Default: `KBG_ROUTE_REGION`, `KBG_ROUTE_PARAMETER` and `KBG_ROUTE_POLL_MS`, where no store is named. */
  readonly routeParameter?: RouteParameterOptions
}

/** The options, checked and complete. May hold a secret: never logged. */
export interface RouteOptions {
  readonly fleet: string
  readonly from: ({ readonly kind: 'store' } & Omit<StoreOptions, 'fleet'>) | ({ readonly kind: 'parameter' } & Omit<ParameterOptions, 'fleet'>)
}

/** A route that is read from the route store. */
export interface StoreOptions {
  readonly fleet: string
  readonly endpoints: readonly string[]
  readonly username: string
  readonly password: string
  /** Whom to trust over TLS; undefined: the store speaks plaintext. */
  readonly ca: Buffer | undefined
}

/** A route that is read where it is published. */
export interface ParameterOptions extends RouteParameter {
  readonly fleet: string
}

const Store = z.object({
  fleet: RoutedFleet,
  endpoints: z.array(z.string().regex(/^[^\s,]+:\d+$/, 'an endpoint is host:port')).min(1, 'at least one endpoint is needed'),
  username: z.string().min(1),
  password: z.string().min(1),
})
const Parameter = z.object({ fleet: RoutedFleet, ...RouteParameter.shape })

/** Which option, and which variable, sets what is refused. */
const sources: Readonly<Record<string, string>> = {
  fleet: 'fleet or KBG_FLEET',
  endpoints: 'routeStore.endpoints or KBG_ROUTE_STORE',
  username: 'routeStore.username',
  password: 'routeStore.password, routeStore.credentialsFile or KBG_ROUTE_STORE_CREDENTIALS',
  region: 'routeParameter.region or KBG_ROUTE_REGION',
  name: 'routeParameter.name or KBG_ROUTE_PARAMETER',
  pollIntervalMs: 'routeParameter.pollIntervalMs or KBG_ROUTE_POLL_MS',
}

/**
 * Reads the route options from the configuration, then from the environment.
 *
 * @throws KbgError `route-options` with every problem at once, each with the option and the variable that sets it
 */
export function readRouteOptions(config: RoutedKafkaConfig, env: NodeJS.ProcessEnv = process.env): RouteOptions {
  const problems: string[] = []
  if (config.routeStore !== undefined && config.routeParameter !== undefined)
    problems.push('routeStore, routeParameter: only one of both; the store where it can be reached')
  const isPolled = config.routeStore === undefined && (config.routeParameter !== undefined || (!env.KBG_ROUTE_STORE && !!env.KBG_ROUTE_REGION))
  const fleet = config.fleet ?? env.KBG_FLEET ?? ''
  const options = isPolled ? readParameter(fleet, config, env, problems) : readStore(fleet, config, env, problems)
  if (options !== undefined && problems.length === 0) return options
  throw new KbgError('route-options', 'This Kafka client does not know its route.', { facts: { problems } })
}

function readParameter(
  fleet: string,
  { routeParameter = { region: '' } }: RoutedKafkaConfig,
  env: NodeJS.ProcessEnv,
  problems: string[],
): RouteOptions | undefined {
  const polls = env.KBG_ROUTE_POLL_MS ? Number(env.KBG_ROUTE_POLL_MS) : undefined
  const parsed = Parameter.safeParse({
    fleet,
    region: routeParameter.region || env.KBG_ROUTE_REGION || '',
    name: routeParameter.name ?? (env.KBG_ROUTE_PARAMETER || routeParameterName(fleet)),
    pollIntervalMs: routeParameter.pollIntervalMs ?? polls,
  })
  if (!parsed.success) {
    problems.push(...parsed.error.issues.map((issue) => `${sources[String(issue.path[0])] ?? issue.path.join('.')}: ${issue.message}`))
    return undefined
  }
  const { fleet: own, ...parameter } = parsed.data
  return { fleet: own, from: { kind: 'parameter', ...parameter } }
}

function readStore(fleet: string, config: RoutedKafkaConfig, env: NodeJS.ProcessEnv, problems: string[]): RouteOptions | undefined {
  const username = config.routeStore?.username ?? 'client'
  const ca = readAuthority(config, env, problems)
  const parsed = Store.safeParse({
    fleet,
    endpoints: config.routeStore?.endpoints ?? (env.KBG_ROUTE_STORE ?? '').split(',').filter((endpoint) => endpoint !== ''),
    username,
    password: readPassword(config, env, username, problems),
  })
  if (parsed.success) {
    const { fleet: own, ...store } = parsed.data
    return { fleet: own, from: { kind: 'store', ...store, ca } }
  }
  const fileProblems = problems.length
  for (const issue of parsed.error.issues) {
    const option = String(issue.path[0])
    if (option === 'password' && fileProblems > 0) continue // the file's own problem says more
    problems.push(`${sources[option] ?? option}: ${option === 'password' ? 'missing' : issue.message}`)
  }
  return undefined
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
  const { fleet: _fleet, routeStore: _routeStore, routeParameter: _routeParameter, brokers: _brokers, ...rest } = config
  return rest
}
