import { createHash, createHmac } from 'node:crypto'
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { saslOf } from '../../engine/adapters/kafka/connections.ts'
import { iamToken } from '../../engine/adapters/kafka/iam-token.ts'
import { ClusterUsers, loginOf, ownUsersOf } from '../../engine/model/cluster-access.ts'

const region = 'eu-central-1'
const secret = 'a-secret-key-of-nobody'
const before = { ...process.env }

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['Date'], now: Date.UTC(2026, 10, 27, 4, 5, 6) })
  for (const name of Object.keys(process.env)) if (name.startsWith('AWS_')) delete process.env[name]
  Object.assign(process.env, { AWS_ACCESS_KEY_ID: 'AKIDEXAMPLE', AWS_SECRET_ACCESS_KEY: secret, AWS_EC2_METADATA_DISABLED: 'true', HOME: '/nonexistent' })
})

afterEach(() => {
  vi.useRealTimers()
  process.env = { ...before }
})

const urlIn = (token: string) => new URL(Buffer.from(token, 'base64url').toString('utf8'))
const hmac = (key: string | Buffer, text: string) => createHmac('sha256', key).update(text).digest()

/** The signature as AWS's "Signature Version 4 signing process" has it, computed here. */
function signatureOf(url: URL): string {
  const signed = [...url.searchParams].filter(([name]) => name !== 'X-Amz-Signature' && name !== 'User-Agent')
  const query = signed
    .map(([name, value]) => `${encodeURIComponent(name)}=${encodeURIComponent(value)}`)
    .sort()
    .join('&')
  const emptyBody = createHash('sha256').update('').digest('hex')
  const canonical = ['GET', '/', query, `host:${url.host}`, '', 'host', emptyBody].join('\n')
  const at = url.searchParams.get('X-Amz-Date') ?? ''
  const scope = [at.slice(0, 8), region, 'kafka-cluster', 'aws4_request']
  const toSign = ['AWS4-HMAC-SHA256', at, scope.join('/'), createHash('sha256').update(canonical).digest('hex')].join('\n')
  const key = scope.reduce<string | Buffer>(hmac, `AWS4${secret}`)
  return hmac(key, toSign).toString('hex')
}

describe("an IAM role's login at MSK", () => {
  test('is a presigned kafka-cluster:Connect, good for a quarter of an hour, without a secret in it', async () => {
    const token = await iamToken(region)
    expect(token).toMatch(/^[A-Za-z0-9_-]+$/)
    const url = urlIn(token)
    expect(url.origin).toBe('https://kafka.eu-central-1.amazonaws.com')
    expect(Object.fromEntries(url.searchParams)).toMatchObject({
      Action: 'kafka-cluster:Connect',
      'X-Amz-Algorithm': 'AWS4-HMAC-SHA256',
      'X-Amz-Credential': 'AKIDEXAMPLE/20261127/eu-central-1/kafka-cluster/aws4_request',
      'X-Amz-Date': '20261127T040506Z',
      'X-Amz-Expires': '900',
      'X-Amz-SignedHeaders': 'host',
    })
    expect(url.searchParams.get('X-Amz-Signature')).toBe(signatureOf(url))
    expect(url.href).not.toContain(secret)
  })

  test('is signed anew for each authentication, so that none is older than its broker’s session', async () => {
    const users = ClusterUsers.parse({ operator: { mechanism: 'AWS_MSK_IAM', region }, mirror: { username: 'm' }, probe: { username: 'p' } })
    const login = saslOf({ colour: 'blue', credentialsFile: '/none', users }, 'operator')
    if (login.mechanism !== 'OAUTHBEARER') throw new Error(`logs in by ${login.mechanism}`)
    const first = await login.token()
    vi.setSystemTime(Date.UTC(2026, 10, 27, 4, 20, 7))
    const second = await login.token()
    expect([first, second].map((token) => urlIn(token).searchParams.get('X-Amz-Date'))).toEqual(['20261127T040506Z', '20261127T042007Z'])
    expect(urlIn(second).searchParams.get('X-Amz-Signature')).toBe(signatureOf(urlIn(second)))
  })

  test('without credentials is refused as that, before any broker is asked', async () => {
    delete process.env.AWS_ACCESS_KEY_ID
    delete process.env.AWS_SECRET_ACCESS_KEY
    await expect(iamToken(region)).rejects.toMatchObject({ code: 'credentials', message: expect.stringContaining('default chain') })
  })

  test('has no user: it is the operator’s alone, and nobody of the cluster’s own by name', () => {
    const iam = { mechanism: 'AWS_MSK_IAM', region }
    const users = ClusterUsers.parse({ operator: iam, mirror: { username: 'm' }, probe: { username: 'p' }, others: ['broker'] })
    expect(ownUsersOf({ users })).toEqual(['m', 'p', 'broker'])
    expect(loginOf({ users }, 'admin')).toEqual(iam)
    for (const wrong of [{ ...iam, username: 'x' }, { mechanism: 'AWS_MSK_IAM' }, { mechanism: 'GSSAPI', username: 'x' }]) {
      expect(ClusterUsers.safeParse({ operator: wrong, mirror: { username: 'm' }, probe: { username: 'p' } }).success).toBe(false)
    }
    // The mirror's is its connectors', not this process's.
    expect(ownUsersOf({ users: ClusterUsers.parse({ operator: iam, mirror: iam, probe: { username: 'p' } }) })).toEqual(['p'])
    // A fence never stops a role, so that a probe of one would prove nothing.
    expect(ClusterUsers.safeParse({ operator: iam, mirror: { username: 'm' }, probe: iam }).success).toBe(false)
  })
})
