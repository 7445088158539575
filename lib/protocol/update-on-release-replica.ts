/**
 * A node's replica of all `UpdateOnRelease` objects, and what its threads are told of it. The rules
 * are in `docs/protocols/update-on-release.md`.
 *
 * Rule 1: the replica shows a prefix of the master's log. An entry is applied whole, in one step.
 * Rule 2: what the master says to a call is handed on when the replica has all that the master had
 * when it said so.
 */
import type { GoawayErrorCode } from '../errors.ts'
import { strictWaitsMax } from '../limits.ts'
import type { EntryRow, FieldState, StrictAnswer } from '../wire/messages.ts'
import type {
  FromMasterMessage,
  ReleaseWrite,
  UpdateOnReleaseOperation,
} from '../wire/update-on-release-messages.ts'
import { type CellRow, fieldState } from './replica.ts'
import type {
  GatedAnswer,
  LogEntry,
  OpenCall,
  UpdateOnReleaseOutput,
  UpdateOnReleaseState,
} from './update-on-release-state.ts'
import { putInner, takeInner } from './update-on-release-state.ts'

export type ReadOperation = Extract<
  UpdateOnReleaseOperation,
  readonly ['get' | 'keys' | 'entries', ...unknown[]]
>
type WaitOperation = Extract<UpdateOnReleaseOperation, readonly ['wait', ...unknown[]]>

/** A call of a thread of this node. */
export interface Caller {
  readonly client: number
  readonly call: number
}

const absent: FieldState = [0, undefined]

/** What the master said. */
export function receiveFromMaster(
  state: UpdateOnReleaseState,
  message: FromMasterMessage,
  outputs: UpdateOnReleaseOutput[],
): void {
  switch (message[0]) {
    case 'snapshot':
      state.arriving = { gseq: message[1], missing: message[2], objects: new Map() }
      return showSnapshot(state, outputs)
    case 'object':
      return takeObject(state, message[2], message[3], outputs)
    case 'push':
      return enterEntry(state, message, outputs)
    case 'grant':
    case 'reply': {
      const [kind, client, call, answer, gseq] = message
      const early = kind === 'grant' ? 'grant before applied' : 'reply before applied'
      const isShown = state.applied >= gseq || state.mutant === early
      const gated = { gseq, client, call, answer }
      if (isShown) settle(state, gated, outputs)
      else state.gated.push(gated)
      return
    }
    case 'refusal': {
      const [, client, call, code, text] = message
      refuseOpen(state, client, call, code, text, outputs)
    }
  }
}

function takeObject(
  state: UpdateOnReleaseState,
  name: string,
  rows: readonly EntryRow[],
  outputs: UpdateOnReleaseOutput[],
): void {
  const arriving = state.arriving
  if (arriving === null) return
  const fields = new Map(rows.map(([field, version, value]) => [field, { version, value }]))
  arriving.objects.set(name, fields)
  arriving.missing -= 1
  showSnapshot(state, outputs)
}

/** Takes the snapshot for the replica once it is complete. */
function showSnapshot(state: UpdateOnReleaseState, outputs: UpdateOnReleaseOutput[]): void {
  const arriving = state.arriving
  if (arriving === null || arriving.missing > 0) return
  state.arriving = null
  state.objects = arriving.objects
  state.applied = arriving.gseq
  for (const [object, fields] of state.objects) {
    for (const [field, { version, value }] of fields) {
      outputs.push(cell(object, field, [version, value]))
    }
  }
  outputs.push(toMaster(state, state.applied))
  for (const [client, calls] of state.open) {
    for (const [call, open] of calls) {
      if (open.kind !== 'read') continue
      takeInner(state.open, client, call)
      askReplica(state, { client, call }, open.operation as ReadOperation | WaitOperation, outputs)
    }
  }
  catchUp(state, outputs)
}

function toMaster(state: UpdateOnReleaseState, gseq: number): UpdateOnReleaseOutput {
  return { type: 'send', to: state.masterPlace, message: ['applied', gseq] }
}

/** An entry is applied when all before it have been. */
function enterEntry(
  state: UpdateOnReleaseState,
  entry: LogEntry,
  outputs: UpdateOnReleaseOutput[],
): void {
  const [, gseq] = entry
  if (state.mutant === 'no order check' && state.applied >= 0) {
    applyEntry(state, entry, outputs)
    return openGates(state, outputs)
  }
  if (gseq <= state.applied) return
  state.ahead.set(gseq, entry)
  catchUp(state, outputs)
}

function catchUp(state: UpdateOnReleaseState, outputs: UpdateOnReleaseOutput[]): void {
  if (state.applied < 0) return
  for (;;) {
    const next = state.ahead.get(state.applied + 1)
    if (next === undefined) break
    state.ahead.delete(next[1])
    applyEntry(state, next, outputs)
  }
  // Entries that the snapshot held already.
  for (const gseq of state.ahead.keys()) if (gseq <= state.applied) state.ahead.delete(gseq)
  openGates(state, outputs)
}

/** Makes the entry visible, all of it in this step. */
export function applyEntry(
  state: UpdateOnReleaseState,
  [, gseq, object, writes, ackWanted]: LogEntry,
  outputs: UpdateOnReleaseOutput[],
): void {
  state.applied = Math.max(state.applied, gseq)
  writeFields(state, object, writes, gseq)
  for (const [field] of writes) {
    outputs.push(cell(object, field, currentField(state, object, field)))
    wake(state, object, field, outputs)
  }
  if (ackWanted && state.master === null) outputs.push(toMaster(state, state.applied))
}

