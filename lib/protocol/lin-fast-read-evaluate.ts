/**
 * What an update would do to the newest state of its object, committed or not. To evaluate changes
 * nothing but the tokens that were seen.
 */
import { strictFieldsMax, strictObjectsMax } from '../limits.ts'
import type { FieldRow, UpdateAnswer, UpdateOperation } from '../wire/lin-fast-read-messages.ts'
import type { EncodedValue, Fences } from '../wire/messages.ts'
import { checkFences } from './lin-fast-read-records.ts'
import type { CopiedField, CopiedObject, LinFastReadState, Outcome } from './lin-fast-read-state.ts'
import { notANumber, type Refusal } from './strict-refusal.ts'

/** `rows` `null`: it changes nothing. */
export interface Evaluation {
  readonly outcome: Outcome
  readonly rows: readonly FieldRow[] | null
  readonly names: readonly string[]
}

const noNames: readonly string[] = Object.freeze([])

/** @param version what a field has that it writes */
export function evaluate(
  state: LinFastReadState,
  operation: UpdateOperation,
  version: number,
): Evaluation {
  const object = state.objects.get(operation[1])
  if (operation[0] === 'init') return evaluateInit(state, object, operation, version)
  const fieldName = operation[2]
  // The fence comes first: a stale holder must learn that it is stale, not that it lost a race.
  const stale = checkFences(state, operation.at(-1) as Fences)
  if (stale !== null) return refuse(stale)
  const field = currentField(object, fieldName)
  switch (operation[0]) {
    case 'set':
      return write(state, operation, version, operation[3], version)
    case 'add': {
      const value = field === undefined ? 0 : field.value
      const delta: unknown = operation[3]
      if (typeof value !== 'number' || typeof delta !== 'number') {
        return refuse(notANumber(operation[1], fieldName, value, delta))
      }
      const sum = value + delta
      return write(state, operation, version, sum, [true, version, sum])
    }
    case 'compareAndSet':
      // An absent field reads as undefined, hence it also compares as undefined.
      if (!Object.is(field?.value, operation[3])) return unchanged(mismatch(field))
      return write(state, operation, version, operation[4], [true, version])
    case 'replace':
      if ((field?.version ?? 0) !== operation[3]) return unchanged(mismatch(field))
      return write(state, operation, version, operation[4], [true, version])
    case 'delete':
      if (field === undefined) return unchanged(false)
      return changed(true, [[fieldName, 0, undefined]])
  }
}

function currentField(object: CopiedObject | undefined, name: string): CopiedField | undefined {
  const field = object?.fields.get(name)
  return field?.version === 0 ? undefined : field
}

function mismatch(field: CopiedField | undefined): UpdateAnswer {
  return [false, field?.version ?? 0, field?.value]
}

function evaluateInit(
  state: LinFastReadState,
  object: CopiedObject | undefined,
  [, objectName, fields]: Extract<UpdateOperation, readonly ['init', ...unknown[]]>,
  version: number,
): Evaluation {
  const rows = new Map<string, FieldRow>()
  const names = new Set<string>()
  for (const [name, value] of fields) {
    // The list may name a field twice; the first one counts, as it does between two calls.
    if (names.has(name) || object?.initialised.has(name)) continue
    names.add(name)
    if (currentField(object, name) === undefined) rows.set(name, [name, version, value])
  }
  if (names.size === 0) return unchanged(null)
  const most = Math.max(object?.fields.size ?? 0, object?.initialised.size ?? 0)
  const refusal = noRoom(state, object, objectName, most + names.size)
  if (refusal !== null) return refuse(refusal)
  return changed(null, [...rows.values()], [...names])
}

function write(
  state: LinFastReadState,
  operation: Exclude<UpdateOperation, readonly ['init', ...unknown[]]>,
  version: number,
  value: EncodedValue,
  answer: UpdateAnswer,
): Evaluation {
  const [, objectName, fieldName] = operation
  const object = state.objects.get(objectName)
  if (object?.fields.has(fieldName) !== true) {
    const refusal = noRoom(state, object, objectName, (object?.fields.size ?? 0) + 1)
    if (refusal !== null) return refuse(refusal)
  }
  return changed(answer, [[fieldName, version, value]])
}

function noRoom(
  state: LinFastReadState,
  object: CopiedObject | undefined,
  name: string,
  fields: number,
): Refusal | null {
  const shown = `object ${JSON.stringify(name)}`
  if (fields > strictFieldsMax) {
    return ['ERR_GOAWAY_LIMIT', `add a field to ${shown}: the most is ${strictFieldsMax}`]
  }
  if (object !== undefined || state.objects.size < strictObjectsMax) return null
  return ['ERR_GOAWAY_LIMIT', `open ${shown}: ${strictObjectsMax} exist already`]
}

function changed(
  answer: UpdateAnswer,
  rows: readonly FieldRow[],
  names: readonly string[] = noNames,
): Evaluation {
  return { outcome: { type: 'answer', answer }, rows, names }
}

function unchanged(answer: UpdateAnswer): Evaluation {
  return { outcome: { type: 'answer', answer }, rows: null, names: noNames }
}

function refuse([code, message]: Refusal): Evaluation {
  return { outcome: { type: 'refuse', code, message }, rows: null, names: noNames }
}
