/**
 * The part of the node that is home of objects: it gives their updates one order, and answers an
 * update when every member of the view has it.
 *
 * Rule 1: an update commits when all other members have acknowledged it, and all before it have
 * committed. This is the moment at which it takes effect.
 * Rule 2: what changes nothing is answered when everything before it has committed.
 * Rule 3: whatever is not committed is proposed anew in each view, as one update.
 */
import type {
  FieldRow,
  LinFastReadMessage,
  UpdateOperation,
  UpdateRecord,
} from '../wire/lin-fast-read-messages.ts'
import type { Fences } from '../wire/messages.ts'
import { evaluate } from './lin-fast-read-evaluate.ts'
import { settle, showField } from './lin-fast-read-reads.ts'
import {
  findRecord,
  forgetAnswered,
  isAnswered,
  keepRecord,
  recordsByObject,
} from './lin-fast-read-records.ts'
import {
  type CopiedObject,
  homeOf,
  installRows,
  type LinFastReadOutput,
  type LinFastReadState,
  openObject,
  others,
  type PendingUpdate,
  send,
  stampOf,
  verOf,
  type Waiter,
} from './lin-fast-read-state.ts'

type MessageOf<Name> = Extract<LinFastReadMessage, readonly [Name, ...unknown[]]>

export function takeUpdate(
  state: LinFastReadState,
  outputs: LinFastReadOutput[],
  from: number,
  [, , sequence, ackUpTo, operation]: MessageOf<'update'>,
): void {
  const name = operation[1]
  if (homeOf(state, name) !== state.place || !state.members.includes(from)) return
  forgetAnswered(state, from, ackUpTo)
  if (isAnswered(state, from, sequence)) return
  const known = findRecord(state, from, sequence, name)
  if (known !== null) {
    const outcome = { type: 'answer', answer: known.answer } as const
    tellWhenCommitted(state, outputs, name, [from, sequence, outcome])
    return
  }
  const ver = verOf(state.objects.get(name)?.stamp ?? 0) + 1
  const stamp = stampOf(state, state.epoch, ver)
  const { outcome, rows, names } = evaluate(state, operation, stamp)
  const waiter: Waiter = [from, sequence, outcome]
  if (rows === null || outcome.type === 'refuse') {
    tellWhenCommitted(state, outputs, name, waiter)
    return
  }
  const object = openObject(state, name)
  installRows(object, rows, stamp, true)
  for (const each of names) object.initialised.add(each)
  const record: UpdateRecord = [from, sequence, outcome.answer]
  keepRecord(state, name, record)
  const members = others(state)
  const missing = members.length
  object.pending.set(ver, { rows, waiters: [waiter], missing, isCommitted: false })
  const tokens = tokensOf(operation)
  const message: LinFastReadMessage = Object.freeze([
    'invalidate',
    state.epoch,
    name,
    ver,
    rows,
    names,
    record,
    ackUpTo,
    tokens,
  ] as const)
  for (const member of members) send(outputs, member, message)
  commit(state, outputs, name, object)
}

function tokensOf(operation: UpdateOperation): readonly (readonly [string, number])[] {
  if (operation[0] === 'init') return []
  return ((operation.at(-1) as Fences) ?? []).map(([lock, token]) => [lock, token])
}

/** It changes nothing itself, but tells of what has been changed: nobody may hear that too soon. */
function tellWhenCommitted(
  state: LinFastReadState,
  outputs: LinFastReadOutput[],
  name: string,
  waiter: Waiter,
): void {
  const object = state.objects.get(name)
  // If anything is pending, the newest is.
  const last = object?.pending.get(verOf(object.stamp))
  if (last === undefined || state.mutant === 'no wait of what changes nothing') {
    tell(outputs, waiter)
  } else {
    last.waiters.push(waiter)
  }
}

function tell(outputs: LinFastReadOutput[], [place, sequence, outcome]: Waiter): void {
  if (outcome.type === 'answer') send(outputs, place, ['reply', sequence, outcome.answer])
  else send(outputs, place, ['refusal', sequence, outcome.code, outcome.message])
}

export function takeAcknowledge(
  state: LinFastReadState,
  outputs: LinFastReadOutput[],
  from: number,
  [, epoch, name, ver]: MessageOf<'acknowledge'>,
): void {
  if (epoch !== state.epoch && state.mutant !== 'no epoch filter') return
  const object = state.objects.get(name)
  if (object === undefined || !state.members.includes(from)) return
  const first = object.pending.keys().next()
  if (first.done === true) return
  let before = Math.max(object.acknowledged.get(from) ?? 0, first.value - 1)
  if (ver <= before) return
  object.acknowledged.set(from, ver)
  while (before < ver) {
    before += 1
    const update = object.pending.get(before)
    if (update === undefined) break
    update.missing -= 1
  }
  commit(state, outputs, name, object)
}

