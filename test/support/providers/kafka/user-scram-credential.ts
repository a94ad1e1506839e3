import { pbkdf2, randomBytes } from 'node:crypto'
import { promisify } from 'node:util'
import { alterUserScramCredentialsV0, describeUserScramCredentialsV0, ScramMechanisms } from '@platformatic/kafka'
import { z } from 'zod'
import { errorName, requireNone } from '../../../../engine/adapters/kafka/refusal.ts'
import { KbgError } from '../../../../engine/model/error.ts'
import type { Deadline } from '../../../../engine/ports/clock.ts'
import type { Brokers } from './brokers.ts'
import type { ResourceType } from './resource.ts'

const mechanisms = {
  'SCRAM-SHA-256': { code: ScramMechanisms.SCRAM_SHA_256, digest: 'sha256', bytes: 32 },
  'SCRAM-SHA-512': { code: ScramMechanisms.SCRAM_SHA_512, digest: 'sha512', bytes: 64 },
} as const

const schema = z.strictObject({
  username: z.string().min(1),
  scramMechanism: z.enum(['SCRAM-SHA-256', 'SCRAM-SHA-512']),
  scramIterations: z.number().int().min(4_096).max(16_384).default(4_096),
  password: z.string().min(1).optional(),
  passwordWo: z.string().min(1).optional(),
  passwordWoVersion: z.string().optional(),
})
type Credential = z.infer<typeof schema>

const deriveKey = promisify(pbkdf2)

/** `kafka.UserScramCredential`. A password can't be read back: its drift stays unseen, as with the official plugin. */
export const userScramCredential: ResourceType<Credential> = {
  token: 'kafka:index/userScramCredential:UserScramCredential',
  schema,
  secrets: ['password', 'passwordWo'],
  id: (inputs) => `${inputs.username}|${inputs.scramMechanism}`,
  replaces: (key) => key === 'username' || key === 'scramMechanism',
  read: async (id, known, brokers, deadline) => {
    // An import may carry the password as a third part.
    const [username, scramMechanism, password] = id.split('|')
    const asked = schema.pick({ username: true, scramMechanism: true }).parse({ username, scramMechanism })
    const answer = await brokers.request('DescribeUserScramCredentials', describeUserScramCredentialsV0.api, [[{ name: asked.username }]], 'none', deadline)
    const [result] = answer.results
    if (result === undefined || errorName(result.errorCode) === 'RESOURCE_NOT_FOUND') return undefined
    requireNone(result.errorCode, `Can't describe the user ${asked.username}.`, {}, result.errorMessage)
    const found = result.credentialInfos.find((info) => info.mechanism === mechanisms[asked.scramMechanism].code)
    return found && { ...(password ? { password } : {}), ...known, ...asked, scramIterations: found.iterations }
  },
  create: upsert,
  update: (_olds, news, brokers, deadline) => upsert(news, brokers, deadline),
  delete: async (olds, brokers, deadline) => {
    const deletion = { name: olds.username, mechanism: mechanisms[olds.scramMechanism].code }
    const answer = await brokers.request('AlterUserScramCredentials', alterUserScramCredentialsV0.api, [[deletion], []], 'repeatable', deadline)
    for (const result of answer.results) {
      if (errorName(result.errorCode) !== 'RESOURCE_NOT_FOUND')
        requireNone(result.errorCode, `Can't delete the user ${olds.username}.`, {}, result.errorMessage)
    }
  },
}

/** Only the salted password leaves this process (RFC 5802's Hi). */
async function upsert(inputs: Credential, brokers: Brokers, deadline: Deadline): Promise<void> {
  const password = inputs.password ?? inputs.passwordWo
  if (password === undefined) throw new KbgError('scram-password', `The user ${inputs.username} has neither password nor passwordWo.`)
  const { code, digest, bytes } = mechanisms[inputs.scramMechanism]
  const salt = randomBytes(24)
  const saltedPassword = await deriveKey(password.normalize('NFKC'), salt, inputs.scramIterations, bytes, digest)
  const upsertion = { name: inputs.username, mechanism: code, iterations: inputs.scramIterations, salt, saltedPassword }
  const answer = await brokers.request('AlterUserScramCredentials', alterUserScramCredentialsV0.api, [[], [upsertion]], 'repeatable', deadline)
  for (const result of answer.results) requireNone(result.errorCode, `Can't set the password of ${inputs.username}.`, {}, result.errorMessage)
}
