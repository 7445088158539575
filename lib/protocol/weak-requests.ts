/**
 * What the threads of this node ask (docs/protocols/weak.md, steps 1 and 2). Reads and writes are
 * answered from this node's replica at once; they wait only for the state of a node that joined,
 * and writes for room in the window. Requests of one client keep their order.
 */
import type { Operation, StrictAnswer } from '../wire/messages.ts'
import type { WeakOperation } from '../wire/weak-messages.ts'
import type { Refusal } from './strict-refusal.ts'
import { notANumber } from './strict-refusal.ts'
import {
  bareGround,
  cellAt,
  dropWaiting,
  fieldStateOf,
  groundOf,
  openObject,
} from './weak-cells.ts'
import { isWindowFull, publish } from './weak-delivery.ts'
import { startSync } from './weak-fences.ts'
import {
  noMeaning,
  noRoomForFields,
  noRoomForWait,
  noRoomInQueue,
  notServing,
  unknownOperation,
} from './weak-refusal.ts'
import type { WeakOutput, WeakRequest, WeakState } from './weak-state.ts'

type OperationOf<Name extends Operation[0]> = Extract<WeakOperation, readonly [Name, ...unknown[]]>

export function takeRequest(state: WeakState, request: WeakRequest, outputs: WeakOutput[]): void {
  if (!mustWait(state, request)) return perform(state, request, outputs)
  if (isQueueFull(state)) {
    return refuse(request, noRoomInQueue(state, request.operation[0]), outputs)
  }
  state.queue.push(request)
  state.queued.set(request.client, (state.queued.get(request.client) ?? 0) + 1)
  park(request, outputs)
}

function mustWait(state: WeakState, request: WeakRequest): boolean {
  if (!state.isReady || state.queued.has(request.client)) return true
  return isWrite(request.operation) && isWindowFull(state)
}

function isQueueFull(state: WeakState): boolean {
  return state.queue.length + state.syncs.length >= state.bounds.queueMax
}

function isWrite([name]: WeakOperation): boolean {
  return name === 'set' || name === 'add' || name === 'delete' || name === 'init'
}

/** When there may be room again. */
export function takeQueued(state: WeakState, outputs: WeakOutput[]): void {
  if (!state.isReady || state.queue.length === 0) return
  let taken = 0
  for (const request of state.queue) {
    if (isWrite(request.operation) && isWindowFull(state)) break
    taken += 1
    unqueue(state, request.client)
    perform(state, request, outputs)
  }
  state.queue.splice(0, taken)
}

function unqueue(state: WeakState, client: number): void {
  const count = (state.queued.get(client) ?? 0) - 1
  if (count > 0) state.queued.set(client, count)
  else state.queued.delete(client)
}

function perform(state: WeakState, request: WeakRequest, outputs: WeakOutput[]): void {
  const { operation } = request
  switch (operation[0]) {
    case 'get':
      return get(state, request, operation, outputs)
    case 'set':
      return set(state, request, operation, outputs)
    case 'add':
      return add(state, request, operation, outputs)
    case 'delete':
      return remove(state, request, operation, outputs)
    case 'init':
      return init(state, request, operation, outputs)
    case 'wait':
      return wait(state, request, operation, outputs)
    case 'keys': {
      const names = present(state, operation[1]).map(([name]) => name)
      return answer(request, names, outputs)
    }
    case 'entries':
      return answer(request, present(state, operation[1]), outputs)
    case 'compareAndSet':
    case 'replace':
      return refuse(request, noMeaning(operation[0], operation[1], operation[2]), outputs)
    case 'sync':
    case 'fence':
      return sync(state, request, outputs)
    default:
      return refuse(request, unknownOperation(operation), outputs)
  }
}

function get(
  state: WeakState,
  request: WeakRequest,
  [, object, field, seenVersion]: OperationOf<'get'>,
  outputs: WeakOutput[],
): void {
  const cell = cellAt(state, object, field)
  if (cell !== undefined && cell.version !== 0 && cell.version === seenVersion) {
    return answer(request, [seenVersion], outputs)
  }
  return answer(request, fieldStateOf(cell), outputs)
}

