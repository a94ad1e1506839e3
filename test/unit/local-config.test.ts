import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { isOwnedKey, serverProperties } from '../../engine/adapters/local/broker-config.ts'
import { changeOf, type LocalClusterSpec, parseClusterSpec, refuseChange } from '../../engine/adapters/local/cluster-spec.ts'
import { planAddresses } from '../../engine/model/addresses.ts'
import { jaasEntry, jaasQuote } from '../../engine/model/jaas.ts'
import { propertiesText } from '../../engine/model/properties.ts'

const nasty = fc.string({
  unit: fc.constantFrom('"', "'", '\\', ';', '\n', '\r', '\t', '$', '{', '}', ' ', '=', ':', '#', '!', 'a', '7', '0', 'é', '€', '😀', '\u007f'),
})

/** How java.util.Properties.load reads one line's value (escapes only: our writer never continues lines). */
function readPropertiesValue(escaped: string): string {
  const named: Record<string, string> = { n: '\n', r: '\r', t: '\t', f: '\f' }
  return escaped
    .trimStart()
    .replaceAll(/\\(u([0-9a-f]{4})|[^u])/g, (_, one: string, hex?: string) => (hex ? String.fromCharCode(Number.parseInt(hex, 16)) : (named[one] ?? one)))
}

/** How java.io.StreamTokenizer reads a quoted word: octal escapes and backslashed characters. */
function readJaasQuoted(quoted: string): string {
  const inner = quoted.slice(1, -1)
  return inner.replaceAll(/\\([0-3][0-7]{2}|.)/gs, (_, code: string) => (/^\d/.test(code) ? String.fromCharCode(Number.parseInt(code, 8)) : code))
}

describe('a password in a broker configuration', () => {
  test('of any characters is read back as it was', () => {
    fc.assert(
      fc.property(nasty, (password) => {
        const text = propertiesText({ 'sasl.jaas.config': jaasEntry('Module', { password }) })
        expect(text.split('\n')).toHaveLength(2) // one line: nothing in a value can begin another property
        const entry = readPropertiesValue(text.trimEnd().slice('sasl.jaas.config='.length))
        const quoted = /^Module required password=("(?:[^"\\]|\\.)*");$/s.exec(entry)?.[1] ?? ''
        expect(readJaasQuoted(quoted)).toBe(password)
      }),
    )
  })

  test('keeps no dollar sign that a ConfigProvider could take for a reference', () => {
    expect(jaasQuote(`${'$'}{file:/etc/passwd:root}`)).toBe('"\\044{file:/etc/passwd:root}"')
    expect(jaasQuote('a"b\\c;\n')).toBe('"a\\"b\\\\c;\\012"')
  })
})

test('a property keeps blanks at its start, umlauts and odd keys', () => {
  expect(propertiesText({ 'a key': '  x', b: 'ä' })).toBe('a\\ key=\\ \\ x\nb=\\u00e4\n')
})

