/** One broker's log directory on a volume of its own, which can be made as small as what it holds: a full disk, without filling any. */
import { mkdirSync, renameSync, rmSync, statfsSync } from 'node:fs'
import { nodeFiles } from '../../../engine/adapters/local/broker-process.ts'
import { colourDirectory } from '../../../engine/adapters/local/state.ts'
import type { Pair } from '../../support/pair.ts'
import { run } from './network.ts'
import { type Part, type Parts, partText } from './parts.ts'

type Broker = Extract<Part, { kind: 'broker' }>

/** Memory is taken only by what is written. */
const roomyMiB = 2_048
const mostTries = 50

/** A tmpfs under a broker that stood before. It is in this process's mount namespace, and ends with it. */
export class SmallVolume {
  readonly broker: Broker
  readonly #directory: string

  private constructor(broker: Broker, directory: string) {
    this.broker = broker
    this.#directory = directory
  }

  /** Moves the broker's data there: it is ended for that, and started again. */
  static async under(broker: Broker, pair: Pair, parts: Parts): Promise<SmallVolume> {
    const { data } = nodeFiles(colourDirectory(pair.root, pair.wiring.fleet, broker.colour), broker.nodeId)
    await parts.kill(broker)
    const before = `${data}.before`
    renameSync(data, before)
    mkdirSync(data, { mode: 0o700 })
    run('mount', ['-t', 'tmpfs', '-o', `size=${roomyMiB}m,mode=0700`, 'tmpfs', data])
    run('cp', ['-a', '--sparse=always', `${before}/.`, data])
    rmSync(before, { recursive: true })
    await parts.start(broker)
    return new SmallVolume(broker, data)
  }

  /** From now on it takes nothing more. @returns makes it roomy again */
  fill(): () => void {
    for (let tries = 1; !this.#shrink(tries === mostTries); tries += 1);
    return () => run('mount', ['-o', `remount,size=${roomyMiB}m`, this.#directory])
  }

  /** A volume can't be made smaller than what it holds, and the broker may write between the look and the change: then it is looked at again. */
  #shrink(isLastTry: boolean): boolean {
    const { blocks, bfree, bsize } = statfsSync(this.#directory)
    try {
      run('mount', ['-o', `remount,size=${(blocks - bfree) * bsize}`, this.#directory])
      return true
    } catch (thrown) {
      if (isLastTry) throw thrown
      return false
    }
  }

  /** For whoever removes the pair's files: a mount can't be removed. */
  unmount(): void {
    run('umount', ['--lazy', this.#directory])
  }

  toString(): string {
    return partText(this.broker)
  }
}