function set(
  state: WeakState,
  request: WeakRequest,
  [, object, field, value]: OperationOf<'set'>,
  outputs: WeakOutput[],
): void {
  const full = noRoomForFields(state, object, field, 1)
  if (full !== null) return refuse(request, full, outputs)
  publish(state, ['set', object, field, value], outputs)
  return answer(request, cellAt(state, object, field)?.version ?? 0, outputs)
}

function add(
  state: WeakState,
  request: WeakRequest,
  [, object, field, delta]: OperationOf<'add'>,
  outputs: WeakOutput[],
): void {
  const cell = cellAt(state, object, field)
  const value = cell === undefined || cell.version === 0 ? 0 : cell.shown
  if (typeof value !== 'number' || typeof delta !== 'number') {
    return refuse(request, notANumber(object, field, value, delta), outputs)
  }
  const full = noRoomForFields(state, object, field, 1)
  if (full !== null) return refuse(request, full, outputs)
  if (state.mutant === 'counter overwritten by last writer') {
    publish(state, ['set', object, field, value + delta], outputs)
  } else {
    const [count, sum] = cell?.shares.get(state.place) ?? [0, 0]
    const ground = cell === undefined ? bareGround : groundOf(cell)
    publish(state, ['add', object, field, ground, count + 1, sum + delta], outputs)
  }
  const made = cellAt(state, object, field)
  return answer(request, [true, made?.version ?? 0, made?.shown], outputs)
}

function remove(
  state: WeakState,
  request: WeakRequest,
  [, object, field]: OperationOf<'delete'>,
  outputs: WeakOutput[],
): void {
  const cell = cellAt(state, object, field)
  if (cell === undefined || cell.version === 0) return answer(request, false, outputs)
  publish(state, ['delete', object, field], outputs)
  return answer(request, true, outputs)
}

function init(
  state: WeakState,
  request: WeakRequest,
  [, object, fields]: OperationOf<'init'>,
  outputs: WeakOutput[],
): void {
  const names = new Set<string>()
  const fresh = fields.filter(([name]) => {
    const isFresh = !names.has(name) && isUnwritten(state, object, name)
    names.add(name)
    return isFresh
  })
  if (fresh.length === 0) return answer(request, null, outputs)
  const full = noRoomForFields(state, object, null, fresh.length)
  if (full !== null) return refuse(request, full, outputs)
  publish(state, ['init', object, fresh], outputs)
  return answer(request, null, outputs)
}

/** What was only added to may still be initialised: the sum stands on it. */
function isUnwritten(state: WeakState, object: string, field: string): boolean {
  const [lamport, , isPresent] = groundOf(cellAt(state, object, field))
  return lamport === 0 && !isPresent
}

function present(
  state: WeakState,
  object: string,
): [field: string, version: number, value: WeakValue][] {
  const rows: [field: string, version: number, value: WeakValue][] = []
  for (const [name, cell] of state.objects.get(object)?.fields ?? []) {
    if (cell.version !== 0) rows.push([name, cell.version, cell.shown])
  }
  return rows
}

type WeakValue = Extract<WeakOperation, readonly ['set', ...unknown[]]>[3]

function wait(
  state: WeakState,
  request: WeakRequest,
  [, objectName, field, seenVersion]: OperationOf<'wait'>,
  outputs: WeakOutput[],
): void {
  const { client, call } = request
  const cell = cellAt(state, objectName, field)
  if ((cell?.version ?? 0) !== seenVersion) return answer(request, fieldStateOf(cell), outputs)
  if (call === 0) return
  const refusal = noRoomForWait(state, client, call, objectName)
  if (refusal !== null) return refuse(request, refusal, outputs)
  const object = openObject(state, objectName)
  const waits = object.waits.get(field)
  if (waits === undefined) object.waits.set(field, [{ client, call }])
  else waits.push({ client, call })
  object.waitCount += 1
  const calls = state.waiting.get(client)
  if (calls === undefined) state.waiting.set(client, new Map([[call, [objectName, field]]]))
  else calls.set(call, [objectName, field])
  park(request, outputs)
}