describe("a node's server.properties", () => {
  const { blue } = planAddresses('unit', { subnets: true })
  const node = blue.nodes[0]
  if (!node) throw new Error('no node')
  const config = serverProperties({
    node,
    colour: blue,
    dataDirectory: '/data',
    brokerConfig: { 'num.io.threads': '8' },
    passwords: { broker: 'broker-pw', admin: 'admin-pw' },
    tls: undefined,
  })

  test('lets nobody in without a login, and clients only by SCRAM', () => {
    expect(config['listener.security.protocol.map']).toBe('CONTROLLER:SASL_PLAINTEXT,INTERNAL:SASL_PLAINTEXT,PRODUCE:SASL_PLAINTEXT,CONSUME:SASL_PLAINTEXT')
    expect(config['listener.name.produce.sasl.enabled.mechanisms']).toBe('SCRAM-SHA-512')
    expect(config['listener.name.consume.sasl.enabled.mechanisms']).toBe('SCRAM-SHA-512')
    expect(config['allow.everyone.if.no.acl.found']).toBe('false')
    expect(config['super.users']).toBe('User:broker;User:admin;User:operator;User:mirror')
  })

  test('speaks TLS on every listener or on none, checks addresses, and holds no key', () => {
    const tls = { keystore: '/data/tls.pem', caFile: '/tls/ca.pem' }
    const secured = serverProperties({ node, colour: blue, dataDirectory: '/data', brokerConfig: {}, passwords: { broker: 'b', admin: 'a' }, tls })
    expect(secured['listener.security.protocol.map']).toBe('CONTROLLER:SASL_SSL,INTERNAL:SASL_SSL,PRODUCE:SASL_SSL,CONSUME:SASL_SSL')
    const added = Object.entries(secured).filter(([key]) => key.startsWith('ssl.'))
    expect(Object.fromEntries(added)).toEqual({
      'ssl.enabled.protocols': 'TLSv1.3,TLSv1.2',
      'ssl.keystore.type': 'PEM',
      'ssl.keystore.location': '/data/tls.pem',
      'ssl.truststore.type': 'PEM',
      'ssl.truststore.location': '/tls/ca.pem',
      'ssl.endpoint.identification.algorithm': 'https',
    })
    expect(Object.keys(config).filter((key) => key.startsWith('ssl.'))).toEqual([])
  })

  test('holds passwords only in login entries of the controller and internal listener', () => {
    const holders = Object.keys(config).filter((key) => /-pw/.test(config[key] ?? ''))
    expect(holders).toEqual(['listener.name.controller.plain.sasl.jaas.config', 'listener.name.internal.plain.sasl.jaas.config'])
  })

  test('takes additions, and every key that the platform sets for safety is one that additions may not name', () => {
    expect(config['num.io.threads']).toBe('8')
    const free = Object.keys(config).filter((key) => !isOwnedKey(key))
    expect(free.sort()).toEqual(
      [
        'add.partitions.to.txn.retry.backoff.max.ms',
        'add.partitions.to.txn.retry.backoff.ms',
        'background.threads',
        'log.cleaner.dedupe.buffer.size',
        'num.io.threads',
        'num.network.threads',
        'num.recovery.threads.per.data.dir',
        'offsets.topic.num.partitions',
        'transaction.state.log.num.partitions',
      ].sort(),
    )
  })
})

describe('the spec of a local colour', () => {
  const wanted = { fleet: 'unit', colour: 'blue', kafkaVersion: '4.3.1', nodes: 3 }

  test('has defaults', () => {
    expect(parseClusterSpec(wanted)).toEqual({ ...wanted, tls: false, brokerConfig: {}, applicationUsers: [] })
  })

  test('is refused with all of its problems at once', () => {
    const wrong = {
      ...wanted,
      kafkaVersion: '2.8.0',
      nodes: 1,
      brokerConfig: { 'super.users': 'User:me', 'listener.name.internal.sasl.enabled.mechanisms': 'PLAIN' },
      applicationUsers: ['operator', 'a b'],
      colour: 'red',
    }
    const refusal = (() => {
      try {
        parseClusterSpec(wrong)
        return ''
      } catch (error) {
        return String(error)
      }
    })()
    for (const problem of [
      'colour',
      'kafkaVersion',
      'nodes',
      'brokerConfig.super.users',
      'brokerConfig.listener.name',
      'operator is a user',
      'applicationUsers.1',
    ]) {
      expect(refusal).toContain(problem)
    }
  })

  test('change of version and configuration is named key by key, of users is none', () => {
    const before: LocalClusterSpec = parseClusterSpec({ ...wanted, brokerConfig: { 'num.io.threads': '4', 'log.roll.hours': '1' } })
    const after: LocalClusterSpec = parseClusterSpec({ ...wanted, kafkaVersion: '3.9.2', brokerConfig: { 'num.io.threads': '8' }, applicationUsers: ['new'] })
    expect(changeOf(before, { ...before, applicationUsers: ['new'] })).toEqual([])
    expect(changeOf(before, after)).toEqual([
      { field: 'kafkaVersion', provisioned: '4.3.1', wanted: '3.9.2' },
      { field: 'brokerConfig.log.roll.hours', provisioned: '1', wanted: '(default)' },
      { field: 'brokerConfig.num.io.threads', provisioned: '4', wanted: '8' },
    ])
    expect(() => refuseChange(before, after)).toThrow(/cluster-change.*kafkaVersion 4.3.1 -> 3.9.2.*make the change on green/s)
    expect(() => refuseChange(before, before)).not.toThrow()
  })
})
