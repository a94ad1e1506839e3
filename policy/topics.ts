import type { StackValidationPolicy } from '@pulumi/policy'
import { inventoryDifferences } from '../engine/model/inventory.ts'
import { readInventories } from './inventories.ts'

/** Topics of both colours are equal: partitions, replicas and every config, also those that they inherit from their colour's brokers. */
export const topicParity: StackValidationPolicy = {
  name: 'parity-topics',
  description: 'Blue and green hold the same topics with the same partitions, replicas and configs.',
  enforcementLevel: 'mandatory',
  validateStack: ({ resources }, reportViolation) => {
    const inventories = readInventories(resources)
    switch (inventories.kind) {
      case 'no colour':
        return
      case 'unreadable':
        reportViolation(`Topics can't be compared: ${inventories.why}.`)
        return
      case 'read':
        for (const { area, name, property, blue, green } of inventoryDifferences(inventories.blue, inventories.green)) {
          if (area === 'topics') reportViolation(`Topic ${name} differs in ${property}: blue ${blue}, green ${green}. Declare it the same for both.`)
        }
    }
  },
}
