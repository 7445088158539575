/**
 * Linearizable objects at one master. Every operation takes effect in the step that takes its
 * request, so the order of steps is the order of operations. The rules are in
 * `docs/protocols/strict.md`.
 *
 * Rule 1: state is a tree of plain data; no part of it is reached by two ways and written by one.
 * Rule 2: names are keys of Maps, never of objects: a field may be called `__proto__`.
 * Rule 3: a refused request leaves no trace.
 */
import type { GoawayErrorCode } from '../errors.ts'
import type {
  EncodedValue,
  EntryRow,
  Fences,
  FieldState,
  StrictAnswer,
  StrictOperation,
} from '../wire/messages.ts'
import type { Machine } from './machine.ts'
import type { Refusal } from './strict-refusal.ts'
import { noRoom, noRoomForInit, noRoomForWait, notANumber, staleFence } from './strict-refusal.ts'
import type { StrictMutant, StrictObject, StrictState } from './strict-state.ts'

export type { StrictMutant, StrictState } from './strict-state.ts'

export type StrictInput =
  | {
      readonly type: 'request'
      readonly client: number
      /** 0: nobody waits for the answer, and none is given; nor is a refusal. */
      readonly call: number
      readonly operation: StrictOperation
    }
  /** The caller no longer wants the answer of this `wait`. */
  | { readonly type: 'forget'; readonly client: number; readonly call: number }
  | { readonly type: 'clientLost'; readonly client: number }
  | { readonly type: 'lockGranted'; readonly lock: string; readonly token: number }
  | { readonly type: 'lockFreed'; readonly lock: string; readonly token: number }

export type StrictOutput =
  | {
      readonly type: 'answer'
      readonly client: number
      readonly call: number
      readonly answer: StrictAnswer
    }
  | {
      readonly type: 'refuse'
      readonly client: number
      readonly call: number
      readonly code: GoawayErrorCode
      readonly message: string
    }
  /** The `wait` stands in the list; its answer comes from a later step. */
  | { readonly type: 'parked'; readonly client: number; readonly call: number }

export interface StrictParameters {
  readonly mutant?: StrictMutant
}

export const strict = { initial, step } satisfies Machine<
  StrictState,
  StrictInput,
  StrictOutput,
  StrictParameters
>

type StrictRequest = Extract<StrictInput, { type: 'request' }>
type OperationOf<Name extends StrictOperation[0]> = Extract<
  StrictOperation,
  readonly [Name, ...unknown[]]
>

const nothing: readonly StrictOutput[] = []
const absent: FieldState = [0, undefined]

function initial(parameters?: StrictParameters): StrictState {
  return {
    mutant: parameters?.mutant ?? null,
    objects: new Map(),
    holders: new Map(),
    foreignTokens: new Map(),
    waiting: new Map(),
  }
}

function step(state: StrictState, input: StrictInput): readonly StrictOutput[] {
  switch (input.type) {
    case 'request':
      return request(state, input)
    case 'forget':
      forget(state, input.client, input.call)
      return nothing
    case 'clientLost':
      for (const call of [...(state.waiting.get(input.client)?.keys() ?? [])]) {
        forget(state, input.client, call)
      }
      return nothing
    case 'lockGranted':
      state.holders.set(input.lock, input.token)
      return nothing
    case 'lockFreed':
      if (state.holders.get(input.lock) === input.token) state.holders.delete(input.lock)
      return nothing
  }
}

function request(state: StrictState, input: StrictRequest): readonly StrictOutput[] {
  const operation = input.operation
  switch (operation[0]) {
    case 'get':
      return get(state, input, operation)
    case 'set':
      return set(state, input, operation)
    case 'add':
      return add(state, input, operation)
    case 'compareAndSet':
      return compareAndSet(state, input, operation)
    case 'replace':
      return replace(state, input, operation)
    case 'delete':
      return remove(state, input, operation)
    case 'wait':
      return wait(state, input, operation)
    case 'init':
      return init(state, input, operation)
    case 'keys':
      return answer(input, [...(state.objects.get(operation[1])?.fields.keys() ?? [])])
    case 'entries':
      return answer(input, entries(state.objects.get(operation[1])))
    default:
      return refuse(input, unknownOperation(operation))
  }
}

function get(
  state: StrictState,
  input: StrictRequest,
  operation: OperationOf<'get'>,
): readonly StrictOutput[] {
  const field = state.objects.get(operation[1])?.fields.get(operation[2])
  if (field === undefined) return answer(input, absent)
  if (field.version === operation[3]) return answer(input, [field.version])
  return answer(input, [field.version, field.value])
}

