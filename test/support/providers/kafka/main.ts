/**
 * A STAND-IN for `pulumi-resource-kafka`, the official plugin of @pulumi/kafka, for machines that can't download it.
 *
 * It implements the engine's ResourceProvider protocol for Topic, Acl, Quota and UserScramCredential against real brokers:
 * check, preview, create, diff, update, delete, refresh and import, secrets kept secret. It has no state of its own.
 * It doesn't serve everything that the official plugin has: OAuth and PLAINTEXT without a login are refused; AWS IAM was never tried at MSK.
 */
import { createHash } from 'node:crypto'
import { type handleUnaryCall, Server, ServerCredentials, type ServiceError, status } from '@grpc/grpc-js'
import plugin from '@pulumi/pulumi/proto/plugin_pb.js'
import services from '@pulumi/pulumi/proto/provider_grpc_pb.js'
import provider from '@pulumi/pulumi/proto/provider_pb.js'
import empty from 'google-protobuf/google/protobuf/empty_pb.js'
import struct from 'google-protobuf/google/protobuf/struct_pb.js'
import { z } from 'zod'
import { KbgError, messageOf } from '../../../../engine/model/error.ts'
import { kafkaPluginVersion } from '../../../../tools/paths.ts'
import type { Brokers } from './brokers.ts'
import type { Operations, PropertyChange } from './operations.ts'
import { ProviderConfig } from './provider-config.ts'
import { isUnknown, type Properties, revealAll } from './values.ts'

const served = () => import('./served.ts')
const cancelled = new AbortController()
let brokers: Brokers | undefined

function propertiesOf(message: struct.Struct | undefined): Properties {
  return (message?.toJavaScript() ?? {}) as Properties
}

function toStruct(properties: Properties): struct.Struct {
  return struct.Struct.fromJavaScript(properties as Parameters<typeof struct.Struct.fromJavaScript>[0])
}

/** `urn:pulumi:<stack>::<project>::<parent types>$<type>::<name>` */
function partsOf(urn: string): { readonly type: string; readonly name: string } {
  const [, , types = '', ...name] = urn.split('::')
  return { type: types.split('$').at(-1) ?? '', name: name.join('::') }
}

async function operationsFor(urn: string): Promise<Operations> {
  const { operations } = await served()
  const { type } = partsOf(urn)
  const found = operations.find((each) => each.token === type)
  if (found === undefined) {
    throw new KbgError('stand-in', `The stand-in for the Kafka plugin serves no ${type}.`, { facts: { served: operations.map((each) => each.token) } })
  }
  return found
}

function configured(): Brokers {
  if (brokers === undefined) throw new KbgError('stand-in', 'The provider was not configured.')
  return brokers
}

const kinds = {
  add: provider.PropertyDiff.Kind.ADD,
  delete: provider.PropertyDiff.Kind.DELETE,
  update: provider.PropertyDiff.Kind.UPDATE,
} as const
const replacingKinds = {
  add: provider.PropertyDiff.Kind.ADD_REPLACE,
  delete: provider.PropertyDiff.Kind.DELETE_REPLACE,
  update: provider.PropertyDiff.Kind.UPDATE_REPLACE,
} as const

function diffResponse(changes: readonly PropertyChange[]): provider.DiffResponse {
  const response = new provider.DiffResponse()
  const { DIFF_NONE, DIFF_SOME } = provider.DiffResponse.DiffChanges
  response.setChanges(changes.length === 0 ? DIFF_NONE : DIFF_SOME)
  response.setDiffsList([...new Set(changes.map((change) => change.key))])
  response.setReplacesList([...new Set(changes.filter((change) => change.replaces).map((change) => change.key))])
  // Names are fixed in Kafka: the old one has to go before its successor comes.
  response.setDeletebeforereplace(true)
  response.setHasdetaileddiff(true)
  for (const change of changes) {
    const difference = new provider.PropertyDiff()
    difference.setKind((change.replaces ? replacingKinds : kinds)[change.kind])
    response.getDetaileddiffMap().set(change.path, difference)
  }
  return response
}

function checkResponse(inputs: Properties, failures: readonly { property: string; reason: string }[]): provider.CheckResponse {
  const response = new provider.CheckResponse()
  response.setInputs(toStruct(inputs))
  response.setFailuresList(
    failures.map(({ property, reason }) => {
      const failure = new provider.CheckFailure()
      failure.setProperty(property)
      failure.setReason(reason)
      return failure
    }),
  )
  return response
}

function checkConfig(request: provider.CheckRequest): provider.CheckResponse {
  const news = propertiesOf(request.getNews())
  const known = Object.fromEntries(Object.entries(revealAll(news)).filter(([, value]) => !isUnknown(value)))
  const later = Object.keys(news).filter((key) => !(key in known))
  const parsed = z.looseObject(Object.fromEntries(Object.entries(ProviderConfig.shape).filter(([key]) => !later.includes(key)))).safeParse(known)
  const failures = parsed.success ? [] : parsed.error.issues.map((issue) => ({ property: issue.path.map(String).join('.'), reason: issue.message }))
  return checkResponse(news, failures)
}

