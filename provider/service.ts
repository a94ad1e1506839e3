/** Pulumi's ResourceProviderService (proto/pulumi/provider.proto), delegating to resource handlers. */
import grpc from '@grpc/grpc-js'
import pluginPb from '@pulumi/pulumi/proto/plugin_pb.js'
import providerPb from '@pulumi/pulumi/proto/provider_pb.js'
import emptyPb from 'google-protobuf/google/protobuf/empty_pb.js'
import type structPb from 'google-protobuf/google/protobuf/struct_pb.js'
import { systemClock } from '../engine/ports/clock.ts'
import type { EngineLog } from './engine-log.ts'
import { failureOf, unimplemented } from './failure.ts'
import { decodeProperties, encodeProperties, type PropertyMap } from './properties.ts'
import type { Call, Difference, Refusal } from './resource-definition.ts'
import type { ResourceHandler, StoredProperties } from './resource-handler.ts'
import type { RunningCalls } from './running-calls.ts'

/** What the service works with. */
export interface ServiceParts {
  readonly version: string
  /** Loads the handler of a type token; undefined when there is none of that name. */
  readonly handler: (type: string) => Promise<ResourceHandler | undefined>
  readonly schema: string
  readonly log: EngineLog
  readonly calls: RunningCalls
}

type Unary<Request, Response> = grpc.handleUnaryCall<Request, Response>
/** What every request about a resource has. */
interface ResourceRequest {
  getUrn(): string
}

/** The service's methods; those that aren't here answer UNIMPLEMENTED. */
export function providerService(parts: ServiceParts): grpc.UntypedServiceImplementation {
  return {
    getPluginInfo: answer(() => new pluginPb.PluginInfo().setVersion(parts.version)),
    getSchema: answer(() => {
      const response = new providerPb.GetSchemaResponse()
      response.setSchema(parts.schema)
      return response
    }),
    checkConfig: answer((request: providerPb.CheckRequest) => new providerPb.CheckResponse().setInputs(request.getNews())),
    diffConfig: answer(() => new providerPb.DiffResponse().setChanges(providerPb.DiffResponse.DiffChanges.DIFF_NONE)),
    configure: answer(() => new providerPb.ConfigureResponse().setAcceptsecrets(true).setSupportspreview(true)),
    cancel: answer(() => {
      parts.calls.cancel('Pulumi was interrupted')
      return new emptyPb.Empty()
    }),
    ...resourceMethods(parts),
  }
}

function resourceMethods(parts: ServiceParts): grpc.UntypedServiceImplementation {
  return {
    check: onResource(parts, async (handler, request: providerPb.CheckRequest) => {
      const news = decodeProperties(request.getNews())
      const old = request.getOlds() === undefined ? undefined : decodeProperties(request.getOlds()).values
      const { inputs, refusals } = handler.check(old, news.values)
      return new providerPb.CheckResponse().setInputs(encodeProperties(inputs, news.secretNames)).setFailuresList(refusals.map(checkFailure))
    }),
    diff: onResource(parts, async (handler, request: providerPb.DiffRequest) =>
      diffResponse(handler.diff(storedOf(request.getId(), request.getOldInputs(), request.getOlds()), decodeProperties(request.getNews()).values)),
    ),
    create: onResource(parts, async (handler, request: providerPb.CreateRequest, call) => {
      const news = decodeProperties(request.getProperties())
      const created = request.getPreview()
        ? { id: '', properties: await handler.previewCreate(news.values, call) }
        : await effect(parts, () => handler.create(news.values, call))
      return new providerPb.CreateResponse()
        .setId(created.id)
        .setProperties(encodeProperties(created.properties, news.secretNames))
        .setRefreshBeforeUpdate(handler.refreshBeforeUpdate)
    }),
    update: onResource(parts, async (handler, request: providerPb.UpdateRequest, call) => {
      const old = storedOf(request.getId(), request.getOldInputs(), request.getOlds())
      const news = decodeProperties(request.getNews())
      const properties = request.getPreview()
        ? await handler.previewUpdate(old, news.values, call)
        : await effect(parts, () => handler.update(old, news.values, call))
      return new providerPb.UpdateResponse().setProperties(encodeProperties(properties, news.secretNames)).setRefreshBeforeUpdate(handler.refreshBeforeUpdate)
    }),
    read: onResource(parts, async (handler, request: providerPb.ReadRequest, call) => {
      const { secretNames } = decodeProperties(request.getInputs())
      const found = await handler.read(storedOf(request.getId(), request.getInputs(), request.getProperties()), call)
      // the id is never empty: Pulumi would take the resource as gone, and the next update would create it afresh
      return new providerPb.ReadResponse()
        .setId(request.getId())
        .setInputs(encodeProperties(found.inputs, secretNames))
        .setProperties(encodeProperties(found.properties, secretNames))
        .setRefreshBeforeUpdate(handler.refreshBeforeUpdate)
    }),
    delete: onResource(parts, async (handler, request: providerPb.DeleteRequest, call) => {
      await effect(parts, () => handler.delete(storedOf(request.getId(), request.getOldInputs(), request.getProperties()), call))
      return new emptyPb.Empty()
    }),
  }
}

