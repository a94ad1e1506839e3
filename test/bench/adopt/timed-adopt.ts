/** `kbg adopt`, or the least that it has to ask, once in a process of its own: its last line says how much memory it had at most. */
import { z } from 'zod'
import { runAdopt } from '../../../cli/adopt/command.ts'
import { connectExisting } from '../../../engine/adapters/kafka/existing.ts'
import { passwordOf, readCredentials } from '../../../engine/adapters/local/credentials.ts'
import { Deadline, systemClock } from '../../../engine/ports/clock.ts'

const TimedRequest = z.strictObject({
  arm: z.enum(['adopt', 'topics']),
  bootstrapServers: z.string(),
  user: z.string(),
  mechanism: z.literal('PLAIN'),
  credentials: z.string(),
  out: z.string(),
})
export type TimedRequest = z.infer<typeof TimedRequest>

/** Metadata and configs of all topics. */
async function readTopics({ bootstrapServers, user, mechanism, credentials }: TimedRequest): Promise<void> {
  const deadline = new Deadline(systemClock, 60_000, 'the topics')
  const login = { username: user, mechanism, password: passwordOf(readCredentials(credentials), user) }
  const { cluster } = await connectExisting({ bootstrapServers: bootstrapServers.split(','), login, caFile: undefined }, systemClock, deadline)
  await cluster.inventory.topics(deadline)
  await cluster.close()
}

const request = TimedRequest.parse(JSON.parse(process.argv[2] ?? ''))
const { arm, ...options } = request
if (arm === 'topics') await readTopics(request)
else process.exitCode = await runAdopt({ ...options, ca: undefined, own: undefined, update: false, all: false })
console.log(JSON.stringify({ maxRssMiB: process.resourceUsage().maxRSS / 1_024 }))
