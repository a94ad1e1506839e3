/** Looks for passwords where none may stand: in every file below a directory, and in what `ps` shows of the processes that were started from it. */
import { readdirSync, readFileSync, statSync } from 'node:fs'
import { extname, join, relative } from 'node:path'

/** A password that was found, told by its user. */
export interface LeakedSecret {
  /** The path below the directory, or the arguments or environment of a process. */
  readonly where: string
  readonly user: string
}

/** What a run doesn't write: packages, tools and caches of commands. */
const foreign = new Set(['node_modules', '.git', '.tools', '.npm', '.compile-cache', '.pulumi-home'])

/** Kafka's indexes: numbers only, but megabytes of them for each partition. */
const indexes = new Set(['.index', '.timeindex'])

/**
 * Every place below `root` that holds one of the passwords, as it is or as HTTP's Basic form of it. Files are read as bytes, so that the logs of brokers (Connect's
 * configurations among them) and the pages of the config store count too.
 */
export function leakedSecrets(root: string, passwords: Readonly<Record<string, string>>): readonly LeakedSecret[] {
  const wanted = Object.entries(passwords).flatMap(([user, password]) => formsOf(user, password).map((form) => ({ user, form })))
  const inBytes = (where: string, bytes: Buffer): readonly LeakedSecret[] => {
    const users = new Set(wanted.filter(({ form }) => bytes.includes(form)).map(({ user }) => user))
    return [...users].map((user) => ({ where, user }))
  }
  return [
    ...filesBelow(root).flatMap((file) => inBytes(relative(root, file), bytesOf(file))),
    ...processesOf(root).flatMap(({ what, bytes }) => inBytes(what, bytes)),
  ]
}

function formsOf(user: string, password: string): readonly string[] {
  return [password, Buffer.from(`${user}:${password}`).toString('base64')]
}

function filesBelow(directory: string): readonly string[] {
  return readdirSync(directory, { withFileTypes: true }).flatMap((entry) => {
    if (foreign.has(entry.name)) return []
    const path = join(directory, entry.name)
    if (entry.isDirectory()) return filesBelow(path)
    return entry.isFile() && !indexes.has(extname(entry.name)) ? [path] : []
  })
}

/** Arguments and environment of every process that has the directory among them. */
function processesOf(root: string): readonly { readonly what: string; readonly bytes: Buffer }[] {
  const pids = readdirSync('/proc').filter((name) => /^\d+$/.test(name) && bytesOf(`/proc/${name}/cmdline`).includes(root))
  return pids.flatMap((pid) => ['cmdline', 'environ'].map((what) => ({ what: `process ${pid}: ${what}`, bytes: bytesOf(`/proc/${pid}/${what}`) })))
}

/** Empty for what is gone by now: logs are rolled and processes end meanwhile. */
function bytesOf(path: string): Buffer {
  try {
    return readFileSync(path)
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    if (code === 'ENOENT' || code === 'ESRCH') return Buffer.alloc(0)
    throw error
  }
}

/** Whether only its owner can read a file. */
export function isPrivate(file: string): boolean {
  return (statSync(file).mode & 0o077) === 0
}
