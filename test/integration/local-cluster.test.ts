/** Real brokers: one colour of Kafka 4.3.1 is born, used, damaged, repaired and destroyed; further ones fail on the way. */
import { spawn } from 'node:child_process'
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { Kafka, type KafkaConfig, logLevel } from 'kafkajs'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { createAcls, createTopics, deleteAcls } from '../../engine/adapters/kafka/admin.ts'
import { fenceBindings } from '../../engine/adapters/kafka/fence.ts'
import { destroyCluster, observeCluster, provisionCluster, startDeadBrokers } from '../../engine/adapters/local/cluster.ts'
import { readCredentials } from '../../engine/adapters/local/credentials.ts'
import { colourDirectory, credentialsPath, fleetDirectory, localAddresses } from '../../engine/adapters/local/state.ts'
import { endpointText } from '../../engine/model/addresses.ts'
import type { ClusterAccess } from '../../engine/model/cluster-access.ts'
import { KbgError } from '../../engine/model/error.ts'
import { Deadline, systemClock } from '../../engine/ports/clock.ts'

const fleet = 'test-local'
const spec = { fleet, colour: 'blue', kafkaVersion: '4.3.1', nodes: 3, applicationUsers: ['orders-app'] } as const
/** What JAAS, properties files and ConfigProviders could each take amiss. */
const nastyPasswords = { broker: 'a"b\\c;d $' + '{env:HOME} é€\n#=', admin: '\'"\\;\t$1 ünï:!' }

const orders = { topic: 'orders', partitions: 3, replicationFactor: 3, config: {} }

let root: string
let access: ClusterAccess
const within = (seconds: number, cancelled?: AbortSignal): Deadline => new Deadline(systemClock, seconds * 1_000, 'the test', cancelled)
const quiet = (): void => undefined

beforeAll(async () => {
  root = mkdtempSync(join(tmpdir(), 'kbg-local-'))
  mkdirSync(fleetDirectory(root, fleet), { recursive: true, mode: 0o700 })
  writeFileSync(credentialsPath(root, fleet), JSON.stringify({ version: 1, passwords: nastyPasswords }), { mode: 0o600 })
  access = await provisionCluster(root, spec, quiet, within(150))
})

/** Waits for a provisioning that a timed-out test has left running: it holds the lock, and its brokers must not outlive us. */
async function destroyWhenFree(name: string, colour: 'blue' | 'green'): Promise<void> {
  await within(150).poll(100, async () => {
    try {
      await destroyCluster(root, name, colour, quiet, within(40))
      return true
    } catch (error) {
      if (error instanceof KbgError && error.code === 'busy') return undefined
      throw error
    }
  })
}

afterAll(async () => {
  for (const name of [fleet, `${fleet}-broken`]) {
    for (const colour of ['blue', 'green'] as const) await destroyWhenFree(name, colour)
  }
  rmSync(root, { recursive: true })
})

/** Processes of this test's directory, by what /proc shows of their arguments. */
function processesOf(directory: string): readonly { readonly pid: number; readonly visible: string }[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .flatMap((pid) => {
      const commandLine = readProc(pid, 'cmdline')
      return commandLine.includes(directory) ? [{ pid: Number(pid), visible: commandLine + readProc(pid, 'environ') }] : []
    })
}

function readProc(pid: string, name: string): string {
  try {
    return readFileSync(`/proc/${pid}/${name}`, 'utf8')
  } catch {
    return '' // it ended meanwhile, or belongs to somebody else
  }
}

function kafka(brokers: readonly string[], sasl?: KafkaConfig['sasl']): Kafka {
  const base = { clientId: 'test', brokers: [...brokers], logLevel: logLevel.NOTHING, connectionTimeout: 3_000, requestTimeout: 5_000, retry: { retries: 0 } }
  return new Kafka(sasl ? { ...base, sasl } : base)
}

function scram(user: string): NonNullable<KafkaConfig['sasl']> {
  return { mechanism: 'scram-sha-512', username: user, password: readCredentials(access.credentialsFile).passwords[user] ?? '' }
}

/** Sends one record as the application; its error's type, or `accepted`. */
async function send(topic: string, value: string, user = 'orders-app'): Promise<string> {
  const producer = kafka(access.produceBootstrapServers, scram(user)).producer()
  try {
    await producer.connect()
    await producer.send({ topic, acks: -1, messages: [{ value }] })
    return 'accepted'
  } catch (error) {
    return (error as { type?: string }).type ?? String(error)
  } finally {
    await producer.disconnect()
  }
}

/** Sends until the answer is as expected: brokers learn of users and rights with their next metadata push, and tell nobody. */
async function sendUntil(expected: RegExp, topic: string, user = 'orders-app'): Promise<void> {
  const deadline = within(30)
  for (;;) {
    const answer = await send(topic, `until ${expected}`, user)
    if (expected.test(answer)) return
    if (deadline.over) expect(answer).toMatch(expected)
    await systemClock.sleep(50)
  }
}

