/** What runs in pods on Kubernetes, as plain processes between two colours of this machine: with the files that are planned for them, but for where everything is. */
import { execFile, spawn } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { text } from 'node:stream/consumers'
import { planGuardian } from '../../engine/model/kubernetes-guardian.ts'
import { Limits } from '../../engine/model/limits.ts'
import type { Intent, Wiring } from '../../engine/model/wiring.ts'
import { projectDir, toolPaths } from '../../tools/paths.ts'
import { quickGate } from './pair.ts'
import { trafficPods, trafficSwitchover } from './traffic-pods.ts'

/** How it ended. */
export interface Ended {
  readonly code: number | null
  /** Its standard output, without the time of each line. */
  readonly lines: readonly string[]
  readonly refusal: string
}

/** The program of the job that moves traffic, to its end. @param stopAt at the first line that begins so it gets a SIGTERM, as the kubelet sends one */
export async function runOrchestrator(wiring: Wiring, intent: Partial<Intent>, stopAt?: string): Promise<Ended> {
  const { config, job } = trafficSwitchover(intent, { limits: Limits.parse(quickGate) })
  const [program] = (job.spec as { template: { spec: { containers: [{ args: [string] }] } } }).template.spec.containers[0].args
  const directory = mkdtempSync(join(tmpdir(), 'kbg-orchestrator-'))
  try {
    const file = join(directory, 'orchestrator.json')
    writeFileSync(file, JSON.stringify({ ...JSON.parse(config.data['orchestrator.json']), wiring }))
    const child = spawn(toolPaths().node, [join(projectDir, program), file], { stdio: ['ignore', 'pipe', 'pipe'] })
    const lines: string[] = []
    createInterface({ input: child.stdout }).on('line', (line) => {
      lines.push(line.replace(/^\S+ /, ''))
      if (stopAt !== undefined && lines.at(-1)?.startsWith(stopAt)) child.kill('SIGTERM')
    })
    const closed = new Promise<number | null>((resolve, reject) => child.once('close', resolve).once('error', reject))
    const [refusal, code] = await Promise.all([text(child.stderr), closed])
    return { code, lines, refusal }
  } finally {
    rmSync(directory, { recursive: true })
  }
}

/** A command of kbg as `kubectl exec` runs it in a guardian's pod. @returns what it said, and its exit code */
export async function kbgBesideGuardian(wiring: Wiring, command: string): Promise<{ readonly code: number; readonly said: string }> {
  const directory = mkdtempSync(join(tmpdir(), 'kbg-guardian-'))
  try {
    const file = join(directory, 'guardian.json')
    const planned = planGuardian(trafficPods(), 'blue').config.data['guardian.json']
    writeFileSync(file, JSON.stringify({ ...JSON.parse(planned), wiring }))
    const run = { cwd: projectDir, env: { ...process.env, KBG_WIRED: file } }
    return await new Promise((resolve) =>
      execFile(toolPaths().node, ['cli/main.ts', command], run, (error, stdout, stderr) =>
        resolve({ code: Number(error?.code ?? 0), said: `${stdout}${stderr}` }),
      ),
    )
  } finally {
    rmSync(directory, { recursive: true })
  }
}
