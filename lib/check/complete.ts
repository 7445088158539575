/** What has to stay with a set of acts, so that leaving out the others proves something. */
import { type Act, foundBy, isBlind, isPure, mayFind, unknownValue } from './act.ts'
import { groupBy } from './group-by.ts'
import { fieldOf } from './read-history.ts'
import type { ValueNumbers } from './value-numbers.ts'

/**
 * Adds, from a pool, the acts on one field whose effect one of these may have found.
 *
 * @param isTimed what began after an act ended cannot have been found by it, and what was
 * overwritten before it began neither
 */
export function completeField(
  kept: readonly Act[],
  pool: readonly Act[],
  values: ValueNumbers,
  isTimed: boolean,
): Act[] {
  const stays = new Set(kept)
  const writers = pool.filter((act) => !isPure(act)).sort((a, b) => a.end - b.end)
  const byValue = groupBy(writers, ({ value }) => value)
  const overwritten = isTimed ? overwrittenBefore(kept) : () => Number.NEGATIVE_INFINITY
  const queue = [...kept]
  for (let finder = queue.pop(); finder !== undefined; finder = queue.pop()) {
    if (isBlind(finder)) continue
    const since = overwritten(finder.start)
    for (const candidates of candidatesOf(finder, writers, byValue)) {
      for (const writer of latestFirst(candidates)) {
        if (writer.end < since) break
        if (stays.has(writer) || (isTimed && writer.start > finder.end)) continue
        if (!mayFind(finder, writer.value, values)) continue
        stays.add(writer)
        queue.push(writer)
      }
    }
    const origin = originOf(finder, stays, byValue)
    if (origin !== undefined) {
      stays.add(origin)
      queue.push(origin)
    }
  }
  return pool.filter((act) => stays.has(act))
}

/**
 * One that wrote what an act has found, if none of those stays: or else it would seem that nobody
 * had written it.
 */
function originOf(
  finder: Act,
  stays: ReadonlySet<Act>,
  byValue: ReadonlyMap<number, readonly Act[]>,
): Act | undefined {
  const value = foundBy(finder)
  const writers = value === undefined ? [] : (byValue.get(value) ?? [])
  if (writers.some((each) => each !== finder && stays.has(each))) return undefined
  const others = writers.filter((each) => each !== finder)
  return others.findLast(({ start }) => start <= finder.end) ?? others[0]
}

/** Lists in order of their ends, of all that it may have found and some more. */
function candidatesOf(
  finder: Act,
  writers: readonly Act[],
  byValue: ReadonlyMap<number, readonly Act[]>,
): (readonly Act[])[] {
  if (finder.kind !== 'read' && finder.kind !== 'swap') return [writers]
  const value = finder.kind === 'read' ? finder.value : finder.expected
  // A sum without an answer may be any number.
  return [byValue.get(value) ?? [], byValue.get(unknownValue) ?? []]
}

function* latestFirst(acts: readonly Act[]): Generator<Act> {
  for (let at = acts.length - 1; at >= 0; at -= 1) yield acts[at] as Act
}

/**
 * The latest start of an act that overwrites and has ended before a time: what had ended before
 * that start is not there any more.
 */
function overwrittenBefore(acts: readonly Act[]): (time: number) => number {
  const ended = acts.filter((act) => !isPure(act)).sort((a, b) => a.end - b.end)
  const latest: number[] = []
  for (const { start } of ended) {
    latest.push(Math.max(start, latest.at(-1) ?? Number.NEGATIVE_INFINITY))
  }
  return (time) => {
    let low = 0
    let high = ended.length
    while (low < high) {
      const middle = (low + high) >> 1
      if ((ended[middle] as Act).end < time) low = middle + 1
      else high = middle
    }
    return latest[low - 1] ?? Number.NEGATIVE_INFINITY
  }
}

/** Adds, of several fields and without real time, what these may have found. */
export function completeFields(
  kept: readonly Act[],
  pool: readonly Act[],
  values: ValueNumbers,
): Act[] {
  const stays = groupBy(kept, ({ entry }) => fieldOf(entry))
  const there = groupBy(pool, ({ entry }) => fieldOf(entry))
  const all = new Set<Act>()
  for (const [field, own] of stays) {
    for (const act of completeField(own, there.get(field) ?? [], values, false)) all.add(act)
  }
  return pool.filter((act) => all.has(act))
}

/** Adds what belongs to the tenures of a lock that begin or end here. */
export function completeLock(kept: readonly Act[], pool: readonly Act[]): Act[] {
  const tenures = new Set(kept.map(({ tenure }) => tenure))
  return pool.filter(({ tenure }) => tenures.has(tenure))
}
