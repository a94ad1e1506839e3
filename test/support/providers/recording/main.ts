/**
 * A STAND-IN for `pulumi-resource-aws` and `pulumi-resource-kubernetes`, the official plugins of @pulumi/aws and @pulumi/kubernetes, so that a program can be previewed where those can't be had.
 * The first argument names the package.
 *
 * It takes every input as it is: it knows no schema and asks nobody, so a preview on it shows what a program declares and how policies judge that, and not that the cloud would take it. What that
 * would answer stays unknown. It makes nothing: `create`, `update` and `delete` are refused.
 */
import { createRequire } from 'node:module'
import { type handleUnaryCall, Server, ServerCredentials, type ServiceError, status } from '@grpc/grpc-js'
import plugin from '@pulumi/pulumi/proto/plugin_pb.js'
import services from '@pulumi/pulumi/proto/provider_grpc_pb.js'
import provider from '@pulumi/pulumi/proto/provider_pb.js'
import empty from 'google-protobuf/google/protobuf/empty_pb.js'

const [, , packageName = ''] = process.argv
const { version }: { readonly version: string } = createRequire(import.meta.url)(`${packageName}/package.json`)

function answer<Request, Response>(respond: (request: Request) => Response): handleUnaryCall<Request, Response> {
  return (call, callback) => callback(null, respond(call.request))
}

/** A preview's answer: the inputs; everything else is known after an update. */
function onlyInPreview<Request extends { getPreview(): boolean }, Response>(respond: (request: Request) => Response): handleUnaryCall<Request, Response> {
  return (call, callback) => {
    const refused: Partial<ServiceError> = {
      code: status.UNIMPLEMENTED,
      details: `The recording stand-in for the plugin of ${packageName} makes nothing. Install the official plugin.`,
    }
    if (call.request.getPreview()) callback(null, respond(call.request))
    else callback(refused)
  }
}

const accept = answer((request: provider.CheckRequest) => new provider.CheckResponse().setInputs(request.getNews()))

const server = new Server({ 'grpc.max_receive_message_length': -1 })
server.addService(services.ResourceProviderService as unknown as Parameters<Server['addService']>[0], {
  getPluginInfo: answer(() => new plugin.PluginInfo().setVersion(`${version}+recording`)),
  checkConfig: accept,
  diffConfig: answer(() => new provider.DiffResponse().setChanges(provider.DiffResponse.DiffChanges.DIFF_NONE)),
  configure: answer(() => new provider.ConfigureResponse().setAcceptsecrets(true).setSupportspreview(true)),
  check: accept,
  create: onlyInPreview((request: provider.CreateRequest) => new provider.CreateResponse().setProperties(request.getProperties())),
  update: onlyInPreview((request: provider.UpdateRequest) => new provider.UpdateResponse().setProperties(request.getNews())),
  cancel: answer(() => new empty.Empty()),
})
server.bindAsync('127.0.0.1:0', ServerCredentials.createInsecure(), (error, port) => {
  if (error) throw error
  process.stdout.write(`${port}\n`)
})

const end = () => process.exit(0)
process.on('SIGINT', end)
process.on('SIGTERM', end)
// The engine holds the other end: it is gone, killed or not, when this one closes.
process.stdin.resume().on('end', end)
