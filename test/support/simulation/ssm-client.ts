/** The real adapter of a parameter, over a client with the part of the SDK's interface that it is written for. */
import { GetParameterCommand, PutParameterCommand, type SSMClient } from '@aws-sdk/client-ssm'
import { ssmPublication } from '../../../engine/adapters/aws/ssm-publication.ts'
import { routeParameterName } from '../../../engine/model/route-publication.ts'
import type { RoutePublication } from '../../../engine/ports/route-publication.ts'
import type { Actor } from './actor.ts'
import { fleet } from './names.ts'

export function publicationOf(actor: Actor): RoutePublication {
  const parameter = { region: 'eu-central-1', name: routeParameterName(fleet), pollIntervalMs: 1_000 }
  return ssmPublication(parameter, fleet, clientOf(actor))
}

function clientOf(actor: Actor): SSMClient {
  const send = async (command: unknown) => {
    if (command instanceof PutParameterCommand) return { Version: await actor.call('put parameter', { value: command.input.Value ?? '' }) }
    if (!(command instanceof GetParameterCommand)) throw new Error('a command that the simulation does not know')
    const [, version] = (command.input.Name ?? '').split(':')
    const answer = await actor.call('get parameter', { version: version === undefined ? null : Number(version) })
    return { Parameter: { Version: answer.version, Value: answer.value } }
  }
  return { send, destroy: () => undefined } as unknown as SSMClient
}
