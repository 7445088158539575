/**
 * Answers reads from the copy of this node, and keeps those that wait for it.
 *
 * Rule 1: a read is answered only with what is committed and, as far as this node can know, newest.
 * Rule 2: `keys` and `entries` read each field by itself, some when while the call lasts.
 * Rule 3: what is only read leaves nothing behind.
 */
import { parkedReadsMax } from '../limits.ts'
import type { EntryRow, FieldState, StrictAnswer, StrictOperation } from '../wire/messages.ts'
import {
  absent,
  type CopiedObject,
  homeOf,
  isReadable,
  type LinFastReadOutput,
  type LinFastReadState,
  type ParkedList,
  type ParkedRead,
  type ParkedReads,
  readField,
  type WaitingPlace,
} from './lin-fast-read-state.ts'
import type { CellRow, ReplicaRequest } from './replica.ts'

export type ReadOperation = Extract<
  StrictOperation,
  readonly ['get' | 'keys' | 'entries' | 'wait', ...unknown[]]
>

export function takeRead(
  state: LinFastReadState,
  outputs: LinFastReadOutput[],
  request: ReplicaRequest,
  operation: ReadOperation,
): void {
  const { client, call } = request
  // Nobody could be told.
  if (call === 0) return
  const name = operation[0]
  if (name === 'keys' || name === 'entries') {
    const list = beginList(client, call, name === 'keys')
    collect(state, operation[1], list)
    if (list.missing?.size === 0) outputs.push(answer(client, call, listAnswer(list)))
    else park(state, outputs, operation[1], list)
    return
  }
  const [, objectName, fieldName, seenVersion] = operation
  const read: ParkedRead = { client, call, seenVersion, isWait: name === 'wait' }
  const answered = readAnswer(read, readField(state, objectName, fieldName))
  if (answered !== null) outputs.push(answer(client, call, answered))
  else park(state, outputs, objectName, read, fieldName)
}

function readAnswer(read: ParkedRead, shown: FieldState | null): StrictAnswer {
  if (shown === null) return null
  if (shown[0] !== read.seenVersion) return shown
  if (read.isWait) return null
  return shown[0] === 0 ? shown : [shown[0]]
}

function beginList(client: number, call: number, isKeys: boolean): ParkedList {
  return { client, call, isKeys, rows: new Map(), missing: null }
}

/** Takes what is valid of the fields that are missing. */
function collect(state: LinFastReadState, objectName: string, list: ParkedList): void {
  if (!isReadable(state, homeOf(state, objectName))) return
  const object = state.objects.get(objectName)
  const names = list.missing ?? new Set(object?.fields.keys())
  list.missing = names
  for (const name of names) {
    const shown = readField(state, objectName, name)
    if (shown === null) continue
    names.delete(name)
    if (shown[0] > 0) list.rows.set(name, [name, shown[0], shown[1]])
  }
}

function listAnswer({ isKeys, rows }: ParkedList): readonly string[] | readonly EntryRow[] {
  return isKeys ? [...rows.keys()] : [...rows.values()]
}

function answer(client: number, call: number, value: StrictAnswer): LinFastReadOutput {
  return { type: 'answer', client, call, answer: value }
}

function park(
  state: LinFastReadState,
  outputs: LinFastReadOutput[],
  object: string,
  read: ParkedRead | ParkedList,
  field: string | null = null,
): void {
  const { client, call } = read
  if (state.parkedReads >= parkedReadsMax) {
    const message = `read ${JSON.stringify(object)}: ${parkedReadsMax} reads wait already`
    outputs.push({ type: 'refuse', client, call, code: 'ERR_GOAWAY_LIMIT', message })
    return
  }
  let reads = state.reads.get(object)
  if (reads === undefined) {
    reads = { fields: new Map(), lists: [] }
    state.reads.set(object, reads)
  }
  if ('rows' in read) reads.lists.push(read)
  else if (field !== null) {
    const list = reads.fields.get(field)
    if (list === undefined) reads.fields.set(field, [read])
    else list.push(read)
  }
  state.parkedReads += 1
  keepWaiting(state, client, call, [object, field])
  outputs.push({ type: 'parked', client, call })
}

export function keepWaiting(
  state: LinFastReadState,
  client: number,
  call: number,
  place: WaitingPlace,
): void {
  const calls = state.waiting.get(client)
  if (calls === undefined) state.waiting.set(client, new Map([[call, place]]))
  else calls.set(call, place)
}

export function dropWaiting(state: LinFastReadState, client: number, call: number): void {
  const calls = state.waiting.get(client)
  calls?.delete(call)
  if (calls?.size === 0) state.waiting.delete(client)
}