function sync(state: WeakState, request: WeakRequest, outputs: WeakOutput[]): void {
  if (request.call === 0) return
  if (isQueueFull(state)) {
    return refuse(request, noRoomInQueue(state, request.operation[0]), outputs)
  }
  const isDone = startSync(state, request, outputs)
  if (isDone) answer(request, null, outputs)
  else park(request, outputs)
}

/** The caller gives up. A write that waits for room takes place all the same. */
export function forget(state: WeakState, client: number, call: number): void {
  if (call === 0) return
  const at = state.syncs.findIndex((each) => each.client === client && each.call === call)
  if (at >= 0) state.syncs.splice(at, 1)
  leaveQueue(state, client, call)
  leaveWaits(state, client, call)
}

export function loseClient(state: WeakState, client: number): void {
  for (const call of [...(state.waiting.get(client)?.keys() ?? [])]) {
    leaveWaits(state, client, call)
  }
  for (const each of [...state.syncs]) if (each.client === client) forget(state, client, each.call)
  if (!state.queued.has(client)) return
  for (const each of [...state.queue]) {
    if (each.client === client) leaveQueue(state, client, each.call)
  }
}

function leaveQueue(state: WeakState, client: number, call: number): void {
  if (call === 0 || !state.queued.has(client)) return
  const at = state.queue.findIndex((each) => each.client === client && each.call === call)
  const request = state.queue[at]
  if (request === undefined) return
  if (isWrite(request.operation)) {
    state.queue[at] = { ...request, call: 0 }
  } else {
    state.queue.splice(at, 1)
    unqueue(state, client)
  }
}

function leaveWaits(state: WeakState, client: number, call: number): void {
  const place = state.waiting.get(client)?.get(call)
  if (place === undefined) return
  dropWaiting(state, client, call)
  const object = state.objects.get(place[0])
  const waits = object?.waits.get(place[1])
  if (object === undefined || waits === undefined) return
  waits.splice(
    waits.findIndex((each) => each.client === client && each.call === call),
    1,
  )
  object.waitCount -= 1
  if (waits.length === 0) object.waits.delete(place[1])
  if (object.fields.size === 0 && object.waitCount === 0) state.objects.delete(place[0])
}

/** This node may serve no more: whoever waits here is told so. */
export function refuseAll(state: WeakState, outputs: WeakOutput[]): void {
  for (const request of state.queue.splice(0)) {
    refuse(request, notServing(request.operation[0]), outputs)
  }
  for (const { client, call } of state.syncs.splice(0)) {
    outputs.push(refusal(client, call, notServing('sync or fence')))
  }
  for (const [client, calls] of state.waiting) {
    for (const call of calls.keys()) outputs.push(refusal(client, call, notServing('wait')))
  }
  state.queued.clear()
  state.waiting.clear()
  for (const object of state.objects.values()) {
    object.waits.clear()
    object.waitCount = 0
  }
}

function answer(request: WeakRequest, value: StrictAnswer, outputs: WeakOutput[]): void {
  const { client, call } = request
  if (call !== 0) outputs.push({ type: 'answer', client, call, answer: value })
}

function park({ client, call }: WeakRequest, outputs: WeakOutput[]): void {
  if (call !== 0) outputs.push({ type: 'parked', client, call })
}

export function refuse(request: WeakRequest, why: Refusal, outputs: WeakOutput[]): void {
  if (request.call !== 0) outputs.push(refusal(request.client, request.call, why))
}

function refusal(client: number, call: number, [code, message]: Refusal): WeakOutput {
  return { type: 'refuse', client, call, code, message }
}
