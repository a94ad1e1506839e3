import { describe, expect, test } from 'vitest'
import { type Diagnosis, doctor, isHealthy, renderDoctor } from '../../cli/doctor.ts'

const java: Diagnosis = { tool: 'Java', wanted: '>= 17', found: '21', path: '/opt/java/bin/java', ok: true, how: '' }
const etcd: Diagnosis = { tool: 'etcd', wanted: '3.7.3', found: 'missing', path: undefined, ok: false, how: 'npm run setup' }

describe('kbg doctor', () => {
  test('says where a tool is, or how to get it, in one aligned row each', () => {
    const [heading, first, second] = renderDoctor([java, etcd])
    expect(first).toBe('ok       Java  >= 17   21       /opt/java/bin/java')
    expect(second).toBe('MISSING  etcd  3.7.3   missing  npm run setup')
    expect(heading?.indexOf('found')).toBe(first?.indexOf('21'))
  })

  test('is healthy only if nothing that is needed is missing', () => {
    expect(isHealthy([java])).toBe(true)
    expect(isHealthy([java, etcd])).toBe(false)
  })

  test('looks at this very machine and says how to get whatever it lacks', async () => {
    const diagnoses = await doctor()
    expect(diagnoses.map((each) => each.tool)).toEqual(expect.arrayContaining(['Node.js', 'Java', 'Kafka 3.9.2', 'Kafka 4.3.1', 'etcd', 'Pulumi CLI']))
    for (const each of diagnoses.filter(({ ok }) => !ok)) expect(each.how, each.tool).not.toBe('')
    expect(diagnoses.find((each) => each.tool === 'Node.js')).toMatchObject({ ok: true, found: process.versions.node })
  })
})
