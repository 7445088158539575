/**
 * What goes over a connection, once it is open: records. A record is a header of 24 bytes and a
 * body. Numbers are unsigned, 32 bits, big-endian:
 *
 * `length of the body | kind | sequence | acknowledged | value | total`
 *
 * Counted records have sequence numbers 1, 2, 3... in each direction, modulo 2^32, over all
 * connections of the link, and are sent again after a break; the others carry 0 and are not.
 */
import { GoawayError } from '../errors.ts'
import { frameBytesMax, openingBytesMax, pieceBytesMax } from '../limits.ts'

export const headerBytes = 24

/** Counted: messages. */
export const kindFrame = 1
/** Counted: the next bytes of value `value`, which has `total` bytes and goes to shared memory. */
export const kindPiece = 2
/** Counted: the same of a message that is too large for a frame. */
export const kindPlainPiece = 3
/** Counted: one message, with the values `value` to `value + total - 1` as its attachments. */
export const kindLarge = 4
/** Counted: the same, and the message itself is the first of the values; no body. */
export const kindLargest = 5
/** Counted: nothing more will come. */
export const kindClose = 6
/** Not counted: all there is to it is the acknowledgement in its header. */
export const kindAcknowledge = 7
/** Not counted: asks for an acknowledgement at once. */
export const kindPing = 8
/** Not counted: the sender has ended the link; the body says why, as JSON `[code, message]`. */
export const kindFault = 9

const bodyBytesMax: readonly number[] = [
  -1,
  frameBytesMax,
  pieceBytesMax,
  pieceBytesMax,
  frameBytesMax,
  0,
  0,
  0,
  0,
  openingBytesMax,
]

export interface Header {
  readonly length: number
  readonly kind: number
  readonly sequence: number
  readonly acknowledged: number
  readonly value: number
  readonly total: number
}

export function isCounted(kind: number): boolean {
  return kind <= kindClose
}

export function put32(bytes: Uint8Array, at: number, value: number): void {
  bytes[at] = value >>> 24
  bytes[at + 1] = value >>> 16
  bytes[at + 2] = value >>> 8
  bytes[at + 3] = value
}

export function get32(bytes: Uint8Array, at: number): number {
  const high = ((bytes[at] as number) << 8) | (bytes[at + 1] as number)
  return ((high << 16) | ((bytes[at + 2] as number) << 8) | (bytes[at + 3] as number)) >>> 0
}

/** Writes a header at the start of `bytes`; the acknowledgement follows when it is sent. */
export function putHeader(
  bytes: Uint8Array,
  length: number,
  kind: number,
  sequence: number,
  value = 0,
  total = 0,
): void {
  put32(bytes, 0, length)
  put32(bytes, 4, kind)
  put32(bytes, 8, sequence)
  put32(bytes, 12, 0)
  put32(bytes, 16, value)
  put32(bytes, 20, total)
}

export function putAcknowledged(header: Uint8Array, received: number): void {
  put32(header, 12, received)
}

/** A record that is not counted. */
export function plainRecord(kind: number, received: number, body?: Uint8Array): Uint8Array {
  const length = body?.byteLength ?? 0
  const bytes = new Uint8Array(headerBytes + length)
  putHeader(bytes, length, kind, 0)
  putAcknowledged(bytes, received)
  if (body !== undefined) bytes.set(body, headerBytes)
  return bytes
}

/** Reads a header, and refuses what no sender of ours would write, before anything is allocated. */
export function readHeader(bytes: Uint8Array, at: number): Header {
  const header = {
    length: get32(bytes, at),
    kind: get32(bytes, at + 4),
    sequence: get32(bytes, at + 8),
    acknowledged: get32(bytes, at + 12),
    value: get32(bytes, at + 16),
    total: get32(bytes, at + 20),
  }
  const bound = bodyBytesMax[header.kind]
  if (bound === undefined || header.length > bound) {
    throw protocolError(`a record of kind ${header.kind} with ${header.length} bytes`)
  }
  return header
}

export function protocolError(what: string, cause?: unknown): GoawayError {
  return new GoawayError(
    'ERR_GOAWAY_PROTOCOL',
    `Cannot read what came over a link: ${what}; if both ends are unchanged, report it`,
    cause === undefined ? {} : { cause },
  )
}

/** The number nearest to `near` that is `low` modulo 2^32. */
export function unwrap(low: number, near: number): number {
  return near + ((low - near) | 0)
}
