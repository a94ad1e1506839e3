/** What two worlds have in common when a switchover stands at the same point in both, whatever clients have written meanwhile. */
import { colours } from '../../../engine/model/colour.ts'
import { routeKeys } from '../../../engine/model/route.ts'
import { routeOf } from './invariants.ts'
import { fleet } from './names.ts'
import type { World } from './world.ts'

const keys = routeKeys(fleet)

/** Equal texts: route, journal, lock, fences on every broker, connectors, groups and what is still to land are the same. */
export function fingerprint(world: World): string {
  const route = routeOf(world)
  const { etcd, clusters, workers, parameter } = world
  const sides = colours.map((colour) => {
    const { isFenced, brokers, groups, transactions } = clusters[colour]
    const seen = brokers.map((broker) => `${broker.state[0]}${broker.isFenced ? 1 : 0}`).join('')
    const members = Object.values(groups).map((group) => `${group.members.length}/${Object.values(group.offsets).length}`)
    const connectors = Object.values(workers[colour].connectors).map(({ name, wanted, state, task }) => `${name.slice(0, 22)}${wanted[0]}${state[0]}${task[0]}`)
    const epochs = Object.values(transactions).map(({ epoch, open }) => `${epoch}${open === null ? '' : 'o'}`)
    return [isFenced ? 'F' : 'O', seen, members, connectors, epochs].join(' ')
  })
  const landing = world.agenda.flatMap(({ event }) => (event.kind === 'land' ? [event.operation] : []))
  const where = `${route?.epoch} ${route?.state} ${route?.live} ${Object.entries(route?.groups ?? {}).map(([id, { colour, state }]) => `${id}${colour}${state}`)}`
  const told = parameter === null ? [] : [parameter.values.length, parameter.values.at(-1)?.length]
  return [where, etcd.keys[keys.journalHead]?.value, etcd.keys[keys.lock] === undefined ? '-' : 'L', ...sides, ...landing, ...told].join('|')
}
