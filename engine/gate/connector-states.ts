import type { MirrorSnapshot } from '../model/snapshot.ts'
import { type Check, judged } from './check.ts'

/** Is the forward connector RUNNING with running tasks, and nothing copying backwards? Necessary, never sufficient: lag is measured at the logs. */
export function checkConnectorStates(mirror: MirrorSnapshot): Check {
  const name = 'mirror connector'
  const required = 'the forward connector and all its tasks RUNNING, none backwards'
  const remedy = 'Repair or resume the mirror (kbg status names the connector).'
  if (!mirror.forward.seen) return judged(name, 'inconclusive', mirror.forward.why, required, remedy)
  if (!mirror.runningBackwards.seen) return judged(name, 'inconclusive', mirror.runningBackwards.why, required, remedy)
  const forward = mirror.forward.value
  if (forward === null) return judged(name, 'fail', 'no mirror from the live colour to the other one', required, remedy)
  if (mirror.runningBackwards.value.length > 0) {
    return judged(
      name,
      'fail',
      `running backwards: ${mirror.runningBackwards.value.join(', ')}`,
      required,
      'Two directions at once copy for ever: stop that connector.',
    )
  }
  const { tasksUntold = false } = forward
  const tasks = forward.tasks.map((task) => task.state)
  const observed = `${forward.name} ${forward.state}, tasks ${tasksUntold ? 'not told' : tasks.join(', ') || 'none'}`
  const running = forward.state === 'RUNNING' && (tasksUntold || (tasks.length > 0 && tasks.every((state) => state === 'RUNNING')))
  return judged(name, running ? 'pass' : 'fail', observed, required, remedy)
}

/** Can the mirror be stopped for good? A move that leaves records behind must not have them copied behind its back later. */
export function checkMirrorStoppable({ forward }: MirrorSnapshot): Check {
  const required = 'the Connect worker beside the target answers'
  const remedy = 'Start that worker first (pulumi up on the traffic stack): left alone it would copy what stays behind as soon as it comes back.'
  if (!forward.seen) return judged('mirror worker', 'inconclusive', forward.why, required, remedy)
  return judged('mirror worker', 'pass', forward.value === null ? 'no mirror is known' : `${forward.value.name} ${forward.value.state}`, required, '')
}
