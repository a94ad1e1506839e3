/** What MSK Connect's stand-in is asked for, for two clusters of this machine: as it is planned for MSK, but for logins and addresses. */
import type { ClusterAccess } from '../../../engine/model/cluster-access.ts'
import { type Colour, otherColour } from '../../../engine/model/colour.ts'
import { mskConnectorRequest, mskConnectWorker, mskWorkerProperties } from '../../../engine/model/msk-connect.ts'
import type { MskConnectWorker } from '../../../engine/model/msk-connect-worker.ts'
import { mskColour, networkAccess } from '../msk-colour.ts'
import type { MskConnectStandIn } from './stand-in.ts'

/** A test has no two minutes for each end. */
const listLagMs = 5_000

/** Has the stand-in serve these clusters. @returns how connectors into each are asked for */
export function workersBehind(standIn: MskConnectStandIn, fleet: string, clusters: Readonly<Record<Colour, ClusterAccess>>): Record<Colour, MskConnectWorker> {
  const logins = standIn.serve(clusters)
  const side = (colour: Colour) => ({ ...mskColour(colour), iamBootstrapServers: clusters[colour].internalBootstrapServers.join(',') })
  const beside = (target: Colour): MskConnectWorker => {
    const source = otherColour(target)
    const parts = {
      ...{ pluginArn: 'arn:aws:kafkaconnect:eu-central-1:123456789012:custom-plugin/mirror/1', pluginRevision: 1, workerConfigurationRevision: 1 },
      workerConfigurationArn: standIn.addWorkerConfiguration(`into-${target}`, mskWorkerProperties(target)),
      ...{ roleArn: `arn:aws:iam::123456789012:role/into-${target}`, logGroup: `/kbg/production/${fleet}/${target}/mirror` },
    }
    const request = mskConnectorRequest(side(source), side(target), networkAccess(target), parts, ['orders'])
    const connectorConfiguration = Object.fromEntries(
      Object.entries({ ...request.connectorConfiguration, ...scram('source', logins[source]), ...scram('target', logins[target]) }).filter(
        ([key]) => !key.endsWith('.sasl.client.callback.handler.class'),
      ),
    )
    return { ...mskConnectWorker({ region: 'eu-central-1', environment: 'production', fleet }, target, { ...request, connectorConfiguration }), listLagMs }
  }
  return { blue: beside('blue'), green: beside('green') }
}

/** Brokers of this machine know no IAM. */
function scram(side: 'source' | 'target', login: string): Readonly<Record<string, string>> {
  const of = (key: string) => `${side}.cluster.${key}`
  return { [of('security.protocol')]: 'SASL_PLAINTEXT', [of('sasl.mechanism')]: 'SCRAM-SHA-512', [of('sasl.jaas.config')]: login }
}
