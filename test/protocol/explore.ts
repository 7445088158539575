/**
 * Walks every state that a model can reach, breadth first, so that the trace to a violation is a
 * shortest one. A state is a tree of plain data (Maps and Sets allowed); it is known by its
 * canonical text. Frozen arrays and records are taken for immutable and shared between states.
 */
import { hash } from 'node:crypto'

export interface Model<State> {
  initial(): State
  /**
   * What may happen next. Moves that only faults make are marked: a state without others is at
   * rest.
   */
  moves(state: State): readonly Move[]
  /** Performs the move in place. Throws a {@link Violation} if a promise is broken. */
  apply(state: State, move: Move): void
  /** Throws a {@link Violation} if the state may not be one to rest in. */
  atRest(state: State): void
}

export interface Move {
  readonly kind: string
  readonly client: number
  readonly fault: boolean
}

export class Violation extends Error {}

export interface Exploration {
  readonly states: number
  readonly moves: number
  readonly statesAtRest: number
  readonly violation: string | null
  /** The moves that lead to the violation. */
  readonly trace: readonly string[]
}

interface Visit {
  readonly parent: number
  readonly move: string
}

export function explore<State>(model: Model<State>, statesMax: number): Exploration {
  const first = model.initial()
  const known = new Set([digest(first)])
  const visits: Visit[] = [{ parent: -1, move: 'start' }]
  // States are dropped once they are expanded; only the way to them is kept.
  let frontier: { state: State; index: number }[] = [{ state: first, index: 0 }]
  let moveCount = 0
  let statesAtRest = 0
  const report = (violation: string | null, trace: readonly string[]): Exploration => {
    return { states: known.size, moves: moveCount, statesAtRest, violation, trace }
  }
  while (frontier.length > 0) {
    const next: typeof frontier = []
    for (const { state, index } of frontier) {
      const moves = model.moves(state)
      if (moves.every((move) => move.fault)) {
        statesAtRest += 1
        const broken = violationOf(() => model.atRest(state))
        if (broken !== null) return report(broken, traceTo(visits, index))
      }
      for (const move of moves) {
        moveCount += 1
        const following = copyPlain(state)
        const name = `${move.kind} ${move.client}`
        const broken = violationOf(() => model.apply(following, move))
        if (broken !== null) return report(broken, [...traceTo(visits, index), name])
        const key = digest(following)
        if (known.has(key)) continue
        known.add(key)
        if (known.size > statesMax) throw new Error(`explore: more than ${statesMax} states`)
        visits.push({ parent: index, move: name })
        next.push({ state: following, index: visits.length - 1 })
      }
    }
    frontier = next
  }
  return report(null, [])
}

function violationOf(check: () => void): string | null {
  try {
    check()
    return null
  } catch (error) {
    if (error instanceof Violation) return error.message
    throw error
  }
}

function traceTo(visits: readonly Visit[], index: number): string[] {
  const trace: string[] = []
  for (let at = index; at > 0; ) {
    const visit = visits[at]
    if (visit === undefined) break
    trace.unshift(visit.move)
    at = visit.parent
  }
  return trace
}

function digest(state: unknown): string {
  return hash('sha1', canonical(state), 'base64')
}

export function copyPlain<Value>(value: Value): Value {
  return copy(value) as Value
}

function copy(value: unknown): unknown {
  if (typeof value !== 'object' || value === null) return value
  if (Array.isArray(value)) return Object.isFrozen(value) ? value : value.map(copy)
  if (value instanceof Map) {
    const map = new Map<unknown, unknown>()
    for (const [key, item] of value) map.set(key, copy(item))
    return map
  }
  if (value instanceof Set) return new Set(value)
  if (Object.isFrozen(value)) return value
  const record: Record<string, unknown> = {}
  for (const key in value) record[key] = copy((value as Record<string, unknown>)[key])
  return record
}

const frozenTexts = new WeakMap<object, string>()

/**
 * The same text for the same state. The order in which keys came into a Map is no part of a state.
 */
export function canonical(value: unknown): string {
  if (typeof value === 'string') return `'${value}'`
  if (typeof value !== 'object' || value === null) return String(value)
  if (!Object.isFrozen(value)) return canonicalTree(value)
  const known = frozenTexts.get(value)
  if (known !== undefined) return known
  const text = canonicalTree(value)
  frozenTexts.set(value, text)
  return text
}

function canonicalTree(value: object): string {
  if (Array.isArray(value)) return `[${value.map(canonical).join()}]`
  if (value instanceof Set) return `(${[...value].map(canonical).sort().join()})`
  if (value instanceof Map) return canonicalMap(value)
  // Keys of records come in the order of their making, which is the same everywhere.
  let text = '{'
  for (const key in value) text += `${key}:${canonical((value as Record<string, unknown>)[key])},`
  return `${text}}`
}

function canonicalMap(map: ReadonlyMap<unknown, unknown>): string {
  if (map.size === 0) return '{}'
  const texts: string[] = []
  for (const [key, item] of map) texts.push(`${String(key)}:${canonical(item)}`)
  return `{${(texts.length > 1 ? texts.sort() : texts).join()}}`
}
