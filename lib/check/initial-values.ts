/** What fields hold before anybody writes them. */
import type { Act, Entry } from './act.ts'
import { fieldOf } from './read-history.ts'
import { absent, type ValueNumbers } from './value-numbers.ts'

export function initialValues(
  entries: readonly Entry[],
  values: ValueNumbers,
): (of: Act | Entry) => number {
  const initial = new Map<string, number>()
  for (const entry of entries) {
    const { op, arg = null } = entry.operation
    if (op === 'init') initial.set(fieldOf(entry), values.of(arg))
  }
  return (of) => initial.get(fieldOf('entry' in of ? of.entry : of)) ?? absent
}
