/** Errors as gRPC answers. */
import grpc from '@grpc/grpc-js'
import providerPb from '@pulumi/pulumi/proto/provider_pb.js'
import statusPb from '@pulumi/pulumi/proto/status_pb.js'
import anyPb from 'google-protobuf/google/protobuf/any_pb.js'
import { messageOf } from '../engine/model/error.ts'
import { encodeProperties, type PropertyMap } from './properties.ts'
import { EndStateReached } from './resource-definition.ts'

/**
 * The answer for anything that was thrown. {@link EndStateReached} carries the resource as it is now in the status' details
 * (`pulumirpc.ErrorResourceInitFailed`), which is how Pulumi records a known end state together with an error.
 */
export function failureOf(thrown: unknown, news: PropertyMap, refreshBeforeUpdate: boolean): grpc.ServiceError {
  const message = messageOf(thrown)
  const metadata = new grpc.Metadata()
  if (thrown instanceof EndStateReached) {
    const reached = new providerPb.ErrorResourceInitFailed()
    reached.setId(thrown.id)
    reached.setProperties(encodeProperties({ ...news, ...(thrown.outputs as PropertyMap) }))
    reached.setReasonsList([thrown.message])
    reached.setRefreshBeforeUpdate(refreshBeforeUpdate)
    const detail = new anyPb.Any()
    detail.pack(reached.serializeBinary(), 'pulumirpc.ErrorResourceInitFailed')
    const status = new statusPb.Status()
    status.setCode(grpc.status.UNKNOWN)
    status.setMessage(thrown.message)
    status.addDetails(detail)
    metadata.add('grpc-status-details-bin', Buffer.from(status.serializeBinary()))
  }
  return Object.assign(new Error(message), { code: grpc.status.UNKNOWN, details: message, metadata })
}

/** The answer to a request that this provider doesn't know. */
export function unimplemented(what: string): grpc.ServiceError {
  const details = `kbg has no ${what}`
  return Object.assign(new Error(details), { code: grpc.status.UNIMPLEMENTED, details, metadata: new grpc.Metadata() })
}
