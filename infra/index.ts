/** The whole system, from its configuration: two stacks describe a colour, one owns everything that connects them. */
import * as pulumi from '@pulumi/pulumi'
import { messageOf } from '../engine/model/error.ts'
import { betweenProgram } from './between.ts'
import { loadCatalog } from './catalog.ts'
import { colourProgram } from './colour.ts'
import { loadConfig } from './config.ts'
import { catalogFile } from './project.ts'
import { trafficProgram } from './traffic.ts'

export default async (): Promise<object> => {
  try {
    const config = loadConfig(pulumi.getProject(), pulumi.getStack(), pulumi.runtime.allConfig())
    const catalog = loadCatalog(catalogFile(config.fleet))
    switch (config.role) {
      case 'colour':
        return await withoutStackTraces(() => colourProgram(config, catalog))
      case 'traffic':
        return await trafficProgram(config, catalog)
      case 'between':
        return await betweenProgram(config, catalog)
    }
  } catch (error) {
    // a RunError is shown as its message alone: a stack trace would hide what to correct
    throw new pulumi.RunError(messageOf(error))
  }
}

/**
 * Pulumi's SDK keeps a stack trace of every promise that it makes, mapped to sources, in case one is never settled; with a thousand topics that took a
 * third of a preview. What is thrown in here is shown by its message alone, so nothing is lost. `PULUMI_DEBUG_PROMISE_LEAKS`, which prints them, keeps them.
 */
function withoutStackTraces<T>(work: () => T): T {
  if (process.env.PULUMI_DEBUG_PROMISE_LEAKS) return work()
  const limit = Error.stackTraceLimit
  Error.stackTraceLimit = 0
  try {
    return work()
  } finally {
    Error.stackTraceLimit = limit
  }
}
