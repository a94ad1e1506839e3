/** `count` resources that do nothing: `custom` ones of a provider beside this program, or `component` ones, which no provider ever sees. */
import * as pulumi from '@pulumi/pulumi'

class Custom extends pulumi.CustomResource {
  constructor(name: string, index: number) {
    super('noop:index:Nothing', name, { index })
  }
}

class Component extends pulumi.ComponentResource {
  constructor(name: string) {
    super('noop:index:Nothing', name)
    this.registerOutputs()
  }
}

const config = new pulumi.Config()
const count = config.requireNumber('count')
const kind = config.require('kind')

for (let index = 0; index < count; index += 1) {
  const name = `nothing-${index}`
  if (kind === 'component') new Component(name)
  else new Custom(name, index)
}
