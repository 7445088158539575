/** Why a strict object may say no. To ask changes nothing. */
import type { GoawayErrorCode } from '../errors.ts'
import { foreignLocksMax, strictFieldsMax, strictObjectsMax, strictWaitsMax } from '../limits.ts'
import type { EncodedValue, Fences } from '../wire/messages.ts'
import type { StrictState } from './strict-state.ts'

export type Refusal = readonly [code: GoawayErrorCode, message: string]

/** What a store has to know of the locks that its writers hold. */
export interface FenceState {
  /** The token of each lock's current holder, where the locks are served by this node. */
  readonly holders: ReadonlyMap<string, number>
  /** The largest token that was seen of each lock that another node serves. */
  readonly foreignTokens: Map<string, number>
  /** Of a test, which takes the look at tokens out. */
  readonly mutant?: string | null
}

export function staleFence(state: FenceState, fences: Fences): Refusal | null {
  if (fences === null || state.mutant === 'no token check') return null
  let foreign = false
  for (const [lock, token, isForeign] of fences) {
    if (isForeign === 1) {
      const refusal = staleForeign(state, lock, token)
      if (refusal !== null) return refusal
      foreign = true
      continue
    }
    const current = state.holders.get(lock)
    if (current === token) continue
    const now = current === undefined ? 'nobody holds it' : `its holder has token ${current}`
    const message = `write under lock ${JSON.stringify(lock)} with token ${token}: ${now}`
    return ['ERR_GOAWAY_STALE_TOKEN', message]
  }
  if (foreign) keepForeign(state, fences)
  return null
}

function staleForeign(state: FenceState, lock: string, token: number): Refusal | null {
  const largest = state.foreignTokens.get(lock)
  const what = `write under lock ${JSON.stringify(lock)} with token ${token}`
  if (largest === undefined) {
    if (state.foreignTokens.size < foreignLocksMax) return null
    return ['ERR_GOAWAY_LIMIT', `${what}: tokens of ${foreignLocksMax} locks are kept already`]
  }
  if (token >= largest) return null
  return ['ERR_GOAWAY_STALE_TOKEN', `${what}: a later holder has token ${largest}`]
}

/** Whether or not the write takes place: its token tells that earlier holders are over. */
function keepForeign(state: FenceState, fences: NonNullable<Fences>): void {
  for (const [lock, token, isForeign] of fences) {
    if (isForeign === 1) state.foreignTokens.set(lock, token)
  }
}

export function noRoom(state: StrictState, objectName: string, fieldName: string): Refusal | null {
  const object = state.objects.get(objectName)
  if (object === undefined) return noRoomForObject(state, objectName)
  if (object.fields.size < strictFieldsMax || object.fields.has(fieldName)) return null
  return tooManyFields(objectName)
}

function noRoomForObject(state: StrictState, objectName: string): Refusal | null {
  if (state.objects.size < strictObjectsMax || state.objects.has(objectName)) return null
  const message = `open object ${JSON.stringify(objectName)}: ${strictObjectsMax} exist already`
  return ['ERR_GOAWAY_LIMIT', message]
}

export function noRoomForInit(
  state: StrictState,
  objectName: string,
  count: number,
): Refusal | null {
  const object = state.objects.get(objectName)
  const most = Math.max(object?.fields.size ?? 0, object?.initialised.size ?? 0)
  if (most + count > strictFieldsMax) return tooManyFields(objectName)
  return noRoomForObject(state, objectName)
}

function tooManyFields(objectName: string): Refusal {
  const where = `object ${JSON.stringify(objectName)}`
  const message = `add a field to ${where}: the most is ${strictFieldsMax}`
  return ['ERR_GOAWAY_LIMIT', message]
}

export function noRoomForWait(
  state: StrictState,
  client: number,
  call: number,
  objectName: string,
): Refusal | null {
  if (state.waiting.get(client)?.has(call)) {
    return ['ERR_GOAWAY_PROTOCOL', `wait: call ${call} waits already`]
  }
  const object = state.objects.get(objectName)
  if (object === undefined) return noRoomForObject(state, objectName)
  if (object.waitCount < strictWaitsMax) return null
  const where = `object ${JSON.stringify(objectName)}`
  const message = `wait for a field of ${where}: ${strictWaitsMax} calls wait already`
  return ['ERR_GOAWAY_LIMIT', message]
}

export function notANumber(
  objectName: string,
  fieldName: string,
  value: EncodedValue,
  delta: unknown,
): Refusal {
  const wrong = typeof value === 'number' ? delta : value
  const shown = wrong instanceof Uint8Array || wrong === null ? 'an object' : `a ${typeof wrong}`
  const place = `${JSON.stringify(objectName)}.${JSON.stringify(fieldName)}`
  const what = typeof value === 'number' ? 'the addend' : 'its value'
  return ['ERR_GOAWAY_NOT_A_NUMBER', `add to ${place}: ${what} is ${shown}`]
}
