import { z } from 'zod'

/** What `kafka.Provider` may be given here. Nested values arrive as JSON text, as the SDK sends them. */
const jsonText = z.unknown().transform((value) => (typeof value === 'string' && /^(\[|true$|false$|\d)/.test(value) ? (JSON.parse(value) as unknown) : value))

export const ProviderConfig = z
  .looseObject({
    bootstrapServers: jsonText.pipe(z.array(z.string()).min(1)),
    /** Left out by a role (`aws-iam`), whose credentials the official plugin finds in its environment. */
    saslUsername: z.string().min(1).optional(),
    saslPassword: z.string().min(1).optional(),
    saslAwsRegion: z.string().min(1).optional(),
    saslMechanism: z.enum(['plain', 'scram-sha256', 'scram-sha512', 'aws-iam']).default('plain'),
    tlsEnabled: jsonText.pipe(z.boolean()),
    /** The official plugin also takes the certificate itself. */
    caCert: z.string().regex(/^\//, 'an absolute path: the stand-in reads it from a file').optional(),
    timeout: jsonText.pipe(z.number().positive()).default(60),
  })
  .refine(({ tlsEnabled, caCert }) => tlsEnabled === (caCert !== undefined), {
    error: 'the stand-in takes tlsEnabled and caCert together',
    path: ['tlsEnabled'],
  })
  .refine(({ saslMechanism, saslAwsRegion, saslUsername, saslPassword }) => (saslMechanism === 'aws-iam' ? saslAwsRegion : saslUsername && saslPassword), {
    error: 'the stand-in always authenticates: as a role in a region, or by user and password',
    path: ['saslMechanism'],
  })
export type ProviderConfig = z.infer<typeof ProviderConfig>
