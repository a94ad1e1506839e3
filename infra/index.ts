/** The whole system, from its configuration: two stacks describe a colour, one owns everything that connects them. */
import * as pulumi from '@pulumi/pulumi'
import { messageOf } from '../engine/model/error.ts'
import { loadCatalog } from './catalog.ts'
import { colourProgram } from './colour.ts'
import { loadConfig } from './config.ts'
import { projectFile } from './project.ts'
import { trafficProgram } from './traffic.ts'

export default async (): Promise<object> => {
  try {
    const config = loadConfig(pulumi.getProject(), pulumi.getStack(), pulumi.runtime.allConfig())
    const catalog = loadCatalog(projectFile('catalog.yaml'))
    switch (config.role) {
      case 'colour':
        return colourProgram(config, catalog)
      case 'traffic':
        return await trafficProgram(config, catalog)
    }
  } catch (error) {
    // a RunError is shown as its message alone: a stack trace would hide what to correct
    throw new pulumi.RunError(messageOf(error))
  }
}
