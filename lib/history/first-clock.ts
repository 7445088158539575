/**
 * Times of another machine on the first one's clock. How far that is ahead is never known exactly:
 * each reading is a round trip, within which it was looked at.
 */
import { clockApartMax } from '../limits.ts'
import {
  type ClockReading,
  type HistoryLine,
  type HistoryOperation,
  type HistoryStore,
  noAnswer,
} from './format.ts'

/** What they promise is that what ended before something else began is seen by it. */
const timedStores: ReadonlySet<HistoryStore> = new Set(['strict', 'lin-fast-read', 'lock'])

/** Readings of one file by their time; none where the clock is the first machine's own. */
export type Clock = readonly ClockReading[]

export function clockOf(lines: readonly HistoryLine[]): Clock {
  return lines.filter((line) => 'clock' in line).toSorted((one, other) => one.clock - other.clock)
}

/**
 * When an operation was, by the first clock: as early and as late as it may have been. Stores that
 * promise nothing in time need only the order at each client, so that the likeliest times do, and
 * do not make operations overlap that did not.
 */
export function toFirstClock(
  clock: Clock,
  operation: HistoryOperation,
): { readonly start: number; readonly end: number } {
  const start = operation.start
  const end = operation.end === noAnswer ? Infinity : operation.end
  if (clock.length === 0) return { start, end }
  if (!timedStores.has(operation.store)) {
    const likely = (time: number): number =>
      time === Infinity ? time : Math.round(time + likelyAhead(clock, time))
    return { start: likely(start), end: likely(end) }
  }
  return {
    start: Math.floor(start + aheadAt(clock, start)[0]),
    end: end === Infinity ? end : Math.ceil(end + aheadAt(clock, end)[1]),
  }
}

/** By how much the first clock was ahead, at least and at most. */
function aheadAt(clock: Clock, time: number): readonly [low: number, high: number] {
  const after = indexAfter(clock, time)
  let bounds: readonly [number, number] = [-Infinity, Infinity]
  for (const reading of [clock[after - 1], clock[after]]) {
    if (reading === undefined) continue
    const drift = Math.abs(time - reading.clock) * clockApartMax
    const low = Math.max(bounds[0], reading.low - drift)
    const high = Math.min(bounds[1], reading.high + drift)
    // Two that contradict each other: one of the machines was stopped, and either may be right.
    bounds =
      low <= high
        ? [low, high]
        : [Math.min(bounds[0], reading.low - drift), Math.max(bounds[1], reading.high + drift)]
  }
  return bounds
}

/** Between two readings along the line that joins them, so that no order changes. */
function likelyAhead(clock: Clock, time: number): number {
  const after = indexAfter(clock, time)
  const earlier = clock[after - 1] ?? (clock[after] as ClockReading)
  const later = clock[after] ?? earlier
  const span = later.clock - earlier.clock
  const part = span === 0 ? 0 : (time - earlier.clock) / span
  return middle(earlier) + (middle(later) - middle(earlier)) * part
}

function middle({ low, high }: ClockReading): number {
  return (low + high) / 2
}

/** The first reading that is not before that time. */
function indexAfter(clock: Clock, time: number): number {
  let [from, to] = [0, clock.length]
  while (from < to) {
    const half = (from + to) >> 1
    if ((clock[half] as ClockReading).clock < time) from = half + 1
    else to = half
  }
  return from
}
