import { bindProblem } from '../../engine/adapters/local/process.ts'
import type { Deadline } from '../../engine/ports/clock.ts'

/** Waits until nobody holds the address of a URL: a process that was killed is no more a moment before its address is free. */
export async function untilFree(url: string, deadline: Deadline): Promise<void> {
  const { hostname: host, port } = new URL(url)
  await deadline.poll(20, async () => ((await bindProblem({ host, port: Number(port) })) === undefined ? true : undefined))
}
