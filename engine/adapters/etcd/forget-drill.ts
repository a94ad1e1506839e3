import { drillFleet } from '../../model/drill.ts'
import type { RouteStoreAccess } from '../../model/wiring.ts'
import type { Deadline } from '../../ports/clock.ts'
import { EtcdConnection } from './etcd-connection.ts'

/** Deletes route, lock, journal and registrations of a fleet's drill; what the fleet has of its own stays. */
export async function forgetDrill(access: RouteStoreAccess, fleet: string, deadline: Deadline): Promise<void> {
  const connection = new EtcdConnection(access)
  try {
    await connection.repeatedly('forget a drill', deadline, (etcd) => Promise.resolve(etcd.delete().prefix(`/kbg/${drillFleet(fleet)}/`)))
  } finally {
    connection.close()
  }
}
