/** Pulumi's own mocks, and what was registered under them: with which inputs. */
import * as pulumi from '@pulumi/pulumi'
import type { ClusterAccess } from '../../engine/model/cluster-access.ts'
import type { Colour } from '../../engine/model/colour.ts'

export interface Registered {
  readonly type: string
  readonly name: string
  readonly inputs: Record<string, unknown>
}

export interface Mocked {
  readonly registered: Registered[]
}

/** What a mocked resource of a type gives besides its inputs. */
export type Outputs = (args: pulumi.runtime.MockResourceArgs) => Record<string, unknown>

export async function mockPulumi(stack: string, outputs: Outputs): Promise<Mocked> {
  const mocked: Mocked = { registered: [] }
  await pulumi.runtime.setMocks(
    {
      newResource: (args) => {
        mocked.registered.push({ type: args.type, name: args.name, inputs: args.inputs })
        return { id: `${args.name}-id`, state: { ...args.inputs, ...outputs(args) } }
      },
      call: () => ({}),
    },
    'kafka-blue-green',
    stack,
    false,
    'organization',
  )
  return mocked
}

/** The value of an output, and not before everything it depends on is registered. */
export function valueOfOutput<T>(output: pulumi.Output<T>): Promise<T> {
  return new Promise((resolve) => output.apply((value) => resolve(value as T)))
}

export function accessOf(colour: Colour, clusterId = `cluster-${colour}`): ClusterAccess {
  const servers = (port: number): string[] => [`${colour}.invalid:${port}`]
  return {
    colour,
    clusterId,
    kafkaVersion: '4.3.1',
    internalBootstrapServers: servers(9092),
    produceBootstrapServers: servers(9094),
    consumeBootstrapServers: servers(9095),
    credentialsFile: '/nowhere/credentials.json',
  }
}