async function configure(request: provider.ConfigureRequest): Promise<provider.ConfigureResponse> {
  const { Brokers } = await served()
  brokers = new Brokers(ProviderConfig.parse(revealAll(propertiesOf(request.getArgs()))), cancelled.signal)
  const response = new provider.ConfigureResponse()
  response.setAcceptsecrets(true)
  response.setSupportspreview(true)
  response.setAcceptoutputs(false)
  return response
}

async function check(request: provider.CheckRequest): Promise<provider.CheckResponse> {
  const suffix = createHash('sha256').update(request.getRandomseed_asU8()).digest('hex').slice(0, 7)
  const operations = await operationsFor(request.getUrn())
  const { inputs, failures } = operations.check(propertiesOf(request.getOlds()), propertiesOf(request.getNews()), partsOf(request.getUrn()).name, suffix)
  return checkResponse(inputs, failures)
}

async function create(request: provider.CreateRequest): Promise<provider.CreateResponse> {
  const response = new provider.CreateResponse()
  const inputs = propertiesOf(request.getProperties())
  if (request.getPreview()) {
    response.setProperties(toStruct(inputs))
    return response
  }
  const { id, properties } = await (await operationsFor(request.getUrn())).create(inputs, configured())
  response.setId(id)
  response.setProperties(toStruct(properties))
  return response
}

async function read(request: provider.ReadRequest): Promise<provider.ReadResponse> {
  const response = new provider.ReadResponse()
  const found = await (await operationsFor(request.getUrn())).read(request.getId(), propertiesOf(request.getProperties()), configured())
  if (found === undefined) return response // an empty id: it is gone
  response.setId(request.getId())
  response.setProperties(toStruct(found))
  response.setInputs(toStruct(found))
  return response
}

async function update(request: provider.UpdateRequest): Promise<provider.UpdateResponse> {
  const response = new provider.UpdateResponse()
  const news = propertiesOf(request.getNews())
  const properties = request.getPreview() ? news : await (await operationsFor(request.getUrn())).update(propertiesOf(request.getOlds()), news, configured())
  response.setProperties(toStruct(properties))
  return response
}

async function remove(request: provider.DeleteRequest): Promise<empty.Empty> {
  await (await operationsFor(request.getUrn())).delete(propertiesOf(request.getProperties()), configured())
  return new empty.Empty()
}

/** One method of the protocol; what it throws becomes the engine's error text. */
function method<Request, Response>(work: (request: Request) => Response | Promise<Response>): handleUnaryCall<Request, Response> {
  return (call, callback) => {
    Promise.resolve()
      .then(() => work(call.request))
      .then((response) => callback(null, response))
      .catch((error: unknown) => {
        const message = error instanceof z.ZodError ? z.prettifyError(error) : messageOf(error)
        const failure: Partial<ServiceError> = { code: status.UNKNOWN, details: message }
        callback(failure)
      })
  }
}

function pluginInfo(): plugin.PluginInfo {
  const info = new plugin.PluginInfo()
  // The SDK's version, or the CLI warns; what follows the plus sign says who answers and doesn't count in comparisons.
  info.setVersion(`${kafkaPluginVersion}+stand-in`)
  return info
}

function schemaResponse(): provider.GetSchemaResponse {
  const response = new provider.GetSchemaResponse()
  response.setSchema(JSON.stringify({ name: 'kafka', version: kafkaPluginVersion, description: 'stand-in' }))
  return response
}

function unsupported(): never {
  throw Object.assign(new Error('The stand-in for the Kafka plugin has no functions and no components.'), { code: status.UNIMPLEMENTED })
}

const server = new Server({ 'grpc.max_receive_message_length': -1, 'grpc.max_send_message_length': -1 })
server.addService(services.ResourceProviderService as unknown as Parameters<Server['addService']>[0], {
  getPluginInfo: method(pluginInfo),
  getSchema: method(schemaResponse),
  attach: method(() => new empty.Empty()),
  checkConfig: method(checkConfig),
  // Another address for the same cluster is no other cluster: nothing is replaced because its provider changed.
  diffConfig: method(() => diffResponse([])),
  configure: method(configure),
  check: method(check),
  diff: method(async (request: provider.DiffRequest) =>
    diffResponse((await operationsFor(request.getUrn())).diff(propertiesOf(request.getOlds()), propertiesOf(request.getNews()))),
  ),
  create: method(create),
  read: method(read),
  update: method(update),
  delete: method(remove),
  cancel: method(() => {
    cancelled.abort(new KbgError('cancelled', 'The update was cancelled.'))
    return new empty.Empty()
  }),
  invoke: method(unsupported),
  call: method(unsupported),
  construct: method(unsupported),
})

server.bindAsync('127.0.0.1:0', ServerCredentials.createInsecure(), (error, port) => {
  if (error) throw error
  process.stdout.write(`${port}\n`)
})

/** What is under way is told to stop and answers; then the process ends, at the latest after three seconds. */
function end(): void {
  cancelled.abort(new KbgError('cancelled', 'The update was cancelled.'))
  setTimeout(() => process.exit(0), 3_000).unref()
  server.tryShutdown(() => process.exit(0))
}
process.on('SIGINT', end)
process.on('SIGTERM', end)
// The engine holds the other end: it is gone, killed or not, when this one closes.
process.stdin.resume().on('end', end)
