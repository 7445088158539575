/**
 * The models by definition, by trying everything: for a handful of operations. They know nothing of
 * how the checker goes about it.
 */
import type { HistoryOperation, Json } from '../../lib/history/format.ts'

type State = ReadonlyMap<string, Json>

const initOf = (history: readonly HistoryOperation[]): State =>
  new Map(history.filter(({ op }) => op === 'init').map(({ key, arg }) => [key, arg ?? null]))

const same = (a: Json, b: Json): boolean => JSON.stringify(a) === JSON.stringify(b)

/** The state after an operation; undefined if it cannot have answered so. */
function perform(state: State, operation: HistoryOperation): State | undefined {
  const { key, op, arg = null, exp = null, out, ok, end } = operation
  const value = state.get(key) ?? null
  const isOpen = end < 0
  const set = (next: Json): State => new Map([...state, [key, next]])
  switch (op) {
    case 'read':
      return same(value, out ?? null) ? state : undefined
    case 'write':
      return set(arg)
    case 'cas':
      if (!isOpen && ok !== same(value, exp)) return undefined
      return same(value, exp) ? set(arg) : state
    case 'add': {
      if (value !== null && typeof value !== 'number') return undefined
      const sum = (value ?? 0) + Number(arg)
      return isOpen || out === undefined || sum === out ? set(sum) : undefined
    }
    case 'delete':
      return isOpen || out === undefined || out === (value !== null) ? set(null) : undefined
    case 'acquire':
      return value === null ? set(out ?? null) : undefined
    case 'release':
      return same(value, arg) ? set(null) : undefined
    default:
      return state
  }
}

const endOf = ({ end }: HistoryOperation): number => (end < 0 ? Number.POSITIVE_INFINITY : end)

/** Some order of all operations of all fields, within real time, explains all answers. */
export function isLinearizable(history: readonly HistoryOperation[]): boolean {
  const walk = (left: readonly HistoryOperation[], state: State): boolean => {
    if (left.every(({ end }) => end < 0)) return true
    const earliestEnd = Math.min(...left.map(endOf))
    return left.some((operation, index) => {
      if (operation.start > earliestEnd) return false
      const next = perform(state, operation)
      return next !== undefined && walk(left.toSpliced(index, 1), next)
    })
  }
  return walk(operationsOf(history), initOf(history))
}

function operationsOf(history: readonly HistoryOperation[]): HistoryOperation[] {
  return history.filter(({ op, end }) => op !== 'init' && !(op === 'read' && end < 0))
}
