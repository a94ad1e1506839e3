import { createHash } from 'node:crypto'
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { systemClock } from '../../engine/ports/clock.ts'
import { javaMajorVersion, releasedJavaVersion } from '../../tools/java.ts'
import { differences, parseSums } from '../../tools/kafka.ts'
import { findJava, findOnPath, kafkaPluginVersion, nodeBinDir, projectDir, toolEnv } from '../../tools/paths.ts'
import { mustRun, runCommand } from '../../tools/process.ts'
import { isAtLeast, pulumiOnPath } from '../../tools/pulumi.ts'
import { installRelease, pulumiRelease } from '../../tools/release.ts'
import { isStamped, keyOf, writeStamp } from '../../tools/stamp.ts'
import { runLane, type Step, withSetupLock } from '../../tools/step.ts'

let scratch: string
beforeEach(() => {
  scratch = mkdtempSync(join(tmpdir(), 'kbg-tools-test-'))
})
afterEach(() => rmSync(scratch, { recursive: true }))

const executable = (file: string, text: string): void => writeFileSync(file, `#!/bin/sh\n${text}\n`, { mode: 0o755 })

describe('versions', () => {
  test.each([
    ['openjdk version "17.0.15" 2025-04-15', 17],
    ['java version "1.8.0_452"', 8],
    ['openjdk version "21-ea" 2023-09-19', 21],
    ['command not found', undefined],
  ])('%s is Java %s', (output, version) => expect(javaMajorVersion(output)).toBe(version))

  test.each([
    ['3.200.0', '3.200.0', true],
    ['3.255.0', '3.200.0', true],
    ['4.0.0', '3.200.0', true],
    ['3.199.9', '3.200.0', false],
    ['2.300.0', '3.200.0', false],
  ])('%s is at least %s: %s', (version, wanted, answer) => expect(isAtLeast(version, wanted)).toBe(answer))

  test('the plugin that set-up asks for is the version of the installed package', () => {
    const manifest = JSON.parse(readFileSync(join(projectDir, 'node_modules/@pulumi/kafka/package.json'), 'utf8'))
    expect(manifest.version).toBe(kafkaPluginVersion)
  })
})

describe('finding programs', () => {
  test('JAVA_HOME goes before the PATH, and a file that is not executable is none', () => {
    mkdirSync(join(scratch, 'home/bin'), { recursive: true })
    mkdirSync(join(scratch, 'bin'))
    executable(join(scratch, 'home/bin/java'), 'exit 0')
    executable(join(scratch, 'bin/java'), 'exit 0')
    writeFileSync(join(scratch, 'bin/mvn'), '', { mode: 0o644 })
    expect(findJava({ JAVA_HOME: join(scratch, 'home'), PATH: join(scratch, 'bin') })).toBe(join(scratch, 'home/bin/java'))
    expect(findJava({ PATH: join(scratch, 'bin') })).toBe(join(scratch, 'bin/java'))
    expect(findOnPath('mvn', join(scratch, 'bin'))).toBeUndefined()
  })

  test('a Java says its version in the file beside it, also through a link; a wrapper has none', () => {
    for (const dir of ['jdk/bin', 'shims']) mkdirSync(join(scratch, dir), { recursive: true })
    executable(join(scratch, 'jdk/bin/java'), 'exit 0')
    writeFileSync(join(scratch, 'jdk/release'), 'IMPLEMENTOR="x"\nJAVA_VERSION="21.0.5"\nJAVA_VERSION_DATE="2024-10-15"\n')
    symlinkSync(join(scratch, 'jdk/bin/java'), join(scratch, 'java'))
    expect(releasedJavaVersion(join(scratch, 'java'))).toBe(21)
    writeFileSync(join(scratch, 'jdk/release'), 'JAVA_VERSION="1.8.0_452"\n')
    expect(releasedJavaVersion(join(scratch, 'java'))).toBe(8)
    executable(join(scratch, 'shims/java'), 'exit 0')
    expect(releasedJavaVersion(join(scratch, 'shims/java'))).toBeUndefined()
  })

  test("the environment for children starts with this project's Node, and making it twice changes nothing", () => {
    const once = toolEnv({ PATH: '/usr/bin', OTHER: 'kept' })
    expect(once.PATH?.startsWith(nodeBinDir)).toBe(true)
    expect(once.PATH?.endsWith('/usr/bin')).toBe(true)
    expect(once.OTHER).toBe('kept')
    expect(toolEnv(once)).toEqual(once)
  })

  test.each([
    ['3.255.0', true, true],
    ['3.100.0', true, false],
    ['3.255.0', false, false],
  ])('a Pulumi CLI %s on the PATH, language host beside it: %s, is used: %s', async (version, hasHost, used) => {
    executable(join(scratch, 'pulumi'), `echo v${version}`)
    if (hasHost) executable(join(scratch, 'pulumi-language-nodejs'), 'exit 0')
    const found = await pulumiOnPath({ PATH: scratch })
    expect(found?.version).toBe(used ? version : undefined)
  })
})