function answer<Request, Response>(respond: (request: Request) => Response): Unary<Request, Response> {
  return (call, callback) => callback(null, respond(call.request))
}

function onResource<Request extends ResourceRequest, Response>(
  parts: ServiceParts,
  respond: (handler: ResourceHandler, request: Request, call: Call) => Promise<Response>,
): Unary<Request, Response> {
  return (call, callback) => {
    const urn = call.request.getUrn()
    let known: ResourceHandler | undefined
    const work = parts.calls.run(async () => {
      known = await parts.handler(typeOfUrn(urn))
      if (known === undefined) throw unimplemented(typeOfUrn(urn))
      const response = await respond(known, call.request, callOf(parts, urn))
      await parts.log.flush()
      return response
    })
    work.then(
      (response) => callback(null, response),
      async (thrown: unknown) => {
        await parts.log.flush()
        const isAnswer = thrown instanceof Error && 'code' in thrown && thrown.code === grpc.status.UNIMPLEMENTED
        callback(isAnswer ? (thrown as grpc.ServiceError) : failureOf(thrown, inputsOf(call.request), known?.refreshBeforeUpdate ?? false), null)
      },
    )
  }
}

/** Runs what changes something, unless everything was cancelled before it began. */
function effect<T>(parts: ServiceParts, work: () => Promise<T>): Promise<T> {
  parts.calls.cancelled.throwIfAborted()
  return work()
}

function callOf(parts: ServiceParts, urn: string): Call {
  return {
    clock: systemClock,
    cancelled: parts.calls.cancelled,
    // an info line also shows on the resource's row while it works; an ephemeral one beside it would only say everything twice
    tell: (event) => parts.log.line(urn, 'info', `${event.step}: ${event.text}`),
    warn: (text) => parts.log.line(urn, 'warning', text),
    inform: (text) => parts.log.line(urn, 'info', text),
  }
}

/** The inputs of a create or an update, which an end state is recorded with. */
function inputsOf(request: ResourceRequest): PropertyMap {
  if (request instanceof providerPb.CreateRequest) return decodeProperties(request.getProperties()).values
  if (request instanceof providerPb.UpdateRequest) return decodeProperties(request.getNews()).values
  return {}
}

/** The type at the end of `urn:pulumi:<stack>::<project>::<parent types $ type>::<name>`. */
function typeOfUrn(urn: string): string {
  return urn.split('::')[2]?.split('$').at(-1) ?? ''
}

function storedOf(id: string, inputs: structPb.Struct | undefined, outputs: structPb.Struct | undefined): StoredProperties {
  return { id, inputs: decodeProperties(inputs).values, outputs: decodeProperties(outputs).values }
}

function checkFailure(refusal: Refusal): providerPb.CheckFailure {
  return new providerPb.CheckFailure().setProperty(refusal.property).setReason(refusal.reason)
}

function diffResponse(difference: Difference): providerPb.DiffResponse {
  const { Kind } = providerPb.PropertyDiff
  const { DiffChanges } = providerPb.DiffResponse
  const response = new providerPb.DiffResponse().setHasdetaileddiff(true)
  response.setChanges(difference.size > 0 ? DiffChanges.DIFF_SOME : DiffChanges.DIFF_NONE)
  for (const [property, { kind, of }] of difference) {
    const kinds = { add: Kind.ADD, update: Kind.UPDATE, delete: Kind.DELETE }
    response.getDetaileddiffMap().set(property, new providerPb.PropertyDiff().setKind(kinds[kind]).setInputdiff(of === 'input'))
    response.addDiffs(property)
  }
  return response
}
