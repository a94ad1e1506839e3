/** `npm run bench -- NAME`: one bench; its table here, its result in `out/bench/NAME.json`. Ends with 0 if every goal holds, 1 if one doesn't, 3 if that can't be told. */
import { messageOf } from '../../engine/model/error.ts'
import { toolEnv } from '../../tools/paths.ts'
import { type ConductedBench, exitCodeOf, stopOnInterrupt } from './harness/index.ts'

/** Every bench, loaded only when it is asked for. */
const benches: Readonly<Record<string, (words: readonly string[]) => Promise<ConductedBench>>> = {
  preview: async () => (await import('./preview.ts')).benchPreview(),
  policy: async () => (await import('./policy.ts')).benchPolicy(),
  provision: async () => (await import('./provision.ts')).benchProvision(),
  window: async (words) => {
    const { benchWindow, windowOptions } = await import('./window.ts')
    return await benchWindow(windowOptions(words))
  },
  translate: async () => (await import('./translate.ts')).benchTranslate(),
  'translate-scale': async () => (await import('./translate-scale.ts')).benchTranslateScale(),
  'verify-at-switch': async (words) => {
    const { benchVerifyAtSwitch, verifyAtSwitchOptions } = await import('./verify-at-switch.ts')
    return await benchVerifyAtSwitch(verifyAtSwitchOptions(words))
  },
  audit: async () => (await import('./audit.ts')).benchAudit(),
  'auto-rollback': async (words) => {
    const { autoRollbackOptions, benchAutoRollback } = await import('./auto-rollback.ts')
    return await benchAutoRollback(autoRollbackOptions(words))
  },
  adopt: async () => (await import('./adopt.ts')).benchAdopt(),
  fresh: async () => (await import('./fresh.ts')).benchFresh(),
}

const withOptions: readonly string[] = ['verify-at-switch', 'window', 'auto-rollback']

async function main(words: readonly string[]): Promise<number> {
  const [name, ...rest] = words
  const bench = name === undefined || (rest.length > 0 && !withOptions.includes(name)) ? undefined : benches[name]
  if (!bench) {
    console.error(
      `Which bench? npm run bench -- ${Object.keys(benches).join('|')}; verify-at-switch takes --records 10000,100000; window takes --without-audit and --switchovers N; auto-rollback takes --rounds N and --kind 'slow disk'`,
    )
    return 2
  }
  process.env.PATH = toolEnv().PATH
  stopOnInterrupt()
  const { result } = await bench(rest)
  console.log(`\nThe result is out/bench/${name}${result.refused.length > 0 ? '.refused' : ''}.json`)
  return exitCodeOf(result)
}

try {
  process.exitCode = await main(process.argv.slice(2))
} catch (thrown) {
  console.error(messageOf(thrown))
  process.exitCode = 1
}
