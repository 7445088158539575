/**
 * Packed values as payloads of messages. Alone, a node packs small ones inline and large ones on a
 * port of their own. In a cluster all are bytes, large ones in shared memory, so that they can go
 * wherever their routine goes; only what lives in one process stays on a port.
 */
import { MessageChannel, type MessagePort, receiveMessageOnPort } from 'node:worker_threads'
import { GoawayError } from '../errors.ts'
import type { BarePayload, MessagePortLike, Parcel, Payload } from '../wire/payloads.ts'
import { isClustered } from './clustered.ts'
import type { Baggage } from './copy-rules.ts'
import { type EncodedValue, encodeCall, type PackedCall, packCall, unpackCall } from './values.ts'

/**
 * Packs a value for its one reader.
 *
 * @throws {GoawayError} ERR_GOAWAY_VALUE
 */
export function packPayload(value: unknown, where: string, transfer?: readonly object[]): Payload {
  if (transfer === undefined) {
    if (typeof value === 'number' && value !== 0) return value
    if (value === undefined || value === null || typeof value === 'boolean') return value
  }
  const baggage = newBaggage()
  return inParcel(packAny(value, where, transfer, baggage), baggage)
}

function packAny(
  value: unknown,
  where: string,
  transfer: readonly object[] | undefined,
  baggage: Baggage,
): BarePayload {
  if (isClustered()) {
    const bytes = packBytes(value, where, transfer, baggage)
    if (bytes !== undefined) return bytes
  }
  const packed = packCall(value, where, transfer, baggage)
  if ('bytes' in packed) return packed.bytes
  // The hub hands the port on unopened, so that it never waits for a large value. The reader closes
  // it.
  const { port1, port2 } = new MessageChannel()
  port1.postMessage(packed, (transfer ?? []) as MessagePort[])
  port1.unref()
  return port2 as unknown as MessagePortLike
}

function newBaggage(): Baggage {
  return { refs: new Set(), stays: '' }
}

function inParcel(payload: BarePayload, { refs, stays }: Baggage): Payload {
  return refs.size === 0 && stays === '' ? payload : [payload, [...refs], stays]
}

/** Packs a value that may be read more than once: by every attempt of a routine. */
export function packRepeatable(value: unknown, where: string): Payload {
  const baggage = newBaggage()
  return inParcel(encodeCall(value, where, true, baggage) as Uint8Array, baggage)
}

/**
 * Packs a list: as bytes however large it is, for lists are large and on their way all the time. A
 * port would have to be asked for when the routine begins, and copies each object twice.
 *
 * @throws {GoawayError} ERR_GOAWAY_VALUE
 */
export function packList(value: unknown, where: string): Payload {
  const baggage = newBaggage()
  const bytes = encodeCall(value, where, false, baggage)
  return bytes === undefined ? packPayload(value, where) : inParcel(bytes, baggage)
}

/** Undefined if only a port can carry it. What is moved is copied, and gone here. */
function packBytes(
  value: unknown,
  where: string,
  transfer: readonly object[] = [],
  baggage: Baggage,
): Uint8Array | undefined {
  const isMemory = transfer.every((one) => one instanceof ArrayBuffer)
  if (!isMemory || new Set(transfer).size < transfer.length) return undefined
  const bytes = encodeCall(value, where, false, baggage)
  if (bytes === undefined) return undefined
  if (transfer.length > 0) structuredClone(transfer, { transfer: transfer as ArrayBuffer[] })
  return bytes
}

export function unpackPayload(payload: Payload): unknown {
  if (payload instanceof Uint8Array) return unpackCall({ bytes: payload })
  if (typeof payload !== 'object' || payload === null) return payload
  if (isParcel(payload)) return unpackPayload(payload[0])
  const port = payload as unknown as MessagePort
  const received = receiveMessageOnPort(port)
  port.close()
  if (received === undefined) {
    throw new GoawayError('ERR_GOAWAY_PROTOCOL', 'Cannot read a value: its port is empty')
  }
  return unpackCall(received.message as PackedCall)
}

function isParcel(payload: Payload): payload is Parcel {
  return Array.isArray(payload)
}

/** Whether the value lies on a port: it can be handed on, and read, once only. */
export function isPort(payload: Payload): boolean {
  const bare = isParcel(payload) ? payload[0] : payload
  return typeof bare === 'object' && bare !== null && !(bare instanceof Uint8Array)
}

/** What cannot leave its process, as messages call it. */
export function staysOf(payload: Payload, otherwise: string): string {
  return (isParcel(payload) && payload[2]) || otherwise
}

/** The same payload, of which messages call what stays by another name. */
export function callWhatStays(payload: Payload, rename: (stays: string) => string): Payload {
  return isParcel(payload) ? [payload[0], payload[1], rename(payload[2])] : payload
}

/** The refs that go along with it. */
export function refsIn(payload: unknown): readonly number[] {
  return Array.isArray(payload) ? (payload as unknown as Parcel)[1] : []
}

/** Lets go of a payload that nobody will read. */
export function dropPayload(payload: Payload): void {
  const bare = isParcel(payload) ? payload[0] : payload
  if (isPort(bare)) (bare as MessagePortLike).close()
}

export type { EncodedValue }
