import { arch, cpus, platform, release, totalmem } from 'node:os'
import { z } from 'zod'
import { installedJava } from '../../../tools/java.ts'
import { kafkaVersions, projectDir } from '../../../tools/paths.ts'
import { runCommand } from '../../../tools/process.ts'
import { pulumiInUse, versionOf } from '../../../tools/pulumi.ts'

/** Where a result comes from, as far as it matters for numbers: no host name, no user, no path. */
export const Machine = z.strictObject({
  cores: z.int().positive(),
  processor: z.string(),
  memoryGiB: z.number().positive(),
  system: z.string(),
  versions: z.strictObject({
    node: z.string(),
    java: z.string(),
    pulumi: z.string(),
    kafka: z.array(z.string()),
    /** The checkout's commit, with `+` behind it when files differ from it. */
    commit: z.string(),
  }),
})
export type Machine = z.infer<typeof Machine>

/** This machine. What can't be found out is called unknown. */
export async function thisMachine(): Promise<Machine> {
  const pulumi = await pulumiInUse()
  return {
    cores: cpus().length,
    processor: cpus()[0]?.model.trim() ?? 'unknown',
    memoryGiB: Math.round((totalmem() / 2 ** 30) * 10) / 10,
    system: `${platform()} ${release()} ${arch()}`,
    versions: {
      node: process.versions.node,
      java: String((await installedJava())?.version ?? 'unknown'),
      pulumi: (pulumi === undefined ? undefined : await versionOf(pulumi)) ?? 'unknown',
      kafka: [...kafkaVersions],
      commit: await commit(),
    },
  }
}

async function commit(): Promise<string> {
  const git = (...args: string[]) => runCommand('git', args, { cwd: projectDir, deadlineSeconds: 20 }).catch(() => undefined) // no git: an unpacked archive
  const head = await git('rev-parse', '--short=12', 'HEAD')
  if (head?.exitCode !== 0) return 'unknown'
  const changes = await git('status', '--porcelain', '--untracked-files=no')
  return `${head.output.trim()}${changes?.output.trim() === '' ? '' : '+'}`
}
