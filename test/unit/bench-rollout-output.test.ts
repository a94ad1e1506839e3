import { expect, it } from 'vitest'
import { stepsOf } from '../bench/rollout-output.ts'

it('reads the steps that set-up and the rollout print', () => {
  const output = `
> kafka-blue-green@0.1.0 rollout
  npm packages, Node v24.21.0: 14 s
Setting up this machine (tools go to .kbg/.tools; nothing needs root):
  Kafka 3.9.2                            10.4 s  107 jars from Maven, checked
  etcd 3.7.3                             61.0 s  built from its Go module
  Pulumi CLI >= 3.200.0                   3.0 s  FAILED: no network
  ready after 240.9 s
   0.0 s  set-up    backend: .kbg/.pulumi
  12.1 s  validate  begins
  24.5 s  validate  ended after 12.4 s
  30.2 s  load      ended after 3 tries
 190.4 s  end       everything stopped in 21.3 s
`
  expect(stepsOf(output)).toEqual([
    { step: 'set-up: npm packages and Node', seconds: 14 },
    { step: 'set-up: Kafka 3.9.2', seconds: 10.4 },
    { step: 'set-up: etcd 3.7.3', seconds: 61 },
    { step: 'rollout: validate', seconds: 12.4 },
    { step: 'rollout: end', seconds: 21.3 },
  ])
})
