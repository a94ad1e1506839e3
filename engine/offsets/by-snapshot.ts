import type { TopicPartition } from '../model/partition.ts'
import { exact, notProvable, type Strategy } from './strategy.ts'

/** A place that was proven equal once, e.g. the ends at a cut: everything before it on one side is before it on the other. */
export interface NotedPlace {
  readonly sourceOffset: bigint
  readonly targetOffset: bigint
}

/**
 * Snapshot and restore: positions noted earlier are written back. `exact` only for a group that stands exactly at a noted place; any other would go back to
 * the last one before it and read again what lies between.
 *
 * @param noted in any order
 */
export function bySnapshot(noted: ReadonlyMap<TopicPartition, readonly NotedPlace[]>): Strategy {
  return {
    method: 'snapshot',
    find: ({ partition, committed }) => {
      const place = lastUpTo(noted.get(partition) ?? [], committed)
      if (place === undefined) return notProvable(`no place at or before ${committed} was noted`)
      if (place.sourceOffset === committed) return exact(place.targetOffset, null, 'the group stands at a place that was noted')
      const again = `up to ${committed - place.sourceOffset} records would be delivered again`
      return notProvable(`the last place noted before it is at source offset ${place.sourceOffset}: ${again}`, null, place.targetOffset)
    },
  }
}

function lastUpTo(noted: readonly NotedPlace[], committed: bigint): NotedPlace | undefined {
  return noted.reduce<NotedPlace | undefined>((last, place) => {
    const isLater =
      last === undefined || place.sourceOffset > last.sourceOffset || (place.sourceOffset === last.sourceOffset && place.targetOffset < last.targetOffset)
    return place.sourceOffset <= committed && isLater ? place : last
  }, undefined)
}
