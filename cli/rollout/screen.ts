import { systemClock } from '../../engine/ports/clock.ts'

/** Where a long run shows what it does: one line per event everywhere, and on a terminal a last line that lives. */
export interface Screen {
  /** One event: which phase, and what happened. */
  event(phase: string, text: string): void
  /** The live line; shown on a terminal only, replaced by the next one. */
  live(text: string): void
  /** Ends the live line. */
  close(): void
}

const clearLine = '\r\u001b[2K'

/** A screen on a stream. Times are seconds since it was made. */
export function screenOn(stream: NodeJS.WriteStream): Screen {
  const startedMs = systemClock.monotonicMs()
  let shown = ''
  const write = (text: string) => stream.write(text)
  return {
    event(phase, text) {
      const seconds = ((systemClock.monotonicMs() - startedMs) / 1_000).toFixed(1).padStart(6)
      for (const line of text.split('\n')) write(`${stream.isTTY ? clearLine : ''}${seconds} s  ${phase.padEnd(9)} ${line}\n`)
      if (stream.isTTY && shown) write(shown)
    },
    live(text) {
      if (!stream.isTTY) return
      shown = text.slice(0, Math.max(20, (stream.columns ?? 120) - 1))
      write(clearLine + shown)
    },
    close() {
      if (stream.isTTY && shown) write(clearLine)
      shown = ''
    },
  }
}
