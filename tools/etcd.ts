/** etcd, the route store of the local platform. */
import { dirname } from 'node:path'
import { type GoBuild, goBuild, goBuildKey } from './go.ts'
import { toolPaths } from './paths.ts'
import { isStamped, writeStamp } from './stamp.ts'
import type { Step } from './step.ts'

/** The version in `tools/etcd/go.mod`. */
export const etcdVersion = '3.7.3'

/** The etcd server at `.kbg/.tools/etcd/etcd`. */
export function etcdStep(): Step {
  const outputDir = dirname(toolPaths().etcd)
  const build: GoBuild = { module: 'etcd', package: '.', outputDir, executable: 'etcd' }
  const key = (): string => goBuildKey(build, ['main.go'])
  return {
    name: `etcd ${etcdVersion}`,
    done: () => isStamped(outputDir, 'etcd', key()),
    run: async () => {
      await goBuild(build)
      writeStamp(outputDir, 'etcd', key(), ['etcd'])
      return 'built from its Go module'
    },
  }
}
