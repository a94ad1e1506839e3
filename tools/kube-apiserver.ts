/** A real Kubernetes API server, which planned resources are held against. Only `npm run test:kubernetes` wants it. */
import { join } from 'node:path'
import { type GoBuild, goBuild, goBuildKey } from './go.ts'
import { toolsDir } from './paths.ts'
import { isStamped, writeStamp } from './stamp.ts'
import type { Step } from './step.ts'

/** The version in `tools/kube-apiserver/go.mod`. */
export const kubernetesVersion = '1.36.3'
const dir = join(toolsDir, 'kube-apiserver')

/** Its executable. */
export const kubeApiServer = join(dir, 'kube-apiserver')

/** The API server at {@link kubeApiServer}: 5 to 15 minutes of Go's compiler, once. */
export function kubeApiServerStep(): Step {
  const build: GoBuild = {
    ...{ module: 'kube-apiserver', package: 'k8s.io/kubernetes/cmd/kube-apiserver', outputDir: dir, executable: 'kube-apiserver' },
    linkerFlags: `-X k8s.io/component-base/version.gitVersion=v${kubernetesVersion}`,
  }
  return {
    name: `Kubernetes' API server ${kubernetesVersion}`,
    done: () => isStamped(dir, 'kube-apiserver', goBuildKey(build)),
    run: async () => {
      await goBuild(build)
      writeStamp(dir, 'kube-apiserver', goBuildKey(build), ['kube-apiserver'])
      return 'built from its Go module'
    },
  }
}
