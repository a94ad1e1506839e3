import { linkSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { dirname } from 'node:path'
import { z } from 'zod'
import { KbgError } from '../../model/error.ts'
import type { Deadline } from '../../ports/clock.ts'
import { isAlive, ownIdentity } from './process.ts'

const Holder = z.strictObject({ pid: z.int().positive(), startTime: z.string() })

/** How long a worker of a fleet waits for another update of that fleet, which mostly only looks whether the worker runs. */
export const otherUpdateMs = 20_000

/**
 * Runs `work` while this process alone holds the lock file. A lock whose holder has ended is taken over.
 *
 * @param what what is locked, for the refusal
 * @param patience how long to wait for another holder; `'none'` refuses at once
 * @throws KbgError `busy` naming the holder's pid
 */
export async function withFileLock<T>(file: string, what: string, patience: Deadline | 'none', work: () => Promise<T>): Promise<T> {
  mkdirSync(dirname(file), { recursive: true, mode: 0o700 })
  // Polled: the holder is another process, and a file's removal has no portable notification.
  while (!tryLock(file)) {
    if (patience === 'none' || patience.over) throw busy(file, what)
    await patience.clock.sleep(25, patience.cancelled)
  }
  try {
    return await work()
  } finally {
    rmSync(file, { force: true })
  }
}

/** Whether the lock is ours now. The file appears whole, by a hard link, so nobody ever reads half of a holder. */
function tryLock(file: string): boolean {
  const mine = `${file}.${process.pid}.${++attempts}`
  writeFileSync(mine, JSON.stringify(ownIdentity()), { mode: 0o600 })
  try {
    linkSync(mine, file)
    return true
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error
  } finally {
    rmSync(mine)
  }
  return removeIfAbandoned(file) ? tryLock(file) : false
}

let attempts = 0

/** @returns whether the file is free to be locked now */
function removeIfAbandoned(file: string): boolean {
  const text = read(file)
  if (text === undefined) return true
  if (!isAbandoned(text)) return false
  // Moved away first, so that of two who find it abandoned only one removes it, and never the other one's new lock unseen.
  const aside = `${file}.abandoned.${process.pid}.${++attempts}`
  try {
    renameSync(file, aside)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return true // somebody else removed it
    throw error
  }
  try {
    const taken = read(aside) !== text
    if (taken) restore(aside, file)
    return !taken
  } finally {
    rmSync(aside, { force: true })
  }
}

function restore(aside: string, file: string): void {
  try {
    linkSync(aside, file)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error
    throw new KbgError('busy', 'Two processes took over the same abandoned lock at the same moment.', {
      retriable: true,
      facts: { lock: file },
      remedy: 'Run it again.',
    })
  }
}

function isAbandoned(text: string): boolean {
  const holder = parseHolder(text)
  return holder === undefined || !isAlive(holder)
}

function parseHolder(text: string): z.infer<typeof Holder> | undefined {
  try {
    return Holder.safeParse(JSON.parse(text)).data
  } catch {
    return undefined // written whole or not at all, so this is no lock of ours: nobody holds it
  }
}

function read(file: string): string | undefined {
  try {
    return readFileSync(file, 'utf8')
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined
    throw error
  }
}

function busy(file: string, what: string): KbgError {
  const holder = parseHolder(read(file) ?? '')
  return new KbgError('busy', `Another process is working on ${what}.`, {
    retriable: true,
    facts: { holderPid: holder?.pid ?? 'just ended', lock: file },
    remedy: 'Wait until it has ended, then run it again: nothing was changed.',
  })
}
