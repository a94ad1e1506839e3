/** One record of the standby that isn't the live colour's: the audit finds and locates it, and the gate stays shut. */
import { beforeAll, describe, expect, test } from 'vitest'
import { parseTopicPartition } from '../../../engine/model/partition.ts'
import { within } from '../support/chaos-pair.ts'
import { contentOf, valuesOf } from '../support/contents.ts'
import { damages, numbered } from '../support/damage.ts'
import { produceAs } from '../support/raw-produce.ts'
import { auditChecks, plain, recentMs, type Setting } from './setting.ts'

const at = 17
const damaged = [
  { place: 'f19-missing-0', fault: 'F19: one record missing on green', damage: 'missing' },
  { place: 'f20-duplicate-0', fault: 'F20: one record twice on green', damage: 'duplicate' },
  { place: 'f21-swap-0', fault: 'F21: two records swapped', damage: 'swap' },
  { place: 'f22-flipped-0', fault: 'F22: one bit flipped in a key', damage: 'flip in the key' },
  { place: 'f22-flipped-1', fault: 'F22: one bit flipped in a value', damage: 'flip in the value' },
  { place: 'f22-flipped-2', fault: 'F22: one bit flipped in a header', damage: 'flip in a header' },
  { place: 'f23-drop-and-duplicate-0', fault: 'F23: one record dropped and one doubled, counts equal', damage: 'drop and duplicate' },
  { place: 'f24-twice-more-0', fault: 'F24: the same record twice more', damage: 'twice more' },
] as const

/** Which of the three phases finds something, and where. */
const found: Readonly<Record<(typeof damaged)[number]['damage'], { counts: boolean; digest: boolean; sequence: boolean; where: readonly string[] }>> = {
  missing: { counts: true, digest: true, sequence: true, where: ['missing on green, blue 17 green 17'] },
  duplicate: { counts: true, digest: true, sequence: true, where: ['duplicate on green, blue 18 green 18'] },
  swap: { counts: false, digest: true, sequence: true, where: ['swapped, blue 17 green 17', 'swapped, blue 18 green 18'] },
  'flip in the key': { counts: false, digest: true, sequence: false, where: ['changed, blue 17 green 17: key'] },
  'flip in the value': { counts: false, digest: true, sequence: false, where: ['changed, blue 17 green 17: value'] },
  'flip in a header': { counts: false, digest: true, sequence: false, where: ['changed, blue 17 green 17: headers'] },
  'drop and duplicate': { counts: false, digest: true, sequence: true, where: ['missing on green, blue 17 green 17', 'duplicate on green, blue 24 green 23'] },
  'twice more': { counts: true, digest: true, sequence: true, where: ['duplicate on green, blue 18 green 18', 'duplicate on green, blue 18 green 19'] },
}

export function damagedRecords({ chaos, gateLines }: Setting): void {
  describe('one damaged record, written straight to the standby', () => {
    const topics = [...new Set(damaged.map(({ place }) => parseTopicPartition(place).topic))]

    beforeAll(async () => {
      await chaos().stopMirror()
      const records = numbered(40, recentMs())
      for (const { place, damage } of damaged) {
        const { topic, partition } = parseTopicPartition(place)
        await chaos().send('blue', topic, records, partition)
        await chaos().send('green', topic, damages[damage](records, at), partition)
      }
      await chaos().skip(new Map(damaged.map(({ place }) => [place, 39n])))
      await chaos().startMirror()
      for (const { place } of damaged) {
        const { topic, partition } = parseTopicPartition(place)
        await chaos().send('blue', topic, plain(1_000, 10), partition)
      }
      await chaos().copied(topics)
    }, 120_000)

    test.each(damaged)('$fault is found by the phase that should, located, and closes the gate', async ({ place, damage }) => {
      const { topic } = parseTopicPartition(place)
      const { blue, green } = await chaos().both([topic])
      const [onBlue, onGreen] = [blue, green].map((contents) => (contents.get(place) ?? []).map(contentOf))
      expect(onGreen).not.toEqual(onBlue)
      const told = await chaos().toldUntil(
        place,
        ({ state, differences }) =>
          state.kind === 'differs' && differences.total > 0 && differences.shown.every(({ kind, what }) => kind !== 'changed' || what.length > 0),
      )
      const where = told.differences.shown.map((each) => {
        const what = each.what.length > 0 ? `: ${each.what.join()}` : ''
        return `${each.kind}${each.on === null ? '' : ` on ${each.on}`}, blue ${each.blue} green ${each.green}${what}`
      })
      expect({
        counts: told.blue.visible !== told.green.visible,
        digest: told.blue.digest !== told.green.digest,
        sequence: told.differences.shown.some(({ kind }) => kind !== 'changed'),
        where,
      }).toEqual(found[damage])
      expect([told.blue.visible, told.green.visible]).toEqual([onBlue?.length, onGreen?.length])
      expect(await auditChecks(chaos(), told)).toMatchObject({ name: 'audit', verdict: 'fail', observed: expect.stringContaining(place) })
    })

    test('all of them together are refused by the gate, five by name and the others by number, and blue is untouched', async () => {
      expect(await gateLines()).toContainEqual(expect.stringMatching(/^audit: fail; observed .*f19-missing-0: 1 differences.* and \d+ more/))
      await chaos().untouched('blue')
      await chaos().send('blue', 'f11-hanging', plain(500, 5))
      await chaos().copied(['f11-hanging'])
      const { blue, green } = await chaos().both(['f11-hanging'])
      expect(valuesOf(green, 'f11-hanging-0')).toEqual(valuesOf(blue, 'f11-hanging-0'))
    })
  })

  test('F91: a record under an id and sequence that the other colour knows is acknowledged and not appended; the gate refuses such ids', async () => {
    const { blue } = chaos().ports.clusters
    const place = 'f19-missing-0'
    await chaos().send('blue', 'f19-missing', plain(2_000, 1))
    const { active } = await blue.producers.ids(['f19-missing'], within(10))
    const id = active.find(({ transactional }) => !transactional)?.producerId ?? -1n
    const codes: number[] = []
    const sent = ['of one producer', 'of another one']
    for (const value of sent) codes.push(await produceAs(chaos().pair.wiring.clusters.green, place, id, value, within(10)))
    const appended = valuesOf(await chaos().contents('green', ['f19-missing']), place).filter((value) => sent.includes(value ?? ''))
    expect([codes, appended]).toEqual([[0, 0], ['of one producer']])
    expect(await gateLines()).toContainEqual(expect.stringMatching(new RegExp(`^producer ids: fail; observed ${id} wrote to ${place} on both`)))
    await chaos().untouched('blue')
  })
}
