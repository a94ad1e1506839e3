/** One event of a long run: which step, and what happened, as one line. */
export interface ProgressEvent {
  readonly step: string
  readonly text: string
}

/** Where progress goes: a resource's row, a terminal, a log. */
export type Progress = (event: ProgressEvent) => void
