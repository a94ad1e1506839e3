import type { MskBirthPlatform } from './msk-birth.ts'

const platform = async () => (await import('../../engine/run/msk-birth.ts')).mskBirths

/** The engine itself, loaded when something is really asked, as for a local cluster. */
export const mskBirthsWhenAsked: MskBirthPlatform = {
  bear: async (spec, call) => (await platform()).bear(spec, call),
  identify: async (spec, call) => (await platform()).identify(spec, call),
  brokersRegistered: async (spec, call) => (await platform()).brokersRegistered(spec, call),
  endMirrors: async (spec, access, call) => (await platform()).endMirrors(spec, access, call),
}