async function endOffset(topic: string): Promise<number> {
  const admin = kafka(access.internalBootstrapServers, scram('operator')).admin()
  try {
    await admin.connect()
    return (await admin.fetchTopicOffsets(topic)).reduce((sum, partition) => sum + Number(partition.high), 0)
  } finally {
    await admin.disconnect()
  }
}

describe('a colour that was just born', () => {
  test('stands completely, with three brokers, each on an address of its own', () => {
    const facts = observeCluster(root, fleet, 'blue')
    expect(facts?.complete).toBe(true)
    expect(facts?.brokers.map((broker) => broker.nodeId)).toEqual([1, 2, 3])
    expect(facts?.brokers.every((broker) => broker.pid !== null)).toBe(true)
    expect(facts?.access).toEqual(access)
  })

  test('keeps its passwords in files of mode 0600 and out of what ps shows', () => {
    const passwords = Object.values(readCredentials(access.credentialsFile).passwords)
    expect(Object.keys(readCredentials(access.credentialsFile).passwords).sort()).toEqual(['admin', 'broker', 'mirror', 'operator', 'orders-app', 'probe'])
    const node = join(colourDirectory(root, fleet, 'blue'), 'node-1')
    for (const file of [access.credentialsFile, join(node, 'server.properties'), join(node, 'log'), join(node, 'pid')]) {
      expect(statSync(file).mode & 0o777).toBe(0o600)
    }
    for (const directory of [dirname(access.credentialsFile), colourDirectory(root, fleet, 'blue'), node]) {
      expect(statSync(directory).mode & 0o777).toBe(0o700)
    }
    const processes = processesOf(root)
    expect(processes).toHaveLength(3)
    for (const password of passwords) {
      expect(processes.filter((each) => each.visible.includes(password))).toEqual([])
      expect(readFileSync(join(node, 'log'), 'utf8')).not.toContain(password)
    }
  })

  test.each(['internal', 'produce', 'consume'] as const)('lets nobody in at the %s listener without a login', async (listener) => {
    const admin = kafka(access[`${listener}BootstrapServers`]).admin()
    await expect(admin.connect().then(() => admin.listTopics())).rejects.toThrow()
    await admin.disconnect()
  })

  test('takes the admin at the internal listener only, whatever its password is made of', async () => {
    const sasl = { mechanism: 'plain', username: 'admin', password: nastyPasswords.admin } as const
    const inside = kafka(access.internalBootstrapServers, sasl).admin()
    await inside.connect()
    expect((await inside.listTopics()).sort()).toEqual(['kbg.canary.blue', 'kbg.canary.green'])
    await inside.disconnect()
    const outside = kafka(access.produceBootstrapServers, sasl).admin()
    await expect(outside.connect()).rejects.toThrow(/mechanism/i)
    await outside.disconnect()
  })

  test('refuses application writes until its fence is lifted, and an `up` afterwards leaves it lifted', async () => {
    await createTopics(access, [orders], within(40))
    const rights = ['Write', 'Describe'].map((operation) => ({
      principal: 'User:orders-app',
      host: '*',
      resourceType: 'topic' as const,
      resourceName: 'orders',
      patternType: 'literal' as const,
      operation,
      permission: 'allow' as const,
    }))
    await createAcls(access, rights, within(30))
    await systemClock.sleep(500) // brokers learn of an ACL with their next metadata push; the refusal must be the fence's, not a missing right's
    expect(await send('orders', 'refused')).toBe('TOPIC_AUTHORIZATION_FAILED')
    await deleteAcls(access, fenceBindings, within(30))
    await sendUntil(/^accepted$/, 'orders')
    await provisionCluster(root, spec, quiet, within(60))
    expect(await send('orders', 'accepted again')).toBe('accepted')
    expect(await endOffset('orders')).toBe(2)
  })
})

