import { z } from 'zod'

/** What `kafka.Provider` may be given here. Nested values arrive as JSON text, as the SDK sends them. */
const jsonText = z.unknown().transform((value) => (typeof value === 'string' && /^(\[|true$|false$|\d)/.test(value) ? (JSON.parse(value) as unknown) : value))

export const ProviderConfig = z
  .looseObject({
    bootstrapServers: jsonText.pipe(z.array(z.string()).min(1)),
    saslUsername: z.string().min(1, 'the stand-in always authenticates'),
    saslPassword: z.string().min(1, 'the stand-in always authenticates'),
    saslMechanism: z.enum(['plain', 'scram-sha256', 'scram-sha512']).default('plain'),
    tlsEnabled: jsonText.pipe(z.boolean()),
    /** The official plugin also takes the certificate itself. */
    caCert: z.string().regex(/^\//, 'an absolute path: the stand-in reads it from a file').optional(),
    timeout: jsonText.pipe(z.number().positive()).default(60),
  })
  .refine(({ tlsEnabled, caCert }) => tlsEnabled === (caCert !== undefined), {
    error: 'the stand-in takes tlsEnabled and caCert together',
    path: ['tlsEnabled'],
  })
export type ProviderConfig = z.infer<typeof ProviderConfig>
