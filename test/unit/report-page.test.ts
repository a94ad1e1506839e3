import { describe, expect, it } from 'vitest'
import { shownParts } from '../../cli/report/charts/window.ts'
import { count, milliseconds } from '../../cli/report/format.ts'
import { escaped, html } from '../../cli/report/html.ts'
import { reportHtml } from '../../cli/report/page.ts'
import { RolloutReport, type SwitchoverReport } from '../../cli/report/report.ts'
import { storyOf } from '../../cli/report/story.ts'
import { summaryLines } from '../../cli/rollout/summary.ts'
import { auditedReport, earlierReport, failedReport, hostileReport, rolloutSections, sampleReport } from '../support/report-sample.ts'

/** Everything between two tags, as text. */
function textOf(page: string): string {
  return page.replaceAll(/<style>.*?<\/style>/gs, '').replaceAll(/<[^>]*>/g, ' ')
}

function idsOf(page: string): readonly string[] {
  return [...page.matchAll(/\sid="([^"]*)"/g)].map((match) => match[1] ?? '')
}

describe('the page of a report', () => {
  it('has every section, each once, and a way to each from the top', () => {
    const page = reportHtml(sampleReport())
    for (const id of rolloutSections) {
      expect(page.split(`<section id="${id}"`)).toHaveLength(2)
      expect(page).toContain(`<a href="#${id}">`)
    }
    expect(page).toContain('class="skip" href="#happened"')
  })

  it('loads nothing and runs nothing', () => {
    const page = reportHtml(sampleReport())
    expect(page).not.toMatch(/<script|\son\w+=|https?:|@import|url\(/)
    expect(page).toContain("default-src 'none'")
  })

  it('gives every picture a title, a description and the same numbers as a table', () => {
    const page = reportHtml(sampleReport())
    const pictures = [...page.matchAll(/<svg [^>]*aria-labelledby="(\S+) (\S+)"/g)]
    expect(pictures).toHaveLength(2 * 7)
    for (const [, title, description] of pictures) {
      expect(page).toMatch(new RegExp(`<title id="${title}">[^<]{10,}</title><desc id="${description}">[^<]{40,}</desc>`))
    }
    const summaries = [...page.matchAll(/<summary>(Numbers: [^<]+)<\/summary>/g)].map((match) => match[1])
    expect(page.split('<figure').length - 1).toBe(new Set(summaries).size)
    expect(summaries).toContain(`Numbers: switchover 1, blue to green: a write window of ${milliseconds(sampleReport().switchovers[0]?.writeWindowMs ?? -1)}`)
    const ids = idsOf(page)
    expect(new Set(ids).size).toBe(ids.length)
    for (const [, labels] of page.matchAll(/aria-labelledby="([^"]*)"/g)) for (const id of labels?.split(' ') ?? []) expect(ids).toContain(id)
  })

  it('shows the numbers of the report: windows, parts, counts, checks with evidence, limits', () => {
    const report = sampleReport()
    const text = textOf(reportHtml(report))
    for (const one of report.switchovers) {
      expect(text).toContain(`${one.from} to ${one.to}: a write window of ${milliseconds(one.writeWindowMs)}`)
      for (const part of shownParts(one.parts)) expect(text).toContain(milliseconds(one.parts[part]))
      for (const check of one.gate?.checks ?? []) for (const word of [check.name, check.observed, check.required]) expect(text).toContain(word)
    }
    expect(text).toContain(count(report.client.acked))
    expect(text).toContain('maxMirrorLagMs')
    expect(text).toContain('1,000\u00a0ms')
    for (const unseen of report.notObserved) expect(text).toContain(unseen.replaceAll("'", '&#39;'))
  })

  it('shows what passed before the hold as a part of its own, where there was any', () => {
    const [first, , third] = sampleReport().switchovers
    expect([first?.parts.beforeHoldMs, Math.round(third?.parts.beforeHoldMs ?? 0)]).toEqual([0, 151])
    const rows = (number: number) => reportHtml(sampleReport()).split(`id="window-${number}-numbers"`)[1]?.split('</table>')[0] ?? ''
    expect(rows(1)).not.toContain('before hold')
    expect(textOf(rows(3))).toMatch(/before hold\s+until the hold was published: nothing held the producer yet\s+0\u00a0ms\s+151\u00a0ms\s+hold/)
  })

  it('shows how long each group got nothing, in a table of its own, beside the window and as a tile', () => {
    const page = reportHtml(sampleReport())
    const text = textOf(page)
    expect(textOf(page.split('id="pauses-numbers"')[1]?.split('</table>')[0] ?? '')).toMatch(/ledger\s+4,554\u00a0ms\s+3,089\u00a0ms\s+2,625\u00a0ms/)
    expect(text).toMatch(/orders-dashboard\s+longest time without a delivery to this group\s+–\s+4,904\u00a0ms/)
    expect(text).toMatch(/4,904\u00a0ms\s+longest time without a delivery to a group/)
  })

  it('shows every second of the series in the table under its picture', () => {
    const report = sampleReport()
    const rows = reportHtml(report).split('id="throughput-numbers"')[1]?.split('</table>')[0]?.split('<tr').slice(2) ?? []
    expect(rows).toHaveLength(report.perSecond?.acked.blue.length ?? -1)
    expect(textOf(rows[10] ?? '')).toMatch(new RegExp(`10.0\\s+s\\s+${count(report.perSecond?.acked.blue[10] ?? -1)}\\s+0`))
  })

  it('takes seconds of a long run together, and loses none of its records', () => {
    const report = sampleReport()
    const long = Array.from({ length: 7_200 }, (_, second) => (second === 5_000 ? 100_000 : 10))
    const none = long.map(() => null)
    const series = { p50Ms: none, p99Ms: none, maximumMs: none }
    const perSecond = { acked: { blue: long, green: long.map(() => 0) }, acknowledgement: series, endToEnd: series, groupLagRecords: { billing: long } }
    const page = reportHtml(RolloutReport.parse({ ...report, perSecond }))
    expect(page).toContain('Each step is 23\u00a0seconds')
    expect(page).toContain('Each point is 23\u00a0seconds: of its seconds&#39; medians, 99th percentiles and maxima the largest each')
    expect(page).toContain('From due to acknowledged, largest median of a second')
    expect(page).toContain('at most 100,000\u00a0records')
  })
})

describe('what a page says happened', () => {
  it('is four sentences', () => {
    const told = storyOf(sampleReport())
    expect(told).toHaveLength(4)
    for (const sentence of told) expect(sentence).toMatch(/^[A-Z].*\.$/)
    expect(told[0]).toContain('blue → green → blue → green')
    expect(told[0]).toContain('none was lost, duplicated, redelivered or reordered')
    expect(told[1]).toContain(milliseconds(Math.max(...sampleReport().switchovers.map((one) => one.writeWindowMs))))
    expect(told[1]).toContain('the slowest producer waited 477\u00a0ms (151\u00a0ms of it before the hold), and in the shortest 335\u00a0ms')
    expect(told[2]).toBe('Of the consumer groups that keep up none was without a delivery for longer than 4,904\u00a0ms (orders-dashboard, blue → green).')
    expect(told[3]).toContain("All 117\u00a0positions of 4\u00a0consumer groups were translated exactly, by the tool's own verdict")
  })

  it('claims no longest pause of the groups where one is missing, and no position where there is none', () => {
    const sample = sampleReport()
    const [first, ...others] = sample.switchovers
    const groupsOf = (groupPauses: SwitchoverReport['groupPauses']) => ({
      ...sample,
      groups: [],
      switchovers: first ? [{ ...first, groupPauses }, ...others] : [],
    })
    expect(storyOf(groupsOf([]))[2]).toBe('How long the consumer groups got nothing meanwhile was not observed.')
    const endless = groupsOf([{ group: 'ledger', longestWithoutDeliveryMs: null }])
    expect(storyOf(endless)[2]).toBe("How long the consumer groups got nothing isn't known: ledger was not seen to read on from green.")
    expect(textOf(reportHtml(endless))).toMatch(/\?\s+longest time without a delivery to a group/)
    expect(storyOf(endless)[3]).toMatch(/^No position of a consumer group was translated, and the whole rollout took/)
    expect(summaryLines(endless).join('\n')).toContain('groups: no position was translated')
  })

  it('begins with what failed first, and counts what clients lost', () => {
    const told = storyOf(failedReport())
    expect(told[0]).toBe('This rollout failed: the history checker found faults (and 2\u00a0other reasons).')
    expect(told[1]).toContain('3 were lost and 41 were redelivered')
    const page = reportHtml(failedReport())
    expect(page).toContain('✗ FAIL')
    expect(page).toContain('<li>blue -&gt; green was not graceful</li>')
    expect(page).toContain('✗ broken')
    expect(page).toMatch(/✗ \d+ exact and 1 not provable/)
  })

  it('names the groups that stayed, with the reason, and has no end-to-end latency until they read on', () => {
    const page = reportHtml(failedReport())
    const row = page.split('id="stayed-numbers"')[1]?.split('</table>')[0] ?? ''
    expect(textOf(row)).toMatch(/ledger\s+2\s+green\s+its members did not leave/)
    expect(page).toContain('Switchover 2 has no end-to-end latency during and after it: ledger was not seen to read on from blue.')
    expect(page).not.toContain('end-to-end, during 2')
    expect(page).toContain('end-to-end, during 3')
    expect(reportHtml(sampleReport())).not.toContain('stayed-numbers')
  })

  it('doesn’t take the zeros of an unjudged run for a proof', () => {
    const page = reportHtml({ ...failedReport(), clientJudged: false, switchovers: [], groups: [], perSecond: null })
    expect(page).toContain('nothing is known of the 159,818\u00a0records')
    expect(page.split('? unknown')).toHaveLength(6)
    expect(page).not.toContain('✓ holds')
    expect(page).toContain('No switchover was measured.')
  })
})

/** The body of one table, as text. */
function tableText(page: string, id: string): string {
  return textOf(page.split(`<table id="${id}"`)[1]?.split('</table>')[0] ?? page.split(`id="${id}" aria`)[1]?.split('</table>')[0] ?? '').replaceAll(
    /\s+/g,
    ' ',
  )
}

describe('the audit on a page', () => {
  it('shows what was compared at each cut and at the end, how old the watermark was, and what one run of the map is', () => {
    const page = reportHtml(auditedReport())
    const compared = tableText(page, 'audit-numbers')
    expect(compared).toMatch(/cut 1, blue to green 12 [\d,]+ ✓ equal 180 ms 9,000/)
    expect(compared).toMatch(/cut 3, blue to green 12 [\d,]+ ✓ equal 255 ms 27,000/)
    expect(compared).toContain('the end, when nobody wrote any more 12 156,246 ✓ equal 101 ms 24,240')
    expect(page).toContain('On average one covers 6\u00a0records here.')
    expect(tableText(page, 'watermark-numbers')).toMatch(/0.0 s – [\d,]+ 12 /)
    expect(tableText(page, 'watermark-numbers')).toMatch(/10.0 s 160 ms [\d,]+ 0 /)
    for (const absent of ['differences-numbers', 'Undecided', 'had no answer']) expect(page).not.toContain(absent)
  })

  it('shows each difference where it is, what is undecided and why, and looks without an answer', () => {
    const page = reportHtml(failedReport())
    expect(tableText(page, 'audit-numbers')).toMatch(/the end, when nobody wrote any more 12 156,246 ✗ differs – /)
    const differences = tableText(page, 'differences-numbers')
    expect(differences).toContain('orders-2 changed (value) 4711 5303 orders-2 missing on green 4800 its end orders-2 and 5 more – –')
    expect(page).toContain('<li>orders-4: 3 keys wait for a newer record</li>')
    expect(page).toContain('<li>orders-5: its leader on green is gone</li>')
    expect(page).toContain('3\u00a0looks of 155 had no answer.')
  })

  it('says of a cut that was decided without one that it was not audited', () => {
    const audited = auditedReport()
    const page = reportHtml({ ...audited, audit: null, switchovers: audited.switchovers.map((one, index) => (index === 1 ? { ...one, audit: null } : one)) })
    expect(tableText(page, 'audit-numbers')).toContain('cut 2, green to blue – – ? not audited – –')
    expect(page).toContain('Nobody looked at the audit between the cuts.')
  })
})

describe('what other translations would have done, on a page', () => {
  it('is one sentence, a row for each group in each move, and a sum', () => {
    const page = reportHtml(auditedReport())
    const table = tableText(page, 'strategies-numbers')
    expect(table).toMatch(/^[^>]*> ?.*group as moved counting back timestamps snapshot MirrorMaker orders/)
    expect(table).toMatch(/orders-dashboard wave-1, 6 positions 0 0 0 8,262 again 258 again/)
    expect(table).toMatch(/archive switchover 2, 12 positions .* 0 12 positions without an answer/)
    expect(table).toMatch(/all moves 156 positions 0 0 0 /)
    expect(textOf(page)).toMatch(
      /With plain MirrorMaker the groups would have been given [\d,]+\u00a0records again over these moves, by a simulation, and 24\u00a0positions would have had no checkpoint at all; as they were moved it was 0\u00a0records again and 0 skipped\./,
    )
    expect(page).toContain('offset.lag.max 100')
  })

  it('says what was not looked at, and which positions nobody could judge', () => {
    const audited = auditedReport()
    const { strategies } = audited
    const groups =
      strategies?.groups.map((one) => ({ ...one, unknownPositions: 1, outcomes: one.outcomes.filter(({ strategy }) => strategy !== 'snapshot') })) ?? []
    const page = reportHtml({
      ...audited,
      strategies: strategies && { ...strategies, groups, notLookedAt: [{ strategy: 'snapshot', reason: 'no place was noted' }] },
    })
    expect(page).toContain('<li>snapshot: not looked at, because no place was noted</li>')
    expect(tableText(page, 'strategies-numbers')).toMatch(/as moved counting back timestamps MirrorMaker/)
    expect(page).toContain('Of 16\u00a0positions the true place could not be told')
  })
})

describe('waves on a page', () => {
  it('are rows of a picture, marks of the run, a table of their groups, and what the phase did', () => {
    const page = reportHtml(auditedReport())
    expect(tableText(page, 'waves-groups')).toContain(
      'orders-dashboard wave-1 ✓ moved to green 641 ms archive wave-2 ✓ moved to green not observed billing wave-3 ✓ moved to green 821 ms',
    )
    expect(tableText(page, 'waves-numbers')).toMatch(/wave-3 billing and ledger blue to green 16.0 s 3,100 ms/)
    expect(page).toContain('Numbered lines are the switchovers; w1 to w3 are the waves before them.')
    expect(page.split('>w2</text>').length - 1).toBe(2 * 4)
    expect(textOf(page)).toContain('consumer groups wave by wave, before the producers: wave-1 to green, wave-2 to green and wave-3 to green')
    expect(tableText(page, 'groups-numbers')).toMatch(/orders-dashboard wave-1 6 /)
  })

  it('say which went back, and which group had stayed, each with the reason', () => {
    const table = tableText(reportHtml(failedReport()), 'waves-groups')
    expect(table).toContain('billing wave-3 ✗ back on blue 821 ms billing did not reach its progress of before within 60 s')
    expect(table).toContain('ledger wave-3 ✗ stayed on blue not observed its members did not leave')
    expect(textOf(reportHtml(failedReport()))).toMatch(
      /3\u00a0waves, 2\u00a0groups moved\.\s+Since the first one began, 25.3\u00a0s after the load. 1\u00a0wave went back\./,
    )
  })
})

describe('reports from elsewhere', () => {
  it('shows one of an earlier version, and says what it lacks', () => {
    const text = textOf(reportHtml(RolloutReport.parse(earlierReport())))
    expect(text).toContain('holds no series')
    expect(text).toContain('holds no latencies')
    expect(text).toContain('holds no evidence of the gate')
    expect(text).toContain("This report doesn't say what was not observed")
    expect(text).toContain('a write window of 477\u00a0ms')
    expect(text).toContain('How long a group got nothing was not observed.')
    expect(text).toContain('This report holds nothing of an audit')
    expect(text).toContain('Not looked at: this report was written by an earlier version')
    expect(text).toContain('No wave was moved')
    expect(text).not.toContain('before hold')
  })

  it('escapes every text, wherever it stands', () => {
    const page = reportHtml(hostileReport())
    expect(page).not.toMatch(/<script|<img|onerror="/)
    for (const character of ['\u202e', '\u0000']) expect(page).not.toContain(character)
    expect(page.split('</title>')).toHaveLength(2 + 2 * 9)
    expect(page.split('<title').length).toBe(page.split('</title>').length)
    expect(page).toContain('&lt;script&gt;')
    expect(page).not.toMatch(/NaN|Infinity|undefined/)
  })

  it('escapes what stands in a template once, and nested HTML not again', () => {
    expect(html`<b title="${'"<&\''}">${['<i>', html`<u>${1}</u>`, null]}</b>`.text).toBe('<b title="&quot;&lt;&amp;&#39;">&lt;i&gt;<u>1</u></b>')
    expect(escaped('a\u0007\u2067b\ud800')).toBe('a\ufffd\ufffdb\ufffd')
  })

  it('refuses series that don’t fit together', () => {
    const report = sampleReport()
    const torn = { ...report, perSecond: { ...report.perSecond, acked: { blue: [1], green: [1, 2] } } }
    expect(RolloutReport.safeParse(torn).success).toBe(false)
  })
})