describe('a colour that stands', () => {
  test('refuses another version or configuration, and says where to make it', async () => {
    const changed = { ...spec, kafkaVersion: '3.9.2', brokerConfig: { 'num.io.threads': '8' } }
    await expect(provisionCluster(root, changed, quiet, within(30))).rejects.toThrow(/cluster-change.*kafkaVersion 4.3.1 -> 3.9.2.*green/s)
  })

  test('adds and removes application users', async () => {
    await provisionCluster(root, { ...spec, applicationUsers: ['orders-app', 'stock-app'] }, quiet, within(60))
    await sendUntil(/not authorized/i, 'orders', 'stock-app')
    await provisionCluster(root, spec, quiet, within(60))
    await sendUntil(/SASL|authentication/i, 'orders', 'stock-app')
    expect(observeCluster(root, fleet, 'blue')?.spec.applicationUsers).toEqual(['orders-app'])
  })

  test('shows a killed broker, which starts again with its data', async () => {
    const before = observeCluster(root, fleet, 'blue')?.brokers ?? []
    const victim = before[1]
    if (!victim?.pid) throw new Error('broker 2 does not live')
    const end = await endOffset('orders')
    process.kill(victim.pid, 'SIGKILL')
    await within(30).poll(20, async () => (observeCluster(root, fleet, 'blue')?.brokers[1]?.pid === null ? true : undefined))
    const lines: string[] = []
    await startDeadBrokers(root, fleet, 'blue', (line) => lines.push(line), within(110))
    expect(lines).toEqual(['starting broker 2 of blue (Kafka 4.3.1)'])
    const after = observeCluster(root, fleet, 'blue')?.brokers ?? []
    expect(after[1]?.pid).not.toBe(victim.pid)
    expect([after[0]?.pid, after[2]?.pid]).toEqual([before[0]?.pid, before[2]?.pid])
    await createTopics(access, [orders], within(40)) // it is there: this waits until every broker names a leader for each of its partitions again
    expect(await send('orders', 'after the restart')).toBe('accepted')
    expect(await endOffset('orders')).toBe(end + 1)
  })

  test('is destroyed to the last process and file, and nothing else is', async () => {
    const bystander = spawn('sleep', ['60'], { stdio: 'ignore' })
    try {
      await destroyCluster(root, fleet, 'blue', quiet, within(40))
      expect(processesOf(colourDirectory(root, fleet, 'blue'))).toEqual([])
      expect(existsSync(fleetDirectory(root, fleet))).toBe(false)
      expect(observeCluster(root, fleet, 'blue')).toBeUndefined()
      expect([bystander.exitCode, bystander.signalCode]).toEqual([null, null])
      await destroyCluster(root, fleet, 'blue', quiet, within(40))
    } finally {
      bystander.kill('SIGKILL')
    }
  })
})

describe('a colour that can not be born', () => {
  const broken = `${fleet}-broken`
  const wanted = { ...spec, fleet: broken, colour: 'green' } as const
  const directory = (): string => colourDirectory(root, broken, 'green')

  test('because an address is taken says which', async () => {
    const node = localAddresses(broken).green.nodes[2]
    if (!node) throw new Error('no third node')
    const server = createServer()
    await new Promise<void>((resolve) => server.listen(node.consume.port, node.consume.host, resolve))
    try {
      await expect(provisionCluster(root, wanted, quiet, within(40))).rejects.toThrow(
        new RegExp(`address-taken.*${endpointText(node.consume)}.*EADDRINUSE`, 's'),
      )
      expect(processesOf(directory())).toEqual([])
    } finally {
      await new Promise((resolve) => server.close(resolve))
    }
  })

  test('because Kafka refuses its configuration says so at once, in its words, and leaves no process', async () => {
    const refusal = await provisionCluster(root, { ...wanted, brokerConfig: { 'num.io.threads': 'many' } }, quiet, within(110)).catch(String)
    expect(refusal).toMatch(/process-ended.*num\.io\.threads/s)
    expect(processesOf(directory())).toEqual([])
  })

  test('because it was cancelled leaves no process, and a second `up` at the same time is refused meanwhile', async () => {
    const cancel = new AbortController()
    const first = provisionCluster(
      root,
      wanted,
      (line) => line.startsWith('starting') && setTimeout(() => cancel.abort(new Error('^C')), 700),
      within(110, cancel.signal),
    )
    const outcome = expect(first).rejects.toThrow('^C')
    await expect(provisionCluster(root, wanted, quiet, within(40))).rejects.toThrow(/busy.*holderPid/s)
    await outcome
    expect(processesOf(directory())).toEqual([])
  })

  test('because its provisioner was killed is born by the next one, with the brokers that live already', async () => {
    const module = (path: string): string => JSON.stringify(join(import.meta.dirname, '../../engine', path))
    const script = `import { provisionCluster } from ${module('adapters/local/cluster.ts')}
      import { Deadline, systemClock } from ${module('ports/clock.ts')}
      await provisionCluster(${JSON.stringify(root)}, ${JSON.stringify(wanted)}, () => undefined, new Deadline(systemClock, 60_000, 'it'))`
    const provisioner = spawn(process.execPath, ['--input-type=module', '-e', script], { stdio: ['ignore', 'ignore', 'inherit'] })
    const pids = (): readonly (number | null)[] => observeCluster(root, broken, 'green')?.brokers.map((broker) => broker.pid) ?? []
    const orphans = await within(120).poll(50, async () => {
      expect(provisioner.exitCode).toBeNull()
      return pids().length === 3 && !pids().includes(null) ? pids() : undefined
    })
    provisioner.kill('SIGKILL')
    await within(30).poll(10, async () => (provisioner.signalCode ? true : undefined))
    expect(observeCluster(root, broken, 'green')?.complete).toBe(false)
    await provisionCluster(root, wanted, quiet, within(110))
    expect(observeCluster(root, broken, 'green')?.complete).toBe(true)
    expect(pids()).toEqual(orphans)
    await destroyCluster(root, broken, 'green', quiet, within(40))
    expect(processesOf(directory())).toEqual([])
    expect(existsSync(directory())).toBe(false)
  }, 300_000) // on a saturated machine Node alone takes 20 s to load the provisioner
})
