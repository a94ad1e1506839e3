/** The steps that `npm run rollout` and set-up print with their seconds. Pure. */

/** One step of a run, in the order in which it ended. */
export interface TimedStep {
  readonly step: string
  readonly seconds: number
}

/**
 * Reads what a run printed: set-up's steps (`  etcd 3.7.3      61.2 s  built from its Go module`), npm's
 * (`  npm packages, Node v24.21.0: 14 s`), and the rollout's phases (`  85.2 s  seed      ended after 31.0 s`).
 */
export function stepsOf(output: string): readonly TimedStep[] {
  return output.split('\n').flatMap((line) => stepOf(line) ?? [])
}

function stepOf(line: string): TimedStep | undefined {
  const phase = /^ *[\d.]+ s {2}(\S+) +ended after ([\d.]+) s$/.exec(line)
  if (phase) return timed(`rollout: ${phase[1]}`, phase[2])
  const stopped = /^ *[\d.]+ s {2}end +everything stopped in ([\d.]+) s$/.exec(line)
  if (stopped) return timed('rollout: end', stopped[1])
  const packages = /^ {2}(npm packages), Node \S+: (\d+) s$/.exec(line)
  if (packages) return timed('set-up: npm packages and Node', packages[2])
  const setUp = /^ {2}(\S.*?) +([\d.]+) s {2}(?!FAILED)\S/.exec(line)
  return setUp ? timed(`set-up: ${setUp[1]}`, setUp[2]) : undefined
}

function timed(step: string, seconds: string | undefined): TimedStep {
  return { step, seconds: Number(seconds) }
}
