import type { Colour } from '../model/colour.ts'
import { drillConnectorPrefix } from '../model/drill.ts'

/** A mirror connector's name carries the term that created it: a name is used once, seeded once. */
export function mirrorConnectorName(source: Colour, target: Colour, term: string): string {
  return `kbg-mirror-${source}-${target}-${term}`
}

/** The connector that copies only the source's canary topic; it runs all the time, each way. */
export function canaryConnectorName(source: Colour, target: Colour): string {
  return `kbg-canary-${source}-${target}`
}

/** Whether a connector carries application records in that direction. */
export function isMirrorConnector(name: string, source: Colour, target: Colour): boolean {
  return name.startsWith(`kbg-mirror-${source}-${target}-`) || !['kbg-canary-', 'kbg-mirror-', drillConnectorPrefix].some((prefix) => name.startsWith(prefix))
}
