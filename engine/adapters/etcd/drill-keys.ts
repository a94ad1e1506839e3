import { type DrillMark, drillFleet } from '../../model/drill.ts'
import { routeKeys } from '../../model/route.ts'
import type { RouteStoreAccess } from '../../model/wiring.ts'
import type { Deadline } from '../../ports/clock.ts'
import { EtcdConnection } from './etcd-connection.ts'

/** Says that a drill begins. */
export async function markDrill(access: RouteStoreAccess, fleet: string, mark: DrillMark, deadline: Deadline): Promise<void> {
  const key = Buffer.from(routeKeys(fleet).drillMark)
  const value = Buffer.from(JSON.stringify(mark))
  const connection = new EtcdConnection(access)
  try {
    await connection.repeatedly('mark a drill', deadline, (etcd) => etcd.kv.put({ key, value }))
  } finally {
    connection.close()
  }
}

/** Deletes mark, route, lock, journal and registrations of a fleet's drill; what the fleet has of its own stays. */
export async function forgetDrill(access: RouteStoreAccess, fleet: string, deadline: Deadline): Promise<void> {
  const connection = new EtcdConnection(access)
  try {
    await connection.repeatedly('forget a drill', deadline, (etcd) => Promise.resolve(etcd.delete().prefix(`/kbg/${drillFleet(fleet)}/`)))
  } finally {
    connection.close()
  }
}
