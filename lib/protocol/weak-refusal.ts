/** Why a `Weak` object may say no. To ask changes nothing. */
import { weakFieldsMax, weakObjectsMax, weakWaitsMax } from '../limits.ts'
import type { Refusal } from './strict-refusal.ts'
import type { WeakState } from './weak-state.ts'

export function noRoomForFields(
  state: WeakState,
  objectName: string,
  fieldName: string | null,
  count: number,
): Refusal | null {
  const object = state.objects.get(objectName)
  if (object === undefined) return noRoomForObject(state, objectName)
  if (fieldName !== null && object.fields.has(fieldName)) return null
  if (object.fields.size + count <= weakFieldsMax) return null
  const where = `object ${JSON.stringify(objectName)}`
  const most = `the most is ${weakFieldsMax}, deleted ones included`
  return ['ERR_GOAWAY_LIMIT', `add a field to ${where}: ${most}; use fewer names`]
}

function noRoomForObject(state: WeakState, objectName: string): Refusal | null {
  if (state.objects.size < weakObjectsMax) return null
  const message = `open object ${JSON.stringify(objectName)}: ${weakObjectsMax} exist already`
  return ['ERR_GOAWAY_LIMIT', message]
}

export function noRoomForWait(
  state: WeakState,
  client: number,
  call: number,
  objectName: string,
): Refusal | null {
  if (state.waiting.get(client)?.has(call)) {
    return ['ERR_GOAWAY_PROTOCOL', `wait: call ${call} waits already`]
  }
  const object = state.objects.get(objectName)
  if (object === undefined) return noRoomForObject(state, objectName)
  if (object.waitCount < weakWaitsMax) return null
  const where = `object ${JSON.stringify(objectName)}`
  const message = `wait for a field of ${where}: ${weakWaitsMax} calls wait already`
  return ['ERR_GOAWAY_LIMIT', message]
}

export function noRoomInQueue(state: WeakState, name: string): Refusal {
  const behind = state.others.filter((place) => state.peers.get(place)?.acked === state.stable)
  const why = state.isReady
    ? `nodes at places ${behind.slice(0, 8).join(', ')} have not acknowledged earlier writes`
    : 'this node has not got the state yet'
  const message = `${name} of a Weak object: ${state.queue.length + state.syncs.length} requests`
  return ['ERR_GOAWAY_LIMIT', `${message} wait already, since ${why}; await earlier ones first`]
}

export function noMeaning(name: string, objectName: string, fieldName: string): Refusal {
  const place = `${JSON.stringify(objectName)}.${JSON.stringify(fieldName)}`
  const way = 'use add, or a LinFastRead or StrictCentralized object'
  const why = 'no node knows the latest value'
  return ['ERR_GOAWAY_UNSUPPORTED', `${name} on ${place} of a Weak object: ${why}; ${way}`]
}

export function notServing(name: string): Refusal {
  const message = `${name} of a Weak object: this node is no longer a member of the cluster`
  return ['ERR_GOAWAY_NODE_LOST', `${message}; the routine has to be started anew elsewhere`]
}

/** The compiler knows that this cannot be; a peer of another version does not. */
export function unknownOperation(operation: never): Refusal {
  const name: unknown = (operation as readonly unknown[])[0]
  return ['ERR_GOAWAY_PROTOCOL', `weak operation: ${String(name)} is not known`]
}
