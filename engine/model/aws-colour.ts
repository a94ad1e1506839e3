import { z } from 'zod'
import { Colour } from './colour.ts'
import { NetworkAccess } from './network-access.ts'

const AccountId = z.string().regex(/^\d{12}$/, "an account's 12 digits, in quotes")
const Region = z.string().regex(/^[a-z]{2}(?:-[a-z]+)+-\d$/, 'a region, for example eu-central-1')

/** A colour on Amazon MSK, as the other stacks read it. */
export const MskColour = z.strictObject({
  colour: Colour,
  account: AccountId,
  region: Region,
  environment: z.string().min(1),
  arn: z.string().min(1),
  keyArn: z.string().min(1),
  /** `host:port,host:port` by login: applications use SCRAM and are fenced by ACLs; IAM is the platform's, and ACLs don't reach it. */
  addresses: z.strictObject({ scram: z.string().min(1), iam: z.string().min(1) }),
  network: NetworkAccess,
})
export type MskColour = z.infer<typeof MskColour>