function set(
  state: StrictState,
  input: StrictRequest,
  operation: OperationOf<'set'>,
): readonly StrictOutput[] {
  const [, objectName, fieldName, value, fences] = operation
  const refusal = staleFence(state, fences) ?? noRoom(state, objectName, fieldName)
  if (refusal !== null) return refuse(input, refusal)
  const object = openObject(state, objectName)
  const version = put(object, fieldName, value)
  return answerAndWake(state, object, fieldName, input, version)
}

function add(
  state: StrictState,
  input: StrictRequest,
  operation: OperationOf<'add'>,
): readonly StrictOutput[] {
  const [, objectName, fieldName, delta, fences] = operation
  const refusal = staleFence(state, fences)
  if (refusal !== null) return refuse(input, refusal)
  const field = state.objects.get(objectName)?.fields.get(fieldName)
  const value = field === undefined ? 0 : field.value
  if (typeof value !== 'number' || typeof delta !== 'number') {
    return refuse(input, notANumber(objectName, fieldName, value, delta))
  }
  const full = field === undefined ? noRoom(state, objectName, fieldName) : null
  if (full !== null) return refuse(input, full)
  const object = openObject(state, objectName)
  const sum = value + delta
  const version = put(object, fieldName, sum)
  // It always takes place; the shape is that of the other writes that tell what they made.
  return answerAndWake(state, object, fieldName, input, [true, version, sum])
}

function compareAndSet(
  state: StrictState,
  input: StrictRequest,
  operation: OperationOf<'compareAndSet'>,
): readonly StrictOutput[] {
  const [, objectName, fieldName, expected, value, fences] = operation
  const field = state.objects.get(objectName)?.fields.get(fieldName)
  // An absent field reads as undefined, hence it also compares as undefined.
  const matches = Object.is(field?.value, expected)
  return conditionalWrite(state, input, objectName, fieldName, matches, value, fences)
}

function replace(
  state: StrictState,
  input: StrictRequest,
  operation: OperationOf<'replace'>,
): readonly StrictOutput[] {
  const [, objectName, fieldName, ifVersion, value, fences] = operation
  const field = state.objects.get(objectName)?.fields.get(fieldName)
  const matches = (field?.version ?? 0) === ifVersion
  return conditionalWrite(state, input, objectName, fieldName, matches, value, fences)
}

function conditionalWrite(
  state: StrictState,
  input: StrictRequest,
  objectName: string,
  fieldName: string,
  matches: boolean,
  value: EncodedValue,
  fences: Fences,
): readonly StrictOutput[] {
  // The fence comes first: a stale holder must learn that it is stale, not that it lost a race.
  const stale = staleFence(state, fences)
  if (stale !== null) return refuse(input, stale)
  if (!matches) {
    const field = state.objects.get(objectName)?.fields.get(fieldName)
    return answer(input, [false, field?.version ?? 0, field?.value])
  }
  const full = noRoom(state, objectName, fieldName)
  if (full !== null) return refuse(input, full)
  const object = openObject(state, objectName)
  const version = put(object, fieldName, value)
  return answerAndWake(state, object, fieldName, input, [true, version, value])
}

function remove(
  state: StrictState,
  input: StrictRequest,
  operation: OperationOf<'delete'>,
): readonly StrictOutput[] {
  const [, objectName, fieldName, fences] = operation
  const stale = staleFence(state, fences)
  if (stale !== null) return refuse(input, stale)
  const object = state.objects.get(objectName)
  if (object === undefined || !object.fields.delete(fieldName)) return answer(input, false)
  return answerAndWake(state, object, fieldName, input, true)
}

function init(
  state: StrictState,
  input: StrictRequest,
  operation: OperationOf<'init'>,
): readonly StrictOutput[] {
  const [, objectName, fields] = operation
  const existing = state.objects.get(objectName)
  const fresh = fields.filter(([name]) => existing === undefined || !existing.initialised.has(name))
  if (fresh.length === 0) return answer(input, null)
  const refusal = noRoomForInit(state, objectName, fresh.length)
  if (refusal !== null) return refuse(input, refusal)
  const object = openObject(state, objectName)
  const outputs: StrictOutput[] = [...answer(input, null)]
  for (const [name, value] of fresh) {
    // The list may name a field twice; the first one counts, as it does between two calls.
    if (object.initialised.has(name)) continue
    object.initialised.add(name)
    if (object.fields.has(name)) continue
    put(object, name, value)
    wake(state, object, name, outputs)
  }
  return outputs
}

