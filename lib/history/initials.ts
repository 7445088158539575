/**
 * Initial values. Each thread that has a handle with initial values names them before it does
 * anything else with that handle; the first to arrive are taken, and nobody is told which.
 */

import type { Entry } from './entry.ts'
import { type HistoryOperation, noAnswer } from './format.ts'

/**
 * Replaces what the threads have named: by one `init` where all named the same value and nobody can
 * have looked before; else by a `cas` for each value, which replaces what is absent at some time.
 */
export function settleInitials(entries: readonly Entry[]): Entry[] {
  const named = new Map<string, Entry[]>()
  for (const entry of entries) {
    if (!isNaming(entry)) continue
    const field = fieldOf(entry)
    const others = named.get(field)
    if (others === undefined) named.set(field, [entry])
    else others.push(entry)
  }
  if (named.size === 0) return [...entries]
  const early = keysSeenEarly(entries, named)
  const settled = entries.filter((entry) => !isNaming(entry))
  for (const [field, attempts] of named) {
    const byValue = new Map<string, Entry>()
    for (const attempt of attempts.toSorted((one, other) => one.start - other.start)) {
      const value = JSON.stringify(attempt.operation.arg)
      if (!byValue.has(value)) byValue.set(value, attempt)
    }
    const distinct = [...byValue.values()]
    const isFirst = distinct.length === 1 && !early.has(field)
    settled.push(...distinct.map(isFirst ? asInit : asCas))
  }
  return settled
}

/** Objects of different stores may have one name, and are different objects. */
function fieldOf({ operation: { store, key } }: Entry): string {
  return `${store} ${key}`
}

function isNaming({ recorder, operation }: Entry): boolean {
  return recorder !== '' && operation.op === 'init'
}

/** Fields that some thread used before it named their value, or without naming one. */
function keysSeenEarly(
  entries: readonly Entry[],
  named: ReadonlyMap<string, readonly Entry[]>,
): Set<string> {
  const namedAt = new Map<string, number>()
  for (const [field, attempts] of named) {
    for (const { recorder, ownStart } of attempts) {
      const at = `${recorder} ${field}`
      namedAt.set(at, Math.min(ownStart, namedAt.get(at) ?? Infinity))
    }
  }
  const early = new Set<string>()
  for (const entry of entries) {
    const { recorder, operation, ownStart } = entry
    const field = fieldOf(entry)
    if (operation.kind === 'lock' || operation.op === 'init' || !named.has(field)) continue
    if (ownStart < (namedAt.get(`${recorder} ${field}`) ?? Infinity)) early.add(field)
  }
  return early
}

/** Before anything else. */
function asInit({ operation }: Entry): Entry {
  const times = { ownStart: -Infinity, start: -Infinity, end: -Infinity }
  return { operation, recorder: '', caller: '', ...times }
}

function asCas(entry: Entry): Entry {
  const operation: HistoryOperation = {
    ...entry.operation,
    op: 'cas',
    exp: null,
    end: noAnswer,
  }
  return { ...entry, operation }
}
