import { parseArgs } from 'node:util'
import { KbgError, messageOf } from '../engine/model/error.ts'
import type { AdoptOptions } from './adopt/command.ts'
import type { AuditOptions } from './audit/command.ts'
import type { ClientsOptions } from './clients/command.ts'
import type { GroupsOptions } from './groups/command.ts'

const usage = `kbg: Kafka blue-green

  kbg doctor                     which tools are there, which are missing, how to get them
  kbg init [--fleet NAME]        local backend, passphrase file and the three stacks of a fleet
  kbg status [--fleet NAME]      who writes where, what is fenced, which step is open, what happens next by itself, what you can do
  kbg abort [--fleet NAME]       take a running switchover back, while nothing is decided. 0: it is, or none was open, 1: too late, or no answer
  kbg repair [--fleet NAME]      finish what was decided, take back what wasn't, and say what a killed update has left
  kbg ack [--fleet NAME]         allow a move again after a latch: counts the config key attempt up
  kbg audit [--fleet NAME] [--follow] [--json] [--timeout SECONDS]
                                 have both colours the same records? 0: equal, 1: they differ, 2: not shown
  kbg audit --blue FILE --green FILE [--topics A,B]
                                 the same of any two clusters, however they are mirrored
  kbg drill [--fleet NAME]       a switchover and the way back on the real pair, with topics and clients of its own. 0: passed, 1: its clients saw a fault, 2: not shown
  kbg groups [--fleet NAME] [--json] [--all] [--alternatives]
                                 where each group reads, how far it is, and whether a move takes it along. 0: all, 1: one is refused, 2: not shown
  kbg groups --reset GROUP [--fleet NAME]
                                 delete a group's offsets on the colour where the route does not have it
  kbg clients [--fleet NAME] [--json], or --bootstrap-servers ... as below
                                 who reads and writes, as far as brokers tell it, and who follows the route. 0: every member of a group does, 1: one doesn't, 2: not shown
  kbg adopt --bootstrap-servers HOST:PORT,... [--user USER --credentials FILE [--mechanism NAME]] [--ca FILE] [--own USERS] [--out FILE] [--update] [--all]
                                 an existing cluster as catalog.yaml, and what of a switchover it rules out. 0: written, or as it is, 1: it has changed
  kbg rollout [--keep]           the six phases on a fleet of its own (demo-*), under live traffic
  kbg report [--fleet NAME] [--switchover N] [--out PAGE]
                                 one switchover from the fleet's journal, as JSON and as a page; 1 is the newest
  kbg report FILE [--out PAGE]   the page of a report's JSON, for people: FILE.html unless said otherwise
  kbg pr STACK=EVENTS... [--out FILE]
                                 what a pull request does to both colours, of its previews' event logs, as markdown. 0: nothing speaks against it, 1: something does
  kbg help`

/** Every command, loaded only when it is asked for: `kbg doctor` must work where nothing is installed. */
const commands: Readonly<Record<string, (options: Options) => Promise<number>>> = {
  doctor: runDoctor,
  init: async ({ fleet }) => (await import('./init.ts')).runInit(fleet),
  status: async ({ fleet }) => (await import('./status.ts')).runStatus(fleet),
  abort: async ({ fleet }) => (await import('./abort.ts')).runAbort(fleet),
  repair: async ({ fleet }) => (await import('./repair.ts')).runRepair(fleet),
  drill: async ({ fleet }) => (await import('./drill/command.ts')).runDrill(fleet),
  ack: async ({ fleet }) => (await import('./ack.ts')).runAck(fleet),
  groups: async ({ fleet, groups }) => (await import('./groups/command.ts')).runGroups({ fleet, ...groups }),
  clients: async ({ fleet, groups: { json }, adopt }) => (await import('./clients/command.ts')).runClients({ fleet, json, ...adopt } satisfies ClientsOptions),
  audit: async ({ fleet, audit }) => (await import('./audit/command.ts')).runAudit({ fleet, ...audit }),
  adopt: async ({ out, groups: { all }, adopt }) => (await import('./adopt/command.ts')).runAdopt({ out, all, ...adopt }),
  rollout: async ({ keep }) => (await import('./rollout/rollout.ts')).runRollout({ keep }),
  pr: async ({ words, out }) => (await import('./pr/command.ts')).runPr(words, out),
  report: async ({ words: [file], fleet, switchover, out }) => {
    if (file === undefined) return (await import('./report/fleet-command.ts')).runFleetReport(fleet, { switchover, out })
    if (switchover !== undefined) throw new KbgError('report-file', '--switchover names a switchover of a fleet, so it goes without FILE.')
    return (await import('./report/command.ts')).runReport(file, out)
  },
}

