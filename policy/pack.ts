import { PolicyPack } from '@pulumi/policy'
import { topicParity } from './topics.ts'

/** Every policy, one file for each area. */
new PolicyPack('kafka-blue-green', { policies: [topicParity] })
