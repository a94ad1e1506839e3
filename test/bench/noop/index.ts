/** `count` resources of a provider that does nothing. */
import * as pulumi from '@pulumi/pulumi'

class Nothing extends pulumi.CustomResource {
  constructor(name: string, index: number) {
    super('noop:index:Nothing', name, { index })
  }
}

const count = new pulumi.Config().requireNumber('count')
// as the colour's program does it (infra/index.ts): what is compared is the resources
Error.stackTraceLimit = 0
for (let index = 0; index < count; index += 1) new Nothing(`nothing-${index}`, index)
