/**
 * The part of the node that has copies of objects whose home is another.
 *
 * Rule 1: an update is installed before it is acknowledged; from then on the old value is answered
 * to nobody.
 * Rule 2: messages of an earlier view are dropped: who sent them may not be home any more. That
 * something *is* committed stays true in every view.
 */
import type { LinFastReadMessage } from '../wire/lin-fast-read-messages.ts'
import { settle, showField, wakeObject } from './lin-fast-read-reads.ts'
import { forgetAnswered, keepRecord, keepTokens } from './lin-fast-read-records.ts'
import {
  type CopiedObject,
  homeOf,
  installRows,
  type LinFastReadOutput,
  type LinFastReadState,
  openObject,
  send,
  stampOf,
} from './lin-fast-read-state.ts'

type MessageOf<Name> = Extract<LinFastReadMessage, readonly [Name, ...unknown[]]>

function isFromHome(state: LinFastReadState, from: number, epoch: number, name: string): boolean {
  if (state.mutant === 'no epoch filter') return true
  return epoch === state.epoch && homeOf(state, name) === from
}

export function takeInvalidate(
  state: LinFastReadState,
  outputs: LinFastReadOutput[],
  from: number,
  message: MessageOf<'invalidate'>,
): void {
  const [, epoch, name, ver] = message
  if (!isFromHome(state, from, epoch, name)) return
  if (state.mutant === 'ack before install') state.held.push({ from, message })
  else installUpdate(state, outputs, message)
  send(outputs, from, ['acknowledge', state.epoch, name, ver])
}

function installUpdate(
  state: LinFastReadState,
  outputs: LinFastReadOutput[],
  message: MessageOf<'invalidate'>,
): void {
  const [, epoch, name, ver, rows, names, record, ackUpTo, tokens] = message
  forgetAnswered(state, record[0], ackUpTo)
  keepTokens(state, tokens)
  const object = openObject(state, name)
  const stamp = stampOf(state, epoch, ver)
  if (stamp <= object.stamp) return
  installRows(object, rows, stamp, false)
  for (const each of names) object.initialised.add(each)
  keepRecord(state, name, record)
  for (const [fieldName] of rows) showField(state, outputs, name, fieldName)
}

export function takeValidate(
  state: LinFastReadState,
  outputs: LinFastReadOutput[],
  [, epoch, name, ver]: MessageOf<'validate'>,
): void {
  if (state.mutant === 'ack before install') {
    const acknowledged = state.held.splice(0)
    for (const { message } of acknowledged) {
      if (message[0] === 'invalidate') installUpdate(state, outputs, message)
    }
  }
  const object = state.objects.get(name)
  if (object !== undefined) settle(state, outputs, name, object, stampOf(state, epoch, ver))
}

export function takeRestore(
  state: LinFastReadState,
  outputs: LinFastReadOutput[],
  from: number,
  message: MessageOf<'restore'>,
): void {
  const [, epoch, name, ver, isWhole, isCommitted, rows, names, records] = message
  if (!isFromHome(state, from, epoch, name)) return
  const stamp = stampOf(state, epoch, ver)
  const object = openObject(state, name)
  if (stamp > object.stamp) {
    const gone = isWhole ? clear(state, object, rows) : []
    installRows(object, rows, stamp, false)
    for (const each of names) object.initialised.add(each)
    for (const record of records) keepRecord(state, name, record)
    if (isCommitted) settle(state, outputs, name, object, stamp)
    else for (const [fieldName] of rows) showField(state, outputs, name, fieldName)
    for (const fieldName of gone) showField(state, outputs, name, fieldName)
    wakeObject(state, outputs, name)
  }
  send(outputs, from, ['acknowledge', state.epoch, name, ver])
}

/** What is here may have come from a home that was lost before others had it. */
function clear(
  state: LinFastReadState,
  object: CopiedObject,
  rows: readonly (readonly [string, ...unknown[]])[],
): string[] {
  const gone = new Set(object.fields.keys())
  for (const [fieldName] of rows) gone.delete(fieldName)
  object.fields.clear()
  object.unsettled.clear()
  object.initialised = new Set()
  object.restoredAt = state.epoch
  object.isOrphan = false
  return [...gone]
}

/** The home has sent all it has: what is here of it beyond that was never committed. */
export function takeSynced(
  state: LinFastReadState,
  outputs: LinFastReadOutput[],
  from: number,
  [, epoch]: Extract<LinFastReadMessage, readonly ['synced', ...unknown[]]>,
): void {
  if (epoch !== state.epoch || !state.homes.includes(from)) return
  const wasReadable = state.isComplete || state.synced.has(from)
  if (!state.isComplete) {
    state.synced.add(from)
    if (state.homes.every((home) => state.synced.has(home))) completed(state)
  }
  for (const [name, object] of state.objects) {
    if (object.home !== from) continue
    if (object.isOrphan && state.mutant !== 'orphans stay') {
      state.objects.delete(name)
      for (const fieldName of object.fields.keys()) showField(state, outputs, name, fieldName)
    } else if (!wasReadable) {
      for (const fieldName of object.fields.keys()) showField(state, outputs, name, fieldName)
    }
  }
  for (const name of [...state.reads.keys()]) wakeObject(state, outputs, name)
  send(outputs, from, ['complete', state.epoch])
}

function completed(state: LinFastReadState): void {
  state.isComplete = true
  state.synced.clear()
}
