/**
 * A real Kubernetes API server with an etcd of its own on loopback, for as long as a test runs. It has neither scheduler nor controllers nor Strimzi's operator: it says whether it takes an object,
 * and nothing becomes of one.
 */
import { generateKeyPairSync, randomBytes } from 'node:crypto'
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { request } from 'node:https'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { startProcess, stopProcess, waitForPort, waitUntilReady } from '../../engine/adapters/local/process.ts'
import { KbgError } from '../../engine/model/error.ts'
import { Deadline, systemClock } from '../../engine/ports/clock.ts'
import { kubeApiServer } from '../../tools/kube-apiserver.ts'
import { toolPaths } from '../../tools/paths.ts'
import type { KubernetesObject } from './kubernetes-declared.ts'

/** An object as the server keeps it, and what it says beside taking it (deprecated fields, pods that would be refused). */
export interface Taken {
  readonly object: unknown
  readonly warnings: readonly string[]
}

/** What the API server says to a request. */
interface Answer {
  readonly status: number
  readonly body: unknown
  readonly warnings: readonly string[]
}

/** Merges into the status of an object, as an operator reports it. */
const mergePatch = 'application/merge-patch+json'
const applyPatch = 'application/apply-patch+yaml'

const host = '127.0.0.1'

export class KubeApiServer {
  readonly #directory: string
  readonly #port: number
  readonly #token: string

  private constructor(directory: string, port: number, token: string) {
    this.#directory = directory
    this.#port = port
    this.#token = token
  }

  /** Ready when it says so itself. @throws KbgError `kube-apiserver-missing` */
  static async start(): Promise<KubeApiServer> {
    if (!existsSync(kubeApiServer)) {
      throw new KbgError('kube-apiserver-missing', 'There is no Kubernetes API server to ask.', {
        facts: { file: kubeApiServer },
        remedy: 'Run `npm run test:kubernetes`: it builds it, once.',
      })
    }
    const directory = mkdtempSync(join(tmpdir(), 'kbg-kubernetes-'))
    const [etcd, etcdPeer, port] = [await freePort(), await freePort(), await freePort()]
    const server = new KubeApiServer(directory, port, randomBytes(16).toString('hex'))
    try {
      await server.#startEtcd(etcd, etcdPeer)
      await server.#startApiServer(etcd)
      return server
    } catch (error) {
      await server.stop()
      throw error
    }
  }

