/** Everything that an orchestrator can ask of a simulated fleet, by name: plain arguments, one moment of effect. */
import { brokerOperations } from './broker-operations.ts'
import { auditOperations } from './comparison.ts'
import { etcdOperations } from './etcd.ts'
import { mirrorOperations } from './mirror-operations.ts'
import { parameterOperations } from './parameter.ts'

export const operations = { ...brokerOperations, ...mirrorOperations, ...etcdOperations, ...auditOperations, ...parameterOperations } as const

export type OperationName = keyof typeof operations
export type ArgumentsOf<N extends OperationName> = Parameters<(typeof operations)[N]>[1]
export type AnswerOf<N extends OperationName> = ReturnType<(typeof operations)[N]>

const effects: ReadonlySet<OperationName> = new Set<OperationName>([
  'raise fence',
  'lift fence',
  'write canary',
  'append as operator',
  'append copies',
  'commit offsets',
  'delete group',
  'fence transactional id',
  'create connector',
  'seed connector',
  'resume connector',
  'stop connector',
  'delete connector',
  'etcd grant',
  'etcd keep alive',
  'etcd revoke',
  'put parameter',
])

/** Whether a request changes anything: where a crash before and after it is another thing. */
export function isEffect(name: OperationName, args: unknown): boolean {
  if (name !== 'etcd transaction') return effects.has(name)
  return (args as ArgumentsOf<'etcd transaction'>).success.some(({ kind }) => kind !== 'range')
}
