import type { Test } from 'tap'
import type { HistoryOperation } from '../../lib/history/format.ts'
import { unexplained } from './verdict.ts'

/** What every history of a program has to be like. */
export function checkHistory(t: Test, history: readonly HistoryOperation[]): void {
  t.strictSame(unexplained(history), [], 'some order explains all answers')
  const stamps = history.flatMap(({ start, end }) => (end < 0 ? [start] : [start, end]))
  t.equal(new Set(stamps).size, stamps.length, 'no stamp is there twice')
  const starts = history.map(({ start }) => start)
  t.strictSame(
    starts,
    starts.toSorted((one, other) => one - other),
    'they stand by their start',
  )
  t.ok(stamps.every((stamp) => Number.isSafeInteger(stamp)))
  const lastEnd = new Map<number, number>()
  const overlapping = history.filter(({ client, start, end }) => {
    const before = lastEnd.get(client) ?? -1
    lastEnd.set(client, end < 0 ? Infinity : end)
    return before > start
  })
  t.strictSame(overlapping, [], 'a client does one thing at a time')
}
