/**
 * A frame is what travels in one go: a list of messages as msgpack, plus attachments that are not
 * copied (shared buffers with large values, ports with large arguments). In the bytes an attachment
 * is its number.
 */
import { Packr } from 'msgpackr/pack'
import { GoawayError } from '../errors.ts'
import { frameMessagesMax, storedInlineBytesMax } from '../limits.ts'
import type { Message, MessagePortLike } from './messages.ts'

/** What is handed over beside the bytes of a frame. */
export type Attachment = SharedArrayBuffer | object

/** What goes through a port: the bytes alone, or the bytes and the attachments. */
export type PortFrame = Uint8Array | [bytes: Uint8Array, ...attachments: Attachment[]]

// Arrays and plain values only: no records, so that frames stand alone. `moreTypes` stays off on
// purpose.
const packr = new Packr({ useRecords: false, mapsAsObjects: true })

interface AttachmentMark {
  readonly attached: number
  /** It is the memory itself, and not bytes that lie in it. */
  readonly bare?: true
}

function isAttachment(value: object): boolean {
  if (value instanceof SharedArrayBuffer) return true
  if (value instanceof Uint8Array) {
    return value.byteLength > storedInlineBytesMax && value.buffer instanceof SharedArrayBuffer
  }
  return typeof (value as { postMessage?: unknown }).postMessage === 'function'
}

/** Replaces attachments by their numbers, copying only the arrays that hold one. */
function detach(values: readonly unknown[], attachments: Attachment[]): readonly unknown[] {
  let copy: unknown[] | undefined
  for (let index = 0; index < values.length; index++) {
    const value = values[index]
    if (typeof value !== 'object' || value === null) continue
    let detached: unknown = value
    if (Array.isArray(value)) detached = detach(value, attachments)
    else if (isAttachment(value)) {
      attachments.push(value instanceof Uint8Array ? (value.buffer as SharedArrayBuffer) : value)
      const mark: AttachmentMark = { attached: attachments.length - 1 }
      detached = value instanceof SharedArrayBuffer ? { ...mark, bare: true } : mark
    }
    if (detached !== value) {
      copy ??= [...values]
      copy[index] = detached
    }
  }
  return copy ?? values
}

function reattach(values: unknown[], attachments: readonly Attachment[]): void {
  for (let index = 0; index < values.length; index++) {
    const value = values[index]
    if (typeof value !== 'object' || value === null) continue
    if (Array.isArray(value)) reattach(value, attachments)
    else if ('attached' in value) {
      const { attached, bare } = value as AttachmentMark
      const attachment = attachments[attached]
      const isBytes = attachment instanceof SharedArrayBuffer && bare !== true
      values[index] = isBytes ? new Uint8Array(attachment) : attachment
    }
  }
}

/** Encodes messages in order. The bytes are the caller's own. */
export function encodeFrame(messages: readonly Message[]): {
  bytes: Uint8Array
  attachments: Attachment[]
} {
  const attachments: Attachment[] = []
  const plain = detach(messages, attachments)
  // pack() returns a view of a pooled buffer: posting that would clone the pool.
  return { bytes: new Uint8Array(packr.pack(plain)), attachments }
}

/** Decodes what {@link encodeFrame} made. Byte fields are views of `bytes`. */
export function decodeFrame(bytes: Uint8Array, attachments: readonly Attachment[] = []): Message[] {
  const messages: unknown = packr.unpack(bytes)
  if (!Array.isArray(messages) || messages.length > frameMessagesMax) {
    throw new GoawayError(
      'ERR_GOAWAY_PROTOCOL',
      'Cannot read a frame: it is not a list of messages',
    )
  }
  if (attachments.length > 0) reattach(messages, attachments)
  return messages as Message[]
}

/** Reads what came through a port. */
export function openFrame(frame: PortFrame): Message[] {
  if (frame instanceof Uint8Array) return decodeFrame(frame)
  const [bytes, ...attachments] = frame
  return decodeFrame(bytes, attachments)
}

/** Posts messages as one frame, in order. */
export function postFrame(port: MessagePortLike, messages: readonly Message[]): void {
  const { bytes, attachments } = encodeFrame(messages)
  if (attachments.length === 0) port.postMessage(bytes)
  else {
    const ports = attachments.filter((one) => !(one instanceof SharedArrayBuffer))
    port.postMessage([bytes, ...attachments], ports)
  }
}

/**
 * Encodes one message without attachments for a ring; undefined if it has one. The bytes are a
 * view.
 */
export function encodeOne(message: Message): Uint8Array | undefined {
  if (hasAttachment(message)) return undefined
  return packr.pack(message)
}

export function decodeOne(bytes: Uint8Array): Message {
  const message: unknown = packr.unpack(bytes)
  if (!Array.isArray(message) || typeof message[0] !== 'string') {
    throw new GoawayError('ERR_GOAWAY_PROTOCOL', 'Cannot read a message: it has no name')
  }
  return message as unknown as Message
}

function hasAttachment(values: readonly unknown[]): boolean {
  for (const value of values) {
    if (typeof value !== 'object' || value === null) continue
    if (Array.isArray(value) ? hasAttachment(value) : isAttachment(value)) return true
  }
  return false
}