  async #startEtcd(port: number, peerPort: number): Promise<void> {
    const url = (of: number) => `http://${host}:${of}`
    const args = [
      ...['--data-dir', join(this.#directory, 'etcd'), '--listen-client-urls', url(port), '--advertise-client-urls', url(port), '--name', 'only'],
      ...['--listen-peer-urls', url(peerPort), '--initial-advertise-peer-urls', url(peerPort), '--initial-cluster', `only=${url(peerPort)}`],
      '--unsafe-no-fsync', // it ends with the test
    ]
    const started = await startProcess(this.#process('etcd', toolPaths().etcd, args), systemClock)
    await waitForPort(started, { host, port }, within(30_000, 'etcd to listen'))
  }

  async #startApiServer(etcd: number): Promise<void> {
    const file = (name: string) => join(this.#directory, name)
    const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 2_048 })
    writeFileSync(file('accounts.pem'), privateKey.export({ type: 'pkcs8', format: 'pem' }), { mode: 0o600 })
    writeFileSync(file('tokens.csv'), `${this.#token},test,test,"system:masters"\n`, { mode: 0o600 })
    const args = [
      ...[`--etcd-servers=http://${host}:${etcd}`, `--bind-address=${host}`, `--secure-port=${this.#port}`, `--cert-dir=${file('certificates')}`],
      ...[
        `--service-account-issuer=https://${host}`,
        `--service-account-key-file=${file('accounts.pem')}`,
        `--service-account-signing-key-file=${file('accounts.pem')}`,
      ],
      ...['--service-cluster-ip-range=10.0.0.0/24', '--authorization-mode=RBAC', `--token-auth-file=${file('tokens.csv')}`],
      // Its controller isn't there: nobody would make the account that each pod is to have.
      '--disable-admission-plugins=ServiceAccount',
    ]
    const started = await startProcess(this.#process('apiserver', kubeApiServer, args), systemClock)
    await waitUntilReady(started, async () => (await this.#ask('GET', '/readyz')).status === 200, within(60_000, 'the API server to be ready'))
  }

  #process(name: string, command: string, args: readonly string[]) {
    return { name, command, args, directory: this.#directory, logFile: join(this.#directory, `${name}.log`), pidFile: join(this.#directory, `${name}.pid`) }
  }

  async stop(): Promise<void> {
    for (const name of ['apiserver', 'etcd']) await stopProcess(join(this.#directory, `${name}.pid`), 5_000, within(10_000, `${name} to end`))
    rmSync(this.#directory, { recursive: true, force: true })
  }

  /** Makes the kinds of a CustomResourceDefinition known, and waits until they are served. */
  async define(definition: { readonly metadata: { readonly name: string } }): Promise<void> {
    const path = '/apis/apiextensions.k8s.io/v1/customresourcedefinitions'
    const made = await this.#ask('POST', path, definition)
    if (made.status !== 201) throw refused(definition.metadata.name, made)
    const established = async () => /"type":"Established"/.test(JSON.stringify(await this.#ask('GET', `${path}/${definition.metadata.name}`))) || undefined
    await within(20_000, `${definition.metadata.name} to be established`).poll(100, established)
  }

  /**
   * Server-side apply, as the official Pulumi plugin applies; an unknown field is an error.
   *
   * @param isTried nothing is kept of it (`dryRun`)
   * @throws KbgError `kubernetes-refused` with the server's own words
   */
  async apply(object: KubernetesObject, { isTried }: { readonly isTried: boolean }): Promise<Taken> {
    const answer = await this.#ask('PATCH', `${pathOf(object)}?fieldManager=kbg&fieldValidation=Strict${isTried ? '&dryRun=All' : ''}`, object, applyPatch)
    if (answer.status !== 200 && answer.status !== 201) throw refused(`${object.kind} ${object.metadata.name}`, answer)
    return { object: answer.body, warnings: answer.warnings }
  }

  /** What an operator reports of an object, by its own name. @throws KbgError `kubernetes-refused` */
  async report(object: KubernetesObject, status: object): Promise<void> {
    const answer = await this.#ask('PATCH', `${pathOf(object)}/status?fieldManager=operator-stand-in&fieldValidation=Strict`, { status }, mergePatch)
    if (answer.status !== 200) throw refused(`the status of ${object.kind} ${object.metadata.name}`, answer)
  }

  #ask(method: string, path: string, body?: object, contentType = 'application/json'): Promise<Answer> {
    const text = body === undefined ? undefined : JSON.stringify(body)
    const headers = { authorization: `Bearer ${this.#token}`, 'content-type': contentType, 'content-length': Buffer.byteLength(text ?? '') }
    return new Promise((resolve, reject) => {
      const asked = request(
        { host, port: this.#port, method, path, headers, ca: readFileSync(join(this.#directory, 'certificates', 'apiserver.crt')) },
        (response) => {
          const parts: Buffer[] = []
          response.on('data', (part: Buffer) => parts.push(part))
          response.on('error', reject)
          response.on('end', () => {
            const said = Buffer.concat(parts).toString()
            const warnings = [response.headers.warning ?? []].flat()
            resolve({ status: response.statusCode ?? 0, body: said.startsWith('{') ? JSON.parse(said) : said, warnings })
          })
        },
      )
      asked.setTimeout(10_000, () => asked.destroy(new Error(`no answer to ${method} ${path}`)))
      asked.on('error', reject)
      asked.end(text)
    })
  }
}

function pathOf({ apiVersion, kind, metadata }: KubernetesObject): string {
  const root = apiVersion === 'v1' ? '/api/v1' : `/apis/${apiVersion}`
  const plural = kind.endsWith('y') ? `${kind.slice(0, -1).toLowerCase()}ies` : `${kind.toLowerCase()}s`
  const namespace = metadata.namespace === undefined ? '' : `/namespaces/${encodeURIComponent(metadata.namespace)}`
  return `${root}${namespace}/${plural}/${encodeURIComponent(metadata.name)}`
}

function within(ms: number, what: string): Deadline {
  return new Deadline(systemClock, ms, what)
}

function refused(what: string, { status, body }: Omit<Answer, 'warnings'>): KbgError {
  const message = typeof body === 'object' && body !== null && 'message' in body ? String(body.message) : JSON.stringify(body)
  return new KbgError('kubernetes-refused', `Kubernetes doesn't take ${what}.`, { facts: { status, message } })
}

function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer()
    server.on('error', reject)
    server.listen(0, host, () => {
      const address = server.address()
      server.close(() => (typeof address === 'object' && address !== null ? resolve(address.port) : reject(new Error('no port'))))
    })
  })
}