describe('checksums', () => {
  const hash = (text: string): string => createHash('sha256').update(text).digest('hex')

  test('every difference from the list is named, and a whole directory has none', async () => {
    for (const name of ['same', 'changed', 'extra']) writeFileSync(join(scratch, name), name)
    const sums = parseSums(`${hash('same')}  same\n${hash('other')}  changed\n${hash('gone')}  gone\n`)
    expect(await differences(scratch, sums)).toEqual(['extra is not in the list', 'changed has another checksum', 'gone is missing'])
    rmSync(join(scratch, 'extra'))
    expect(await differences(scratch, parseSums(`${hash('same')}  same\n${hash('changed')}  changed\n`))).toEqual([])
  })

  test('a torn list is refused', () => expect(() => parseSums('abc  file.jar')).toThrow(/bad-checksum-list/))

  test.each(['3.9.2', '4.3.1'])('the list of Kafka %s names each jar once', (version) => {
    const text = readFileSync(join(projectDir, 'tools/kafka', version, 'SHA256SUMS'), 'utf8')
    expect(parseSums(text).size).toBe(text.trim().split('\n').length)
    expect([...parseSums(text).keys()]).toContain(`kafka_2.13-${version}.jar`)
  })
})

describe('stamps', () => {
  test('vouch for exactly the same pins and whole files', () => {
    writeFileSync(join(scratch, 'tool'), 'binary')
    const key = keyOf([{ text: 'v1' }, { file: join(scratch, 'tool') }])
    expect(isStamped(scratch, 'tool', key)).toBe(false)
    writeStamp(scratch, 'tool', key, ['tool'])
    expect(isStamped(scratch, 'tool', key)).toBe(true)
    expect(isStamped(scratch, 'tool', keyOf([{ text: 'v2' }]))).toBe(false)
    writeFileSync(join(scratch, 'tool'), 'bin')
    expect(isStamped(scratch, 'tool', key)).toBe(false)
  })

  test('a torn stamp counts as none', () => {
    writeFileSync(join(scratch, '.tool.stamp.json'), '{"key": "k", "fi')
    expect(isStamped(scratch, 'tool', 'k')).toBe(false)
  })
})