async function runDoctor(): Promise<number> {
  const { doctor, isHealthy, renderDoctor } = await import('./doctor.ts')
  const diagnoses = await doctor()
  console.log(renderDoctor(diagnoses).join('\n'))
  return isHealthy(diagnoses) ? 0 : 1
}

interface Options {
  readonly fleet: string
  readonly keep: boolean
  /** What a command works on: `report` takes a file, `pr` the previews. */
  readonly words: readonly string[]
  readonly out: string | undefined
  /** Which switchover of the fleet, counted from the newest; only `report` takes one. */
  readonly switchover: string | undefined
  /** What only `audit` takes. */
  readonly audit: Omit<AuditOptions, 'fleet'>
  /** What only `adopt` takes. */
  readonly adopt: Omit<AdoptOptions, 'out' | 'all'>
  /** What only `groups` takes. */
  readonly groups: Omit<GroupsOptions, 'fleet'>
}

/** How many words a command takes; the others take none. */
const mostWords: Readonly<Record<string, number>> = { report: 1, pr: Number.POSITIVE_INFINITY }

async function main(words: readonly string[]): Promise<number> {
  const { values, positionals } = parseArgs({
    args: [...words],
    allowPositionals: true,
    options: {
      fleet: { type: 'string', default: 'main' },
      keep: { type: 'boolean', default: false },
      out: { type: 'string' },
      switchover: { type: 'string' },
      blue: { type: 'string' },
      green: { type: 'string' },
      topics: { type: 'string' },
      timeout: { type: 'string' },
      follow: { type: 'boolean', default: false },
      json: { type: 'boolean', default: false },
      all: { type: 'boolean', default: false },
      alternatives: { type: 'boolean', default: false },
      reset: { type: 'string' },
      'bootstrap-servers': { type: 'string' },
      user: { type: 'string' },
      mechanism: { type: 'string' },
      credentials: { type: 'string' },
      ca: { type: 'string' },
      own: { type: 'string' },
      update: { type: 'boolean', default: false },
      help: { type: 'boolean', short: 'h', default: false },
    },
  })
  const [name, ...rest] = positionals
  const command = name === undefined ? undefined : commands[name]
  if (values.help || name === 'help' || name === undefined) {
    console.log(usage)
    return name === undefined && !values.help ? 2 : 0
  }
  if (!command || rest.length > (mostWords[name] ?? 0)) {
    console.error(`kbg: unknown: ${positionals.join(' ')}\n\n${usage}`)
    return 2
  }
  const { fleet, keep, out, switchover, blue, green, topics, timeout, follow, json, all, alternatives, reset } = values
  const audit = { blue, green, topics, timeout, follow, json }
  const { user, mechanism, credentials, ca, own, update } = values
  const adopt = { bootstrapServers: values['bootstrap-servers'], user, mechanism, credentials, ca, own, update }
  return await command({ fleet, keep, words: rest, out, switchover, audit, groups: { json, all, alternatives, reset }, adopt })
}

try {
  process.exitCode = await main(process.argv.slice(2))
} catch (thrown) {
  console.error(`kbg: ${messageOf(thrown)}`)
  process.exitCode = 1
}
