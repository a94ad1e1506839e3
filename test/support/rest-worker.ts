import type { Colour } from '../../engine/model/colour.ts'
import type { Wiring, WorkerAccess } from '../../engine/model/wiring.ts'

/** The worker beside a colour of a local fleet. */
export function restWorker({ workers }: Pick<Wiring, 'workers'>, colour: Colour): WorkerAccess {
  const worker = workers[colour]
  if ('kind' in worker) throw new Error(`the connectors beside ${colour} are made by ${worker.kind}, which has no REST`)
  return worker
}
