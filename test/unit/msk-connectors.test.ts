/** What is believed of MSK Connect's lists, which tell late what was made and ended, and what comes of requests whose answers get lost: AWS's own client against the stand-in, without workers. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { MskConnectors } from '../../engine/adapters/connect/msk-connectors.ts'
import { KbgError } from '../../engine/model/error.ts'
import { mskConnectorRequest, mskWorkerProperties } from '../../engine/model/msk-connect.ts'
import { MskConnectWorker } from '../../engine/model/msk-connect-worker.ts'
import { fewestReadings, type ListReading, Unlisted } from '../../engine/model/unlisted.ts'
import { Deadline } from '../../engine/ports/clock.ts'
import { mskColour, networkAccess } from '../support/msk-colour.ts'
import { DeclarationsInMemory, PausesOnly } from '../support/msk-connect/in-memory.ts'
import { MskConnectStandIn } from '../support/msk-connect/stand-in.ts'

const minuteMs = 60_000

describe('a name that a list doesn’t name', () => {
  const at = (seconds: number, isListed = false): ListReading => ({ askedMs: seconds * 1_000, answeredMs: seconds * 1_000, isListed })
  const seconds = (...each: readonly number[]) => each.map((second) => at(second))

  test.each<[string, readonly ListReading[], number | null]>([
    ['is gone once it was told often enough over the whole span', seconds(0, 5, 10, 15, 20, 25), 4],
    ['isn’t by many readings in a moment', seconds(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19), null],
    ['isn’t by two, however long between: whoever asks may have been paused', seconds(0, 600), null],
    ['isn’t when it was named in between: the span begins anew', [...seconds(0, 5, 10, 15), at(18, true), ...seconds(20, 25, 30, 35)], null],
    ['is, a whole span behind the last time it was named', [...seconds(0, 5, 10, 15), at(18, true), ...seconds(20, 25, 30, 35, 40)], 9],
    [
      'isn’t yet while only the answers come late enough: what they say is as old as the question',
      [...seconds(0, 5, 10, 15), { askedMs: 19_000, answeredMs: 40_000, isListed: false }],
      null,
    ],
    ['isn’t yet by a first answer that was long under way', [{ askedMs: 0, answeredMs: 4_000, isListed: false }, ...seconds(5, 10, 15, 20), at(24)], 5],
    ['isn’t by a list that names it', [at(0, true), at(30, true), at(60, true)], null],
  ])('%s', (_, readings, goneAt) => {
    const unlisted = new Unlisted(20_000)
    const heard = readings.map((reading) => unlisted.heard(reading))
    expect(heard.indexOf(true)).toBe(goneAt ?? -1)
    expect(fewestReadings).toBe(5)
  })
})

describe('connectors of MSK Connect', () => {
  const before = { ...process.env }
  const name = 'kbg-mirror-blue-green-7'
  const real = `kbg-production-shop-green-${name}`
  let dir: string
  let standIn: MskConnectStandIn
  let declarations: DeclarationsInMemory
  let clock: PausesOnly
  let connectors: MskConnectors

  beforeEach(async () => {
    dir = mkdtempSync(join(tmpdir(), 'kbg-stand-in-'))
    standIn = await MskConnectStandIn.start(dir)
    standIn.withoutWorkers = true
    Object.assign(process.env, { AWS_ENDPOINT_URL_KAFKACONNECT: standIn.endpoint, AWS_ACCESS_KEY_ID: 'stand-in', AWS_SECRET_ACCESS_KEY: 'stand-in' })
    declarations = new DeclarationsInMemory()
    clock = new PausesOnly(1_000)
    connectors = fresh()
  })

  afterEach(async () => {
    connectors.close()
    await standIn.end()
    process.env = { ...before }
    rmSync(dir, { recursive: true, force: true })
  })

  /** Another process, which knows what is declared and nothing else. */
  function fresh(workerConfigurationArn = standIn.addWorkerConfiguration('into-green', mskWorkerProperties('green'))): MskConnectors {
    const side = (colour: 'blue' | 'green') => ({ ...mskColour(colour), iamBootstrapServers: mskColour(colour).addresses.iam })
    const parts = {
      ...{ pluginArn: 'arn:plugin', pluginRevision: 1, workerConfigurationRevision: 1, roleArn: 'arn:role', logGroup: '/kbg/mirror' },
      workerConfigurationArn,
    }
    const request = mskConnectorRequest(side('blue'), side('green'), networkAccess('green'), parts, ['orders'])
    const namePrefix = 'kbg-production-shop-green-'
    return new MskConnectors(MskConnectWorker.parse({ kind: 'msk-connect', colour: 'green', region: 'eu-central-1', namePrefix, request }), declarations)
  }

  const within = (minutes = 30) => new Deadline(clock, minutes * minuteMs, 'the test')
  const state = async () => (await connectors.facts(name, within())).state
  const posts = () => standIn.asked.filter((request) => request.startsWith('POST ')).length
  const minutesFor = async (work: () => Promise<void>) => {
    const from = clock.monotonicMs()
    await work()
    return (clock.monotonicMs() - from) / minuteMs
  }

  test('one that nobody has asked for is stopped, or absent, by what is declared alone', async () => {
    expect(await state()).toBe('absent')
    await connectors.declare(name, ['orders'], within())
    expect(await state()).toBe('STOPPED')
    expect(await minutesFor(() => connectors.end(name, within()))).toBe(0)
    await connectors.remove(name, within())
    expect(await state()).toBe('absent')
    expect(posts()).toBe(0)
  })

  test('one that was made and isn’t listed yet is never absent or stopped, and isn’t made a second time', async () => {
    standIn.late = { made: 25, ended: 0 }
    await connectors.declare(name, ['orders'], within())
    const running = connectors.run(name, within())
    await expect.poll(() => standIn.there).toEqual([real])
    expect(await state()).toBe('UNASSIGNED')
    expect(await connectors.names(within())).toEqual([name])
    await running
    expect(await state()).toBe('RUNNING')
    expect(posts()).toBe(1)
    expect(declarations.marks).toEqual(['never', 'open', 'answered'])
  })

  test('the end of one that isn’t listed yet waits until it is, ends it, and says so only when nothing is left', async () => {
    standIn.late = { made: 60, ended: 30 }
    await connectors.declare(name, ['orders'], within())
    await expect(connectors.run(name, within(0.1))).rejects.toMatchObject({ code: 'connector-state', retriable: true })
    const minutes = await minutesFor(() => connectors.end(name, within()))
    expect(standIn.there).toEqual([])
    expect(minutes).toBeGreaterThan(2)
    expect(await state()).toBe('STOPPED')
    expect(standIn.asked.filter((request) => request.startsWith('DELETE ')).length).toBeGreaterThanOrEqual(1)
  })

  test('a list that forgets one that runs isn’t believed', async () => {
    await connectors.declare(name, ['orders'], within())
    await connectors.run(name, within())
    standIn.hide(real, 100)
    expect(await state()).toBe('UNASSIGNED')
    await connectors.end(name, within())
    expect(standIn.there).toEqual([])
  })

  test('one whose end is listed late is ended once, and a refusal of that is no reason to give up', async () => {
    standIn.late = { made: 0, ended: 40 }
    await connectors.declare(name, ['orders'], within())
    await connectors.run(name, within())
    expect(await minutesFor(() => connectors.end(name, within()))).toBeGreaterThan(2)
    await connectors.remove(name, within())
    expect(await state()).toBe('absent')
  })

  test.each(['dropped', 'done'] as const)('a request whose answer got lost (%s) is repeated under its name, and there is one', async (lost) => {
    standIn.losing = [lost]
    standIn.late = { made: 10, ended: 0 }
    await connectors.declare(name, ['orders'], within())
    await connectors.run(name, within())
    expect(standIn.there).toEqual([real])
    expect(posts()).toBeGreaterThanOrEqual(2)
    expect(declarations.held.get(real)?.asked).toBe('open') // the first request may still be under way
    expect(await minutesFor(() => connectors.end(name, within()))).toBeGreaterThan(7)
    expect(standIn.there).toEqual([])
  })

  test('a request that comes minutes late, of a process that was killed: the end waits for it, and ends what it made', async () => {
    standIn.losing = [{ listsLater: 4 * 60 }, { listsLater: 5 * 60 }]
    await connectors.declare(name, ['orders'], within())
    await expect(connectors.run(name, within(0.02))).rejects.toMatchObject({ code: 'connector-state' })
    connectors.close()
    connectors = fresh()
    expect(await state()).toBe('UNASSIGNED')
    await connectors.end(name, within())
    expect(standIn.there).toEqual([])
    expect(await state()).toBe('STOPPED')
    expect(standIn.asked.some((request) => request.startsWith('DELETE '))).toBe(true)
  })

  test('a request that was refused leaves nothing that would have to be waited for; one that failed is ended before its name is taken again', async () => {
    await connectors.declare(name, ['orders'], within())
    const refused = fresh('arn:other')
    await expect(refused.run(name, within())).rejects.toMatchObject({ code: 'connect-refused' })
    refused.close()
    expect(await state()).toBe('STOPPED')
    standIn.withoutWorkers = false // it fails, since nobody serves clusters
    await expect(connectors.run(name, within())).rejects.toMatchObject({ code: 'connector-failed' })
    expect(await state()).toBe('FAILED')
    standIn.withoutWorkers = true
    await connectors.run(name, within())
    expect(declarations.marks).toEqual(['never', 'open', 'never', 'open', 'answered', 'never', 'open', 'answered'])
    expect(standIn.there).toEqual([real])
  })

  test('one that is there though nobody has declared that it was asked for, as by a process that was paused for minutes, is known to be from then on', async () => {
    await connectors.declare(name, ['orders'], within())
    await connectors.run(name, within())
    for (const isListed of [true, false]) {
      declarations.held.set(real, { topics: ['orders'], asked: 'never' })
      if (!isListed) standIn.hide(real, 10)
      await connectors.run(name, within())
      standIn.hide(real, 100)
      expect(await state(), `listed: ${isListed}`).toBe('UNASSIGNED')
    }
    await connectors.end(name, within())
    expect(standIn.there).toEqual([])
  })

  test('one that is ending isn’t running, whatever the list says', async () => {
    await connectors.declare(name, ['orders'], within())
    await connectors.run(name, within())
    standIn.late = { made: 0, ended: 40 }
    await expect(connectors.end(name, within(0.1))).rejects.toMatchObject({ code: 'connector-state' })
    await connectors.run(name, within())
    expect(standIn.there).toEqual([real])
    expect(await state()).toBe('RUNNING')
  })

  test('who asks for it while it is being ended isn’t forgotten', async () => {
    await connectors.declare(name, ['orders'], within())
    await connectors.run(name, within())
    const ending = connectors.end(name, within())
    await expect.poll(() => standIn.there).toEqual([])
    declarations.held.set(real, { topics: ['orders'], asked: 'open' })
    const from = clock.monotonicMs()
    await ending
    expect((clock.monotonicMs() - from) / minuteMs).toBeGreaterThan(7)
    expect(declarations.held.get(real)?.asked).toBe('never')
  })

  test('told to stop while it is asked for, it may be there', async () => {
    await connectors.declare(name, ['orders'], within())
    const stopping = new AbortController()
    const declare = declarations.declare.bind(declarations)
    declarations.declare = async (connector, declared) => {
      await declare(connector, declared)
      if (declared.asked === 'open') stopping.abort(new KbgError('cancelled', 'Told to stop.'))
    }
    await expect(connectors.run(name, new Deadline(clock, 30 * minuteMs, 'the test', stopping.signal))).rejects.toMatchObject({ code: 'cancelled' })
    expect(declarations.held.get(real)?.asked).toBe('open')
  })
})
