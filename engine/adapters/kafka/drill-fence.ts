import { AclOperations, AclPermissionTypes, describeAclsV3, ResourcePatternTypes, ResourceTypes } from '@platformatic/kafka'
import { drillTopics } from '../../model/drill.ts'
import { KbgError, messageOf } from '../../model/error.ts'
import type { Deadline } from '../../ports/clock.ts'
import type { AclBinding, BrokerProbe, Fence } from '../../ports/cluster.ts'
import type { BrokerConnections } from './connections.ts'
import { AclFence, deny } from './fence.ts'
import { requireNone } from './refusal.ts'

/** A drill's fence: DENY Write for everybody but super users, on its own topics alone. */
export const drillFenceBindings: readonly AclBinding[] = Object.values(drillTopics).map((topic) => deny('topic', topic, 'Write'))

/**
 * The fence of a drill. On the live colour it is proven as a fleet's is: the probe is refused. The standby refuses the probe by its own fence anyhow, which a drill leaves as it is: there
 * each broker is asked which bindings it knows, and the canary is written by the operator.
 */
export class DrillFence implements Fence {
  readonly bindings = drillFenceBindings
  readonly #acl: AclFence
  readonly #operator: BrokerConnections
  readonly #isStandby: boolean

  constructor(operator: BrokerConnections, probe: BrokerConnections, isStandby: boolean) {
    this.#acl = new AclFence(operator, isStandby ? operator : probe, { bindings: drillFenceBindings, topic: drillTopics.canary })
    this.#operator = operator
    this.#isStandby = isStandby
  }

  raise(deadline: Deadline): Promise<void> {
    return this.#acl.raise(deadline)
  }

  lift(deadline: Deadline): Promise<void> {
    return this.#acl.lift(deadline)
  }

  canary(deadline: Deadline): Promise<void> {
    return this.#acl.canary(deadline)
  }

  warmUp(deadline: Deadline): Promise<void> {
    return this.#acl.warmUp(deadline)
  }

  async probe(deadline: Deadline): Promise<readonly BrokerProbe[]> {
    if (!this.#isStandby) return await this.#acl.probe(deadline)
    const brokerIds = await this.#operator.brokerIds(deadline)
    return await Promise.all(brokerIds.map((brokerId) => this.#listed(brokerId, deadline)))
  }

  /** Every broker answers from the metadata that it has applied, which is what its authorizer goes by. */
  async #listed(brokerId: number, deadline: Deadline): Promise<BrokerProbe> {
    const filter = {
      ...{ resourceType: ResourceTypes.TOPIC, resourceName: null, resourcePatternType: ResourcePatternTypes.LITERAL, principal: 'User:*', host: '*' },
      ...{ operation: AclOperations.WRITE, permissionType: AclPermissionTypes.DENY },
    }
    try {
      const broker = await this.#operator.broker(brokerId, deadline)
      const answer = await broker.request('DescribeAcls', describeAclsV3.api, [filter], 'none', deadline)
      requireNone(answer.errorCode, `Broker ${brokerId} doesn't tell its ACLs.`, {}, answer.errorMessage)
      const known = drillFenceBindings.filter(({ resourceName }) => answer.resources.some((resource) => resource.resourceName === resourceName)).length
      const detail = `knows ${known} of ${drillFenceBindings.length} bindings`
      return { brokerId, answer: known === drillFenceBindings.length ? 'fenced' : known === 0 ? 'open' : 'unreachable', detail }
    } catch (thrown) {
      if (thrown instanceof KbgError && thrown.code === 'credentials') throw thrown
      return { brokerId, answer: 'unreachable', detail: messageOf(thrown) }
    }
  }
}
