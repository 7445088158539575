/**
 * A second judge of linearizability, for one field whose writes are unique and all answered: after
 * Gibbons and Korach, without any search. The acts of a value span a zone, from the first end of
 * one of them to the last start. Where the end comes first, the value was there for all of the
 * zone, so no two such zones may overlap, and no zone of another value may lie within.
 */
import type { HistoryOperation, Json } from '../../lib/history/format.ts'

interface Zone {
  readonly low: number
  readonly high: number
  /** The value was certainly there from low to high. */
  readonly isForward: boolean
}

export function isLinearizableByZones(history: readonly HistoryOperation[]): boolean {
  const zones: Zone[] = []
  const values = new Map<Json, HistoryOperation[]>()
  for (const each of history) {
    if (each.op === 'init') continue
    const value = each.op === 'write' ? each.arg : each.out
    values.set(value ?? null, [...(values.get(value ?? null) ?? []), each])
  }
  for (const [value, own] of values) {
    const write = own.find(({ op }) => op === 'write')
    if (write === undefined && value !== null) return false
    // What was there at first was written before everything.
    const begin = write?.start ?? Number.NEGATIVE_INFINITY
    if (own.some(({ end }) => end < begin)) return false
    const firstEnd = write === undefined ? begin : Math.min(...own.map(({ end }) => end))
    const lastStart = Math.max(...own.map(({ start }) => start))
    const isForward = firstEnd < lastStart
    zones.push({
      low: isForward ? firstEnd : lastStart,
      high: isForward ? lastStart : firstEnd,
      isForward,
    })
  }
  const forward = zones.filter(({ isForward }) => isForward).sort((a, b) => a.low - b.low)
  const overlaps = forward.some((zone, index) => zone.low < (forward[index - 1]?.high ?? -Infinity))
  const backward = zones.filter(({ isForward }) => !isForward)
  return (
    !overlaps &&
    !backward.some(({ low, high }) => forward.some((zone) => zone.low < low && high < zone.high))
  )
}
