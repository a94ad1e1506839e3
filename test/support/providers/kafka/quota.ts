import { alterClientQuotasV1, type ClientQuotaKey, ClientQuotaMatchTypes, describeClientQuotasV1 } from '@platformatic/kafka'
import { z } from 'zod'
import { requireNone } from '../../../../engine/adapters/kafka/refusal.ts'
import type { Deadline } from '../../../../engine/ports/clock.ts'
import type { Brokers } from './brokers.ts'
import type { ResourceType } from './resource.ts'

const keys = [
  'producer_byte_rate',
  'consumer_byte_rate',
  'request_percentage',
  'connection_creation_rate',
  'controller_mutation_rate',
] as const satisfies readonly ClientQuotaKey[]

const schema = z.strictObject({
  /** Left out: the default of the entity's type. */
  entityName: z.string().min(1).optional(),
  entityType: z.enum(['user', 'client-id', 'ip']),
  config: z.partialRecord(z.enum(keys), z.string().regex(/^\d+(\.\d+)?$/, 'a number')).optional(),
})
type Quota = z.infer<typeof schema>

/** `kafka.Quota`. Limits change in place here; the official plugin may replace the quota instead, to the same end. */
export const quota: ResourceType<Quota> = {
  token: 'kafka:index/quota:Quota',
  schema,
  secrets: [],
  id: (inputs) => `${inputs.entityName ?? ''}|${inputs.entityType}`,
  replaces: (key) => key !== 'config',
  read: async (id, _known, brokers, deadline) => {
    const [entityName, entityType] = id.split('|')
    const entity = schema.omit({ config: true }).parse({ ...(entityName ? { entityName } : {}), entityType })
    const component = entity.entityName
      ? { entityType: entity.entityType, matchType: ClientQuotaMatchTypes.EXACT, match: entity.entityName }
      : { entityType: entity.entityType, matchType: ClientQuotaMatchTypes.DEFAULT, match: null }
    const answer = await brokers.request('DescribeClientQuotas', describeClientQuotasV1.api, [[component], true], 'none', deadline)
    requireNone(answer.errorCode, "Can't describe quotas.", {}, answer.errorMessage)
    const values = (answer.entries ?? []).flatMap((entry) => entry.values)
    return values.length === 0 ? undefined : { ...entity, config: Object.fromEntries(values.map((each) => [each.key, String(each.value)])) }
  },
  create: (inputs, brokers, deadline) => alter(inputs, {}, inputs.config ?? {}, brokers, deadline),
  update: (olds, news, brokers, deadline) => alter(news, olds.config ?? {}, news.config ?? {}, brokers, deadline),
  delete: (olds, brokers, deadline) => alter(olds, olds.config ?? {}, {}, brokers, deadline),
}

type Limits = NonNullable<Quota['config']>
type Change = { readonly key: ClientQuotaKey; readonly value: number; readonly remove: false } | { readonly key: ClientQuotaKey; readonly remove: true }

async function alter(of: Quota, olds: Limits, news: Limits, brokers: Brokers, deadline: Deadline): Promise<void> {
  const ops = keys.flatMap((key): Change[] => {
    const wanted = news[key]
    if (wanted !== undefined) return wanted === olds[key] ? [] : [{ key, value: Number(wanted), remove: false }]
    return olds[key] === undefined ? [] : [{ key, remove: true }]
  })
  if (ops.length === 0) return
  const entry = { entities: [{ entityType: of.entityType, entityName: of.entityName ?? null }], ops }
  const answer = await brokers.request('AlterClientQuotas', alterClientQuotasV1.api, [[entry], false], 'repeatable', deadline)
  for (const result of answer.entries) requireNone(result.errorCode, `Can't alter the quota ${quota.id(of)}.`, {}, result.errorMessage)
}
