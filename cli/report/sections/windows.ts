import { windowFigure } from '../charts/window.ts'
import { figureHtml } from '../figure.ts'
import { counted, milliseconds } from '../format.ts'
import { type Html, html } from '../html.ts'
import type { RolloutReport } from '../report.ts'

/** Every switchover's write window as a picture. */
export function windowsSection(report: RolloutReport): Html {
  if (report.switchovers.length === 0) return html`<p>No switchover was measured.</p>`
  return html`<p>A write window is measured at the clients: from a producer's last acknowledgement on one colour to its first on the other, and of all producers the longest counts.${report.switchovers.every((one) => one.dueThroughout) ? ' Sends were due all the while.' : ''}</p>
${report.switchovers.map((one, index) => {
  const notes = [
    ...(one.graceful ? [] : ['not graceful: a producer did not acknowledge the hold in time, and met the fence']),
    ...(one.dueThroughout ? [] : ['no send was due for more than 100 ms of it: it may have been shorter for the clients than it looks']),
    ...(one.gate !== null && one.gate.updates > 1
      ? [`the gate refused ${counted(one.gate.updates - 1, 'update')} before it passed; nothing was moved by them`]
      : []),
  ]
  return html`${figureHtml(windowFigure(one, index + 1))}${notes.map((note) => html`<p class="note">Switchover ${index + 1} (${milliseconds(one.writeWindowMs)}): ${note}.</p>`)}`
})}`
}
