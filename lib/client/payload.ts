/** Packed values as payloads of messages: small ones inline, large ones on a port of their own. */
import { MessageChannel, type MessagePort, receiveMessageOnPort } from 'node:worker_threads'
import { GoawayError } from '../errors.ts'
import type { MessagePortLike, Payload } from '../wire/messages.ts'
import { type EncodedValue, encodeStored, type PackedCall, packCall, unpackCall } from './values.ts'

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
  const packed = packCall(value, where, transfer)
  if ('bytes' in packed) return packed.bytes
  // The hub hands the port on unopened, so that it never waits for a large value. The reader closes
  // it.
  const { port1, port2 } = new MessageChannel()
  port1.postMessage(packed, (transfer ?? []) as MessagePort[])
  port1.unref()
  return port2 as unknown as MessagePortLike
}

/** Packs a value that may be read more than once: by every attempt of a routine. */
export function packRepeatable(value: unknown, where: string): Payload {
  return encodeStored(value, where)
}

export function unpackPayload(payload: Payload): unknown {
  if (payload instanceof Uint8Array) return unpackCall({ bytes: payload })
  if (typeof payload !== 'object' || payload === null) return payload
  const port = payload as unknown as MessagePort
  const received = receiveMessageOnPort(port)
  port.close()
  if (received === undefined) {
    throw new GoawayError('ERR_GOAWAY_PROTOCOL', 'Cannot read a value: its port is empty')
  }
  return unpackCall(received.message as PackedCall)
}

/** Whether the value lies on a port: it can be handed on, and read, once only. */
export function isPort(payload: Payload): payload is MessagePortLike {
  return typeof payload === 'object' && payload !== null && !(payload instanceof Uint8Array)
}

/** Lets go of a payload that nobody will read. */
export function dropPayload(payload: Payload): void {
  if (isPort(payload)) payload.close()
}

export type { EncodedValue }