/** What the object shows, once the replica has a first state. */
export function cells(state: UpdateOnReleaseState, object: string): readonly CellRow[] | null {
  if (state.applied < 0 || state.isOver) return null
  return [...(state.objects.get(object) ?? [])].map(([field, { version, value }]) => ({
    field,
    state: fieldState(version, value),
    isValid: true,
  }))
}

function writeFields(
  state: UpdateOnReleaseState,
  object: string,
  writes: readonly ReleaseWrite[],
  version: number,
): void {
  if (writes.length === 0) return
  let fields = state.objects.get(object)
  if (fields === undefined) {
    fields = new Map()
    state.objects.set(object, fields)
  }
  for (const write of writes) {
    if (write.length === 1) fields.delete(write[0])
    else fields.set(write[0], { version, value: write[1] })
  }
}

function openGates(state: UpdateOnReleaseState, outputs: UpdateOnReleaseOutput[]): void {
  if (state.gated.length === 0) return
  const ready = state.gated.filter(({ gseq }) => gseq <= state.applied)
  if (ready.length === 0) return
  state.gated = state.gated.filter(({ gseq }) => gseq > state.applied)
  for (const gated of ready) settle(state, gated, outputs)
}

/** Hands the master's answer on, unless nobody wants it any more. */
function settle(
  state: UpdateOnReleaseState,
  { client, call, answer }: GatedAnswer,
  outputs: UpdateOnReleaseOutput[],
): void {
  // The master was told who no longer wants its lock, and has taken it back.
  const open = takeInner(state.open, client, call)
  if (open === undefined) return
  if (open.kind === 'acquire' && answer !== null && answer !== 0) {
    putInner(state.holds, client, open.object, { token: answer, owner: open.owner })
  }
  outputs.push({ type: 'answer', client, call, answer })
}

/** Answers a call from the replica, or leaves it open. */
export function askReplica(
  state: UpdateOnReleaseState,
  { client, call }: Caller,
  operation: ReadOperation | WaitOperation,
  outputs: UpdateOnReleaseOutput[],
): void {
  if (call === 0) return
  if (state.applied < 0 && state.mutant !== 'reads before snapshot') {
    putInner(state.open, client, call, { kind: 'read', operation })
  } else if (operation[0] === 'wait') {
    waitForField(state, { client, call }, operation, outputs)
  } else {
    outputs.push({ type: 'answer', client, call, answer: read(state, operation) })
  }
}

function read(state: UpdateOnReleaseState, operation: ReadOperation): StrictAnswer {
  const fields = state.objects.get(operation[1])
  if (operation[0] === 'keys') return [...(fields?.keys() ?? [])]
  if (operation[0] === 'entries') {
    return [...(fields ?? [])].map(([name, { version, value }]) => [name, version, value] as const)
  }
  const field = currentField(state, operation[1], operation[2])
  return field[0] !== 0 && field[0] === operation[3] ? [field[0]] : field
}

function waitForField(
  state: UpdateOnReleaseState,
  { client, call }: Caller,
  [, object, field, seenVersion]: WaitOperation,
  outputs: UpdateOnReleaseOutput[],
): void {
  const current = currentField(state, object, field)
  if (current[0] !== seenVersion) {
    outputs.push({ type: 'answer', client, call, answer: current })
    return
  }
  let waitCount = 0
  for (const calls of state.waits.get(object)?.values() ?? []) waitCount += calls.length
  if (waitCount >= strictWaitsMax) {
    const where = `object ${JSON.stringify(object)}`
    const message = `wait for a field of ${where}: ${strictWaitsMax} calls wait already`
    outputs.push({ type: 'refuse', client, call, code: 'ERR_GOAWAY_LIMIT', message })
    return
  }
  putInner(state.open, client, call, { kind: 'wait', object, field })
  const calls = state.waits.get(object)?.get(field)
  if (calls === undefined) putInner(state.waits, object, field, [{ client, call }])
  else calls.push({ client, call })
}

/** Answers whoever waits for the field, in the order of arrival. */
function wake(
  state: UpdateOnReleaseState,
  object: string,
  field: string,
  outputs: UpdateOnReleaseOutput[],
): void {
  for (const { client, call } of takeInner(state.waits, object, field) ?? []) {
    takeInner(state.open, client, call)
    outputs.push({ type: 'answer', client, call, answer: currentField(state, object, field) })
  }
}

/** Nobody wants the answer any more. Gives what was open. */
export function closeCall(
  state: UpdateOnReleaseState,
  client: number,
  call: number,
): OpenCall | undefined {
  const open = takeInner(state.open, client, call)
  if (open?.kind === 'wait') {
    const calls = state.waits.get(open.object)?.get(open.field) ?? []
    const rest = calls.filter((each) => each.client !== client || each.call !== call)
    if (rest.length > 0) putInner(state.waits, open.object, open.field, rest)
    else takeInner(state.waits, open.object, open.field)
  }
  return open
}

export function refuseOpen(
  state: UpdateOnReleaseState,
  client: number,
  call: number,
  code: GoawayErrorCode,
  message: string,
  outputs: UpdateOnReleaseOutput[],
): void {
  if (closeCall(state, client, call) === undefined) return
  outputs.push({ type: 'refuse', client, call, code, message })
}

export function currentField(
  state: UpdateOnReleaseState,
  object: string,
  name: string,
): FieldState {
  const field = state.objects.get(object)?.get(name)
  return field === undefined ? absent : fieldState(field.version, field.value)
}

function cell(object: string, field: string, state: FieldState): UpdateOnReleaseOutput {
  return { type: 'cell', object, field, state, isValid: true }
}