/** Commits what can be, from the head. */
function commit(
  state: LinFastReadState,
  outputs: LinFastReadOutput[],
  name: string,
  object: CopiedObject,
): void {
  const enough = state.mutant === 'reply before all acks' ? 1 : 0
  for (const [ver, update] of object.pending) {
    if (update.missing > enough) break
    object.pending.delete(ver)
    object.isTakenOver = false
    const stamp = stampOf(state, state.epoch, ver)
    for (const [fieldName, version, value] of update.rows) {
      const field = object.fields.get(fieldName)
      if (field === undefined || field.stamp <= stamp) continue
      // A later update of the field is on its way: until then this is what reads are answered.
      field.before = version === 0 ? [0, undefined] : [version, value]
      showField(state, outputs, name, fieldName)
    }
    settle(state, outputs, name, object, stamp)
    if (!update.isCommitted) {
      const message: LinFastReadMessage = Object.freeze([
        'validate',
        state.epoch,
        name,
        ver,
      ] as const)
      for (const member of others(state)) send(outputs, member, message)
    }
    for (const waiter of update.waiters) tell(outputs, waiter)
  }
  if (object.pending.size === 0) object.acknowledged.clear()
}

/** After a view: says what the objects of this home are, to whom does not know. */
export function restoreObjects(state: LinFastReadState, outputs: LinFastReadOutput[]): void {
  if (!state.homes.includes(state.place)) return
  const records = recordsByObject(state)
  const parts: LinFastReadOutput[] = []
  for (const [name, object] of state.objects) {
    if (object.home !== state.place) continue
    restoreObject(state, outputs, parts, name, object, records.get(name) ?? [])
  }
  for (const member of others(state)) {
    if (!state.told.has(member)) send(outputs, member, ['synced', state.epoch])
  }
  // A part is of an object that was made since: the member may still have one of the lost home,
  // under the same name, which `synced` takes away.
  outputs.push(...parts)
}

function restoreObject(
  state: LinFastReadState,
  outputs: LinFastReadOutput[],
  parts: LinFastReadOutput[],
  name: string,
  object: CopiedObject,
  records: readonly UpdateRecord[],
): void {
  const isOpen = object.isTakenOver || object.pending.size > 0
  const members = others(state)
  const rows = rowsOf(object, object.unsettled)
  const isCommitted = rows.length === 0
  if (isOpen) {
    repropose(state, object, { rows, waiters: [], missing: members.length, isCommitted })
  }
  let whole: LinFastReadMessage | undefined
  let part: LinFastReadMessage | undefined
  const message = (isWhole: boolean): LinFastReadMessage =>
    Object.freeze([
      'restore',
      state.epoch,
      name,
      verOf(object.stamp),
      isWhole,
      isCommitted,
      isWhole ? rowsOf(object, object.fields.keys()) : rows,
      [...object.initialised],
      records,
    ] as const)
  for (const member of members) {
    if (object.isTakenOver || !state.knowing.has(member)) {
      whole ??= message(true)
      send(outputs, member, whole)
    } else if (isOpen) {
      part ??= message(false)
      send(parts, member, part)
    }
  }
  if (isOpen) commit(state, outputs, name, object)
}

/** All that is pending becomes one update, under a stamp of this epoch. */
function repropose(state: LinFastReadState, object: CopiedObject, update: PendingUpdate): void {
  for (const { waiters } of object.pending.values()) update.waiters.push(...waiters)
  object.stamp = stampOf(state, state.epoch, verOf(object.stamp))
  for (const [fieldName] of update.rows) {
    const field = object.fields.get(fieldName)
    if (field !== undefined) field.stamp = object.stamp
  }
  object.pending.clear()
  object.acknowledged.clear()
  object.pending.set(verOf(object.stamp), update)
}

function rowsOf(object: CopiedObject, names: Iterable<string>): readonly FieldRow[] {
  const rows: FieldRow[] = []
  for (const name of names) {
    const field = object.fields.get(name)
    if (field !== undefined) rows.push([name, field.version, field.value])
  }
  return rows
}

/** The member has all that was sent to it. */
export function takeComplete(
  state: LinFastReadState,
  from: number,
  [, epoch]: MessageOf<'complete'>,
): void {
  if (epoch !== state.epoch || !state.members.includes(from)) return
  state.knowing.add(from)
  state.told.add(from)
}