function cellOf(state: LinFastReadState, objectName: string, field: string): CellRow {
  const shown = readField(state, objectName, field)
  return { field, state: shown ?? absent, isValid: shown !== null }
}

/**
 * A node that is not complete has said nothing yet of what it is to be sent, and so nobody may take
 * for absent what is not there.
 */
export function cells(state: LinFastReadState, objectName: string): readonly CellRow[] | null {
  if (state.isOver || state.epoch === 0 || !state.isComplete) return null
  const fields = state.objects.get(objectName)?.fields.keys() ?? []
  return [...fields].map((field) => cellOf(state, objectName, field))
}

/** Says what the field shows now, and answers whoever waited for that. */
export function showField(
  state: LinFastReadState,
  outputs: LinFastReadOutput[],
  objectName: string,
  fieldName: string,
): void {
  outputs.push({ type: 'cell', object: objectName, ...cellOf(state, objectName, fieldName) })
  const reads = state.reads.get(objectName)
  if (reads === undefined) return
  wakeField(state, outputs, objectName, fieldName, reads)
  if (reads.lists.length > 0) wakeLists(state, outputs, objectName, reads)
  dropEmpty(state, objectName, reads)
}

/** Much has changed at once: looks at everybody who waits for the object. */
export function wakeObject(
  state: LinFastReadState,
  outputs: LinFastReadOutput[],
  objectName: string,
): void {
  const reads = state.reads.get(objectName)
  if (reads === undefined) return
  for (const fieldName of [...reads.fields.keys()]) {
    wakeField(state, outputs, objectName, fieldName, reads)
  }
  wakeLists(state, outputs, objectName, reads)
  dropEmpty(state, objectName, reads)
}

function wakeField(
  state: LinFastReadState,
  outputs: LinFastReadOutput[],
  objectName: string,
  fieldName: string,
  reads: ParkedReads,
): void {
  const waiting = reads.fields.get(fieldName)
  if (waiting === undefined) return
  const shown = readField(state, objectName, fieldName)
  if (shown === null) return
  const rest: ParkedRead[] = []
  for (const read of waiting) {
    const answered = readAnswer(read, shown)
    if (answered === null) rest.push(read)
    else finish(state, outputs, read, answered)
  }
  if (rest.length > 0) reads.fields.set(fieldName, rest)
  else reads.fields.delete(fieldName)
}

function wakeLists(
  state: LinFastReadState,
  outputs: LinFastReadOutput[],
  objectName: string,
  reads: ParkedReads,
): void {
  reads.lists = reads.lists.filter((list) => {
    collect(state, objectName, list)
    if (list.missing?.size !== 0) return true
    finish(state, outputs, list, listAnswer(list))
    return false
  })
}

function finish(
  state: LinFastReadState,
  outputs: LinFastReadOutput[],
  { client, call }: ParkedRead | ParkedList,
  value: StrictAnswer,
): void {
  state.parkedReads -= 1
  dropWaiting(state, client, call)
  outputs.push(answer(client, call, value))
}

function dropEmpty(state: LinFastReadState, objectName: string, reads: ParkedReads): void {
  if (reads.fields.size === 0 && reads.lists.length === 0) state.reads.delete(objectName)
}

/** The caller no longer waits there. */
export function unpark(
  state: LinFastReadState,
  client: number,
  call: number,
  [objectName, fieldName]: readonly [object: string, field: string | null],
): void {
  const reads = state.reads.get(objectName)
  if (reads === undefined) return
  const isOther = (read: ParkedRead | ParkedList): boolean =>
    read.client !== client || read.call !== call
  state.parkedReads -= 1
  if (fieldName === null) reads.lists = reads.lists.filter(isOther)
  else {
    const rest = (reads.fields.get(fieldName) ?? []).filter(isOther)
    if (rest.length > 0) reads.fields.set(fieldName, rest)
    else reads.fields.delete(fieldName)
  }
  dropEmpty(state, objectName, reads)
}

/** Up to this stamp everything of the object is committed. */
export function settle(
  state: LinFastReadState,
  outputs: LinFastReadOutput[],
  objectName: string,
  object: CopiedObject,
  stamp: number,
): void {
  if (stamp <= object.committed) return
  object.committed = stamp
  for (const name of object.unsettled) {
    const field = object.fields.get(name)
    if (field === undefined || field.stamp > stamp) break
    object.unsettled.delete(name)
    field.before = null
    // It took no part in anything since: its versions are those of the object, which stays.
    if (field.version === 0) object.fields.delete(name)
    showField(state, outputs, objectName, name)
  }
}
