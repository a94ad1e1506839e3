/** Which certificates of a fleet end soon: nothing renews one while its process runs, so somebody has to be told before no client takes it any more. */
import { X509Certificate } from 'node:crypto'
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { endsSoon, issuesNotMuchLonger } from '../../model/certificate-plan.ts'
import { colours } from '../../model/colour.ts'
import { keystoreNames } from './certificates.ts'
import { findProcess } from './process.ts'
import { caFile, colourDirectory, trafficDirectory } from './state.ts'

/**
 * A line for each process of the fleet that runs with a certificate that ends within a month, and one for an authority that will not issue for much longer. A fleet without TLS has none.
 *
 * @param nowMs milliseconds since 1970
 */
export function certificatesEndingSoon(projectRoot: string, fleet: string, nowMs: number): readonly string[] {
  const authority = endOf(caFile(projectRoot, fleet))
  if (authority === null) return []
  const ending = runningWith(projectRoot, fleet).flatMap(({ directory, certificate }) => {
    const end = endOf(join(directory, certificate))
    if (end === null || !endsSoon(end.getTime(), nowMs)) return []
    return [
      `The certificate of the process in ${directory} ends at ${end.toISOString()}; then no client takes it. End it before, and \`pulumi up\` of its stack starts it with a new one.`,
    ]
  })
  if (!issuesNotMuchLonger(authority.getTime(), nowMs)) return ending
  return [
    ...ending,
    `The certificate authority of ${fleet} ends at ${authority.toISOString()}, and issues nothing that would outlive it: make a new fleet in time.`,
  ]
}

/** The processes that live, each with where its certificate stands (PEM). */
function runningWith(projectRoot: string, fleet: string): readonly { readonly directory: string; readonly certificate: string }[] {
  const below = (parent: string, prefix: string) =>
    (existsSync(parent) ? readdirSync(parent) : []).flatMap((name) => (name.startsWith(prefix) ? [join(parent, name)] : []))
  const traffic = trafficDirectory(projectRoot, fleet)
  const nodes = colours.flatMap((colour) => below(colourDirectory(projectRoot, fleet, colour), 'node-'))
  const listening = [
    ...[...nodes, join(traffic, 'etcd')].map((directory) => ({ directory, certificate: keystoreNames.pem, pid: 'pid' })),
    ...below(traffic, 'connect-').map((directory) => ({ directory, certificate: join('secrets', keystoreNames.restCertificate), pid: 'worker.pid' })),
  ]
  return listening.filter(({ directory, pid }) => findProcess(join(directory, pid)) !== undefined)
}

/** null: there is none. */
function endOf(file: string): Date | null {
  return existsSync(file) ? new X509Certificate(readFileSync(file)).validToDate : null
}
