/**
 * Whether a history of linearizable fields and locks can be explained, by trying: the means of
 * these tests, so that they do not depend on the checker which they are to feed.
 */
import type { HistoryOperation, Json } from '../../lib/history/format.ts'

/** The keys whose operations no order explains. */
export function unexplained(history: readonly HistoryOperation[]): string[] {
  const keys = new Map<string, HistoryOperation[]>()
  for (const operation of history) {
    const name = `${operation.kind} ${operation.key}`
    keys.set(name, [...(keys.get(name) ?? []), operation])
  }
  return [...keys].filter(([, own]) => !isExplained(own)).map(([name]) => name)
}

function isExplained(all: readonly HistoryOperation[]): boolean {
  const initial = all.find(({ op }) => op === 'init')?.arg ?? null
  const operations = all.filter(({ op }) => op !== 'init')
  const seen = new Set<string>()
  const ways: [state: Json, left: readonly HistoryOperation[]][] = [[initial, operations]]
  for (let way = ways.pop(); way !== undefined; way = ways.pop()) {
    const [state, left] = way
    if (left.every(({ end }) => end < 0)) return true
    const name = `${JSON.stringify(state)} ${left.map(({ start }) => start).join()}`
    if (seen.has(name)) continue
    seen.add(name)
    const firstEnd = Math.min(...left.map(({ end }) => (end < 0 ? Infinity : end)))
    left.forEach((operation, at) => {
      if (operation.start > firstEnd) return
      const next = after(state, operation)
      if (next !== undefined) ways.push([next, left.toSpliced(at, 1)])
    })
  }
  return false
}

const equal = (one: Json, other: Json): boolean => JSON.stringify(one) === JSON.stringify(other)

/** The state after it; undefined if it cannot have answered as it did. */
function after(state: Json, operation: HistoryOperation): Json | undefined {
  const { op, arg = null, exp = null, out = null, ok, end } = operation
  const isOpen = end < 0
  switch (op) {
    case 'read':
      return equal(state, out) ? state : undefined
    case 'write':
      return arg
    case 'cas':
      if (equal(state, exp) !== ok) return undefined
      return ok ? arg : state
    case 'add': {
      const sum = (typeof state === 'number' ? state : 0) + (arg as number)
      return isOpen || sum === out ? sum : undefined
    }
    case 'delete':
      return isOpen || (state !== null) === out ? null : undefined
    case 'acquire':
      return state === null ? (isOpen ? 'unknown' : out) : undefined
    case 'release':
      return equal(state, arg) || (state === 'unknown' && isOpen) ? null : undefined
    default:
      return undefined
  }
}