function entries(object: StrictObject | undefined): readonly EntryRow[] {
  const rows: EntryRow[] = []
  if (object === undefined) return rows
  for (const [name, field] of object.fields) rows.push([name, field.version, field.value])
  return rows
}

function wait(
  state: StrictState,
  input: StrictRequest,
  operation: OperationOf<'wait'>,
): readonly StrictOutput[] {
  const [, objectName, fieldName, seenVersion] = operation
  const field = state.objects.get(objectName)?.fields.get(fieldName)
  if ((field?.version ?? 0) !== seenVersion) {
    return answer(input, field === undefined ? absent : [field.version, field.value])
  }
  // Nobody could be told.
  if (input.call === 0) return nothing
  const refusal = noRoomForWait(state, input.client, input.call, objectName)
  if (refusal !== null) return refuse(input, refusal)
  const object = openObject(state, objectName)
  const { client, call } = input
  // The version seen is not kept: versions never return, so that any write of the field answers.
  const waits = object.waits.get(fieldName)
  if (waits === undefined) object.waits.set(fieldName, [{ client, call }])
  else waits.push({ client, call })
  object.waitCount += 1
  const calls = state.waiting.get(client)
  if (calls === undefined) state.waiting.set(client, new Map([[call, [objectName, fieldName]]]))
  else calls.set(call, [objectName, fieldName])
  return [{ type: 'parked', client, call }]
}

function openObject(state: StrictState, name: string): StrictObject {
  let object = state.objects.get(name)
  if (object === undefined) {
    object = {
      version: 0,
      fields: new Map(),
      initialised: new Set(),
      waits: new Map(),
      waitCount: 0,
    }
    state.objects.set(name, object)
  }
  return object
}

function put(object: StrictObject, name: string, value: EncodedValue): number {
  object.version += 1
  const field = object.fields.get(name)
  if (field === undefined) {
    object.fields.set(name, { version: object.version, value })
  } else {
    field.version = object.version
    field.value = value
  }
  return object.version
}

function answerAndWake(
  state: StrictState,
  object: StrictObject,
  fieldName: string,
  input: StrictRequest,
  value: StrictAnswer,
): readonly StrictOutput[] {
  const outputs = answer(input, value)
  if (object.waitCount === 0 || !object.waits.has(fieldName)) return outputs
  const all = [...outputs]
  wake(state, object, fieldName, all)
  return all
}

/**
 * Answers whoever waits for the field, in the order of arrival, with the field as it stands now.
 */
function wake(
  state: StrictState,
  object: StrictObject,
  fieldName: string,
  outputs: StrictOutput[],
): void {
  const waits = object.waits.get(fieldName)
  if (waits === undefined) return
  object.waits.delete(fieldName)
  object.waitCount -= waits.length
  const field = object.fields.get(fieldName)
  const current: FieldState = field === undefined ? absent : [field.version, field.value]
  for (const { client, call } of waits) {
    dropWaiting(state, client, call)
    outputs.push({ type: 'answer', client, call, answer: current })
  }
}

function forget(state: StrictState, client: number, call: number): void {
  const place = state.waiting.get(client)?.get(call)
  if (place === undefined) return
  dropWaiting(state, client, call)
  const [objectName, fieldName] = place
  const object = state.objects.get(objectName)
  const waits = object?.waits.get(fieldName)
  if (object === undefined || waits === undefined) return
  const index = waits.findIndex((each) => each.client === client && each.call === call)
  waits.splice(index, 1)
  object.waitCount -= 1
  if (waits.length === 0) object.waits.delete(fieldName)
  // An object that was only ever waited for: nobody can tell that it was here.
  const untouched = object.version === 0 && object.initialised.size === 0
  if (untouched && object.waitCount === 0) state.objects.delete(objectName)
}

function dropWaiting(state: StrictState, client: number, call: number): void {
  const calls = state.waiting.get(client)
  calls?.delete(call)
  if (calls?.size === 0) state.waiting.delete(client)
}

function answer(input: StrictRequest, value: StrictAnswer): readonly StrictOutput[] {
  if (input.call === 0) return nothing
  return [{ type: 'answer', client: input.client, call: input.call, answer: value }]
}

function refuse(input: StrictRequest, [code, message]: Refusal): readonly StrictOutput[] {
  if (input.call === 0) return nothing
  return [{ type: 'refuse', client: input.client, call: input.call, code, message }]
}

/** The compiler knows that this cannot be; a peer of another version does not. */
function unknownOperation(operation: never): Refusal {
  const name: unknown = (operation as readonly unknown[])[0]
  return ['ERR_GOAWAY_PROTOCOL', `strict operation: ${String(name)} is not known`]
}
