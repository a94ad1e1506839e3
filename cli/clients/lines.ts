import { neverTold } from '../../engine/model/client-inventory.ts'
import { firstFive } from '../../engine/model/error.ts'
import type { ClientsLook } from '../../engine/run/look-at-clients.ts'

/** The clients for people: who reads in which group, who writes to what, and what brokers never tell. */
export function clientsLines({ colour, clients, untold, producers, registered }: ClientsLook): readonly string[] {
  return [
    colour === null ? 'clients of this cluster' : `clients of ${colour}, which is live`,
    ...(clients.seen ? [] : [`  groups could not be read: ${clients.why}`]),
    ...(clients.seen && clients.value.length > 0 ? columns(clients.value.map(rowOf), ['GROUP', 'MEMBERS', 'CLIENT', 'ROUTE']) : []),
    ...(clients.seen && clients.value.length === 0 ? ['  no group has members'] : []),
    ...(untold.length === 0 ? [] : [`  groups whose members are not asked for: ${firstFive(untold)}`]),
    ...(producers.seen ? [] : [`  producers could not be read: ${producers.why}`]),
    ...(producers.seen && producers.value.length > 0
      ? columns(
          producers.value.map(({ topic, producers: count, inTransaction, newestRecordMs }) => [
            topic,
            String(count),
            String(inTransaction),
            atText(newestRecordMs),
          ]),
          ['TOPIC', 'PRODUCERS', 'IN A TRANSACTION', 'NEWEST RECORD'],
        )
      : []),
    ...(registered === null ? [] : [`routed producers that are registered: ${registered.filter(({ kind }) => kind !== 'consumer').length}`]),
    'brokers never tell:',
    ...neverTold.map((what) => `  ${what}`),
  ]
}

type Row = readonly string[]

function rowOf({ groupId, members, clientId, host, routed }: Extract<ClientsLook['clients'], { seen: true }>['value'][number]): Row {
  const route = routed === undefined ? '' : routed === null ? 'not registered: a move meets it unprepared' : `follows it: ${routed}`
  return [groupId, String(members), `${clientId} from ${host}`, route]
}

function atText(ms: number | null): string {
  return ms === null ? 'not told' : new Date(ms).toISOString()
}

function columns(rows: readonly Row[], heading: Row): readonly string[] {
  const all = [heading, ...rows]
  const widths = heading.map((_, index) => Math.max(...all.map((row) => row[index]?.length ?? 0)))
  return all.map((row) =>
    row
      .map((cell, index) => cell.padEnd(widths[index] ?? 0))
      .join('  ')
      .trimEnd(),
  )
}
