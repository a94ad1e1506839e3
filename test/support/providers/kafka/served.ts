/** What the stand-in serves, and with it Kafka's protocol: loaded with the first resource whose cluster is known, which no preview of a new colour has. */
import { acl } from './acl.ts'
import { type Operations, operationsOf } from './operations.ts'
import { quota } from './quota.ts'
import { topic } from './topic.ts'
import { userScramCredential } from './user-scram-credential.ts'

export { Brokers } from './brokers.ts'

export const operations: readonly Operations[] = [operationsOf(topic), operationsOf(acl), operationsOf(quota), operationsOf(userScramCredential)]
