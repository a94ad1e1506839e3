/**
 * Fences a new colour: `node engine/run/birth/main.ts <birth.json>`. Ends with 0 when every broker refuses application writes, or when the colour was born before: then nothing was touched. Tells
 * which on standard error.
 */
import { readFileSync } from 'node:fs'
import { argv, exit, stderr } from 'node:process'
import { fenceAtBirth } from '../../adapters/kafka/birth.ts'
import { BirthConfig } from '../../model/birth.ts'
import { KbgError, messageOf } from '../../model/error.ts'
import { Deadline, systemClock } from '../../ports/clock.ts'

try {
  const [, , file] = argv
  if (file === undefined) throw new KbgError('birth-config', 'A birth needs the path of its configuration.')
  const { access, brokers, deadlineSeconds } = BirthConfig.parse(JSON.parse(readFileSync(file, 'utf8')))
  const became = await fenceAtBirth(access, brokers, new Deadline(systemClock, deadlineSeconds * 1_000, `${access.colour} to be fenced`))
  stderr.write(`${access.colour}: ${became === 'fenced' ? `fenced on all ${brokers} brokers` : 'born before, nothing was touched'}\n`)
  exit(0)
} catch (thrown) {
  stderr.write(`not fenced: ${messageOf(thrown)}\n`)
  exit(1)
}
