/** What a strict object's master shows to threads of its own node. */
import type { StrictOperation } from '../wire/messages.ts'
import type { CellRow } from './replica.ts'
import type { StrictState } from './strict-state.ts'

export function strictCells(state: StrictState, object: string): readonly CellRow[] {
  return [...(state.objects.get(object)?.fields.keys() ?? [])].map((field) =>
    cellOf(state, object, field),
  )
}

/** The fields that it may have changed, as they are now. */
export function cellsAfter(state: StrictState, operation: StrictOperation): readonly CellRow[] {
  const object = operation[1]
  switch (operation[0]) {
    case 'set':
    case 'add':
    case 'compareAndSet':
    case 'replace':
    case 'delete':
      return [cellOf(state, object, operation[2])]
    case 'init':
      return operation[2].map(([field]) => cellOf(state, object, field))
    default:
      return []
  }
}

function cellOf(state: StrictState, object: string, name: string): CellRow {
  const field = state.objects.get(object)?.fields.get(name)
  return {
    field: name,
    state: field === undefined ? [0, undefined] : [field.version, field.value],
    isValid: true,
  }
}
