import grpc from '@grpc/grpc-js'
import type pluginPb from '@pulumi/pulumi/proto/plugin_pb.js'
import emptyPb from 'google-protobuf/google/protobuf/empty_pb.js'
import { afterEach, describe, expect, test } from 'vitest'
import { Limits } from '../../engine/model/limits.ts'
import { decodeProperties, encodeProperties, type PropertyMap } from '../../provider/properties.ts'
import { wiringOf } from './fixtures.ts'
import { ask, type ProviderProcess, providerPb, startProvider, urnOf } from './provider-process.ts'

let provider: ProviderProcess | undefined
afterEach(async () => {
  await provider?.close()
  provider = undefined
})

const switchoverInputs = {
  wiring: wiringOf('t6a-nowhere'),
  live: 'green',
  attempt: 0,
  limits: Limits.parse({}),
  gate: { verdict: 'pass', epoch: 4 },
  decommission: null,
} as unknown as PropertyMap

describe('the provider process, over gRPC', () => {
  test('starts with an empty PATH and says what it is', async () => {
    provider = await startProvider()
    const { client } = provider
    const info = await ask<pluginPb.PluginInfo>((done) => client.getPluginInfo(new emptyPb.Empty(), done))
    expect(info.getVersion()).toMatch(/^\d+\.\d+\.\d+$/)
    const configured = await ask<providerPb.ConfigureResponse>((done) => client.configure(new providerPb.ConfigureRequest(), done))
    expect([configured.getAcceptsecrets(), configured.getSupportspreview()]).toEqual([true, true])
    const schema = await ask<providerPb.GetSchemaResponse>((done) => client.getSchema(new providerPb.GetSchemaRequest(), done))
    expect(Object.keys(JSON.parse(schema.getSchema()).resources)).toContain('kbg:index:Switchover')
  })

  test('check failures name their property; an unknown type is said to be one', async () => {
    provider = await startProvider()
    const { client } = provider
    const news = encodeProperties({ fleet: 't6a', colour: 'red', kafkaVersion: '3.9.2', nodes: 5 })
    const checked = await ask<providerPb.CheckResponse>((done) => client.check(new providerPb.CheckRequest().setUrn(urnOf('LocalCluster')).setNews(news), done))
    expect(checked.getFailuresList().map((failure) => failure.getProperty())).toEqual(['colour', 'nodes'])
    const unknown = ask<providerPb.CheckResponse>((done) => client.check(new providerPb.CheckRequest().setUrn(urnOf('Nothing')), done))
    await expect(unknown).rejects.toMatchObject({ code: grpc.status.UNIMPLEMENTED })
  })

  test('a preview with an unreachable store succeeds within its bound, and an unreachable store is no reason to forget the route', async () => {
    provider = await startProvider()
    const { client, lines } = provider
    const olds = encodeProperties({ ...switchoverInputs, live: 'blue', epoch: 4, state: 'open', latch: null, unfinished: false, fencesDiffer: false })
    const oldInputs = encodeProperties({ ...switchoverInputs, live: 'blue' })
    const update = new providerPb.UpdateRequest().setId('t6a-nowhere').setUrn(urnOf('Switchover')).setOlds(olds).setOldInputs(oldInputs)
    // the first call loads the engine, which a busy machine may take seconds for; the bound is the preview's own
    await ask<providerPb.CheckResponse>((done) => client.check(new providerPb.CheckRequest().setUrn(urnOf('Switchover')).setNews(oldInputs), done))
    const startedAt = performance.now()
    const previewed = await ask<providerPb.UpdateResponse>((done) => client.update(update.setNews(encodeProperties(switchoverInputs)).setPreview(true), done))
    expect(performance.now() - startedAt).toBeLessThan(8_000)
    expect(decodeProperties(previewed.getProperties()).values).toMatchObject({ live: 'green' })
    expect(lines.join('\n')).toMatch(/plan can't be/i)

    const read = new providerPb.ReadRequest().setId('t6a-nowhere').setUrn(urnOf('Switchover')).setProperties(olds).setInputs(oldInputs)
    const found = await ask<providerPb.ReadResponse>((done) => client.read(read, done))
    expect(found.getId()).toBe('t6a-nowhere')
    expect(found.getRefreshBeforeUpdate()).toBe(true)
    expect(decodeProperties(found.getProperties()).values).toMatchObject({ live: 'blue', epoch: 4 })
    expect(lines.at(-1)).toContain("can't be read")
  })

  test('after Cancel nothing that has an effect begins any more', async () => {
    provider = await startProvider()
    const { client } = provider
    await ask<emptyPb.Empty>((done) => client.cancel(new emptyPb.Empty(), done))
    const spec = encodeProperties({ fleet: 't6a-cancelled', colour: 'blue', kafkaVersion: '4.3.1', nodes: 3, brokerConfig: {}, applicationUsers: [] })
    const created = ask<providerPb.CreateResponse>((done) =>
      client.create(new providerPb.CreateRequest().setUrn(urnOf('LocalCluster')).setProperties(spec), done),
    )
    await expect(created).rejects.toThrow(/Cancelled: Pulumi was interrupted/)
  })

  test.each([
    ['SIGINT', (running: ProviderProcess) => running.child.kill('SIGINT')],
    ['SIGTERM', (running: ProviderProcess) => running.child.kill('SIGTERM')],
    ['the end of its standard input', (running: ProviderProcess) => running.child.stdin.end()],
  ])('ends on %s', async (_name, end) => {
    provider = await startProvider()
    end(provider)
    expect(await provider.ended).toEqual({ code: 0, signal: null })
  })
})
