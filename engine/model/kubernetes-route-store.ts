import { z } from 'zod'
import { Cidr } from './aws-network.ts'
import { isReservedUser } from './cluster-access.ts'

/** An endpoint of the route store, with where it is as a NetworkPolicy can say it. */
export interface RouteStoreEndpoint {
  readonly url: string
  readonly port: number
  readonly place: { readonly namespace: string } | { readonly cidr: string }
}

const label = '[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?'
/**
 * `etcd.platform.svc`, also with a pod's name before it, or Kubernetes' own domain behind it. Any other domain could be somebody's on the internet; where a cluster has another one, its pods find the
 * short name as well.
 */
const ofService = new RegExp(`^(?:${label}\\.){1,2}(?<namespace>${label})\\.svc(?:\\.cluster\\.local)?$`)

function endpointAt(url: string): RouteStoreEndpoint | undefined {
  const { host = '', port = '' } = /^https:\/\/(?<host>[a-z0-9.-]+):(?<port>[1-9]\d{0,4})$/.exec(url)?.groups ?? {}
  if (Number(port) > 65_535) return undefined
  const namespace = ofService.exec(host)?.groups?.namespace
  if (namespace !== undefined) return { url, port: Number(port), place: { namespace } }
  const cidr = Cidr.safeParse(`${host}/32`).data
  return cidr === undefined ? undefined : { url, port: Number(port), place: { cidr } }
}

/** Its host is a service's name or an IPv4 address: a NetworkPolicy names pods by their namespace, everything else by its address, and nothing by another name. */
const Endpoint = z.string().transform((url, context): RouteStoreEndpoint => {
  const endpoint = endpointAt(url)
  if (endpoint !== undefined) return endpoint
  const message = 'https://<service>.<namespace>.svc:<port>, or https://<IPv4 address>:<port> of something outside the cluster'
  context.issues.push({ code: 'custom', message, input: url })
  return z.NEVER
})

/** What operators log in as on the local platform, too. */
const ownUser = 'kbg'

/** An etcd that somebody runs, as a stack names it (docs/adr/0019). */
export const KubernetesRouteStore = z.strictObject({
  endpoints: z.array(Endpoint).min(1),
  /** Its password stands in the fleet's credentials file. */
  username: z
    .string()
    .min(1)
    .refine((name) => name === ownUser || !isReservedUser(name), 'the name of another login in the same credentials file')
    .default(ownUser),
  /** File with the certificate (PEM) of the authority that has signed the store's certificate. */
  caFile: z.string().min(1),
})
export type KubernetesRouteStore = z.infer<typeof KubernetesRouteStore>