describe('steps', () => {
  const step = (name: string, run: () => Promise<string>, done = false): Step => ({ name, done: () => done, run })

  test('a lane skips what is there, says what it made, and ends at the first failure', async () => {
    const lines: string[] = []
    const never = step('never', () => Promise.reject(new Error('must not run')))
    const results = await runLane(
      [step('there', never.run, true), step('made', async () => 'from a module'), step('broken', () => Promise.reject(new Error('no network'))), never],
      (line) => lines.push(line),
      new AbortController().signal,
    )
    expect(results.map(({ name, outcome }) => `${name} ${outcome}`)).toEqual(['there present', 'made made', 'broken failed'])
    expect(lines).toHaveLength(2)
    expect(lines[0]).toMatch(/made +\d+\.\d s {2}from a module/)
    expect(lines[1]).toContain('FAILED: no network')
  })

  test('a cancelled lane does nothing more', async () => {
    const stop = new AbortController()
    const first = step('first', async () => {
      stop.abort()
      return 'in spite of it'
    })
    const results = await runLane([first, step('second', () => Promise.reject(new Error('must not run')))], () => undefined, stop.signal)
    expect(results.map(({ name }) => name)).toEqual(['first'])
  })

  test('the lock keeps a second set-up out, and the lock of a dead process is taken over', async () => {
    const file = join(scratch, 'lock')
    writeFileSync(file, String(process.pid))
    await expect(withSetupLock(file, 0.1, async () => 'in')).rejects.toThrow(/set-up-running/)
    const dead = Number(await mustRun('sh', ['-c', 'echo $$'], { deadlineSeconds: 5 }))
    writeFileSync(file, String(dead))
    expect(await withSetupLock(file, 5, async () => 'in')).toBe('in')
    expect(existsSync(file)).toBe(false)
  })

  test('a program past its deadline is ended with what it started', async () => {
    const trace = join(scratch, 'trace')
    const result = await runCommand('sh', ['-c', `(sleep 0.6; touch ${trace}) & wait`], { deadlineSeconds: 0.2 })
    expect(result).toMatchObject({ timedOut: true, exitCode: undefined })
    await systemClock.sleep(700) // until the grandchild would have left its trace
    expect(existsSync(trace)).toBe(false)
  })

  test("a failed program's error has its last words", async () => {
    await expect(mustRun('sh', ['-c', 'echo disk full; exit 3'], { deadlineSeconds: 5 })).rejects.toThrow(/exit code 3.*disk full/s)
    await expect(mustRun(join(scratch, 'nothing'), [], { deadlineSeconds: 5 })).rejects.toThrow(/command-not-started/)
  })
})

describe('the official release', () => {
  let server: Server
  let files: Map<string, Buffer>
  let origin: string
  beforeEach(async () => {
    files = new Map()
    server = createServer((request, response) => {
      const body = files.get(request.url ?? '')
      response.writeHead(body === undefined ? 404 : 200).end(body)
    })
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
    mkdirSync(join(scratch, 'pulumi'))
    executable(join(scratch, 'pulumi/pulumi'), 'echo v3.200.0')
    await mustRun('tar', ['-czf', join(scratch, 'p.tar.gz'), '-C', scratch, 'pulumi'], { deadlineSeconds: 10 })
    files.set('/p.tar.gz', readFileSync(join(scratch, 'p.tar.gz')))
  })
  afterEach(() => server.close())
  const release = () => ({ archiveUrl: `${origin}/p.tar.gz`, checksumsUrl: `${origin}/sums` })

  test('is unpacked when it is what was published', async () => {
    const sum = createHash('sha256')
      .update(files.get('/p.tar.gz') ?? '')
      .digest('hex')
    files.set('/sums', Buffer.from(`${'0'.repeat(64)}  other.tar.gz\n${sum}  p.tar.gz\n`))
    await installRelease(release(), join(scratch, 'to/pulumi'))
    expect(await mustRun(join(scratch, 'to/pulumi/pulumi'), [], { deadlineSeconds: 5 })).toBe('v3.200.0\n')
  })

  test('is refused with another checksum, or with none', async () => {
    files.set('/sums', Buffer.from(`${'0'.repeat(64)}  p.tar.gz\n`))
    await expect(installRelease(release(), join(scratch, 'to'))).rejects.toThrow(/checksum-mismatch/)
    files.set('/sums', Buffer.from(''))
    await expect(installRelease(release(), join(scratch, 'to'))).rejects.toThrow(/not in the list/)
    expect(existsSync(join(scratch, 'to'))).toBe(false)
  })

  test("says that it can't be downloaded, so that the next way is tried", async () => {
    await expect(installRelease(release(), join(scratch, 'to'))).rejects.toMatchObject({ code: 'not-downloadable', retriable: true })
    expect(pulumiRelease('3.200.0', 'win32', 'x64')).toBeUndefined()
    expect(pulumiRelease('3.200.0', 'linux', 'arm64')?.archiveUrl).toMatch(/pulumi-v3\.200\.0-linux-arm64\.tar\.gz$/)
  })
})
