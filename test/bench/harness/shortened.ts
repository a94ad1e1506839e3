/** How many lines of a list are shown. */
const shown = 5

/** The first five lines, then "and N more": how every list of lines is shown. */
export function shortened(lines: readonly string[]): readonly string[] {
  return lines.length > shown ? [...lines.slice(0, shown), `and ${lines.length - shown} more`] : lines
}
