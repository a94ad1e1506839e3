/** The least that a provider in Node can be: it accepts everything, and makes nothing. */
import grpc from '@grpc/grpc-js'
import pluginPb from '@pulumi/pulumi/proto/plugin_pb.js'
import providerGrpc from '@pulumi/pulumi/proto/provider_grpc_pb.js'
import providerPb from '@pulumi/pulumi/proto/provider_pb.js'
import emptyPb from 'google-protobuf/google/protobuf/empty_pb.js'

function answer<Request, Response>(respond: (request: Request) => Response): grpc.handleUnaryCall<Request, Response> {
  return (call, callback) => callback(null, respond(call.request))
}

const accept = answer((request: providerPb.CheckRequest) => new providerPb.CheckResponse().setInputs(request.getNews()))

const server = new grpc.Server()
server.addService(providerGrpc.ResourceProviderService, {
  getPluginInfo: answer(() => new pluginPb.PluginInfo().setVersion('1.0.0')),
  checkConfig: accept,
  configure: answer(() => new providerPb.ConfigureResponse().setSupportspreview(true)),
  check: accept,
  create: answer((request: providerPb.CreateRequest) => new providerPb.CreateResponse().setId('').setProperties(request.getProperties())),
  cancel: answer(() => new emptyPb.Empty()),
})
server.bindAsync('127.0.0.1:0', grpc.ServerCredentials.createInsecure(), (error, port) => {
  if (error) throw error
  // the engine holds the other end of standard input and never writes: its end means that the engine is gone
  process.stdin.on('end', () => process.exit(0)).resume()
  process.on('SIGINT', () => process.exit(0))
  console.log(port)
})
