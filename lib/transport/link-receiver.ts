/**
 * The receiving half of a link, without sockets and clocks: bytes in, messages out.
 *
 * - Whatever the other end says is checked before it is believed, and bounded before anything is
 *   allocated; what is wrong throws `ERR_GOAWAY_PROTOCOL`, and the link is over.
 * - Pieces of large values are copied once, from the bytes of the connection to where they stay.
 */
import { GoawayError } from '../errors.ts'
import {
  frameBytesMax,
  storedInlineBytesMax,
  valueBytesMax,
  valuesUnderWayBytesMax,
} from '../limits.ts'
import { type Attachment, decodeFrame } from '../wire/frame.ts'
import type { LinkMessage } from '../wire/messages.ts'
import {
  type Header,
  headerBytes,
  isCounted,
  kindClose,
  kindFault,
  kindFrame,
  kindLarge,
  kindLargest,
  kindPiece,
  kindPing,
  kindPlainPiece,
  protocolError,
  readHeader,
} from './link-record.ts'

/** A large value under assembly, or one that waits for its message. */
interface Value {
  readonly bytes: Uint8Array
  /** Of complete pieces: a piece that a break cut off comes again. */
  filled: number
}

/** What the other end said beside its messages. */
export interface Heard {
  messages: LinkMessage[]
  /** The last acknowledgement, modulo 2^32. */
  acknowledged: number | undefined
  /** Bytes that are worth an acknowledgement, and whether it is awaited. */
  owed: boolean
  asked: boolean
  /** Nothing will follow: as it was asked to, or because of a fault. */
  closed: boolean
  fault: GoawayError | undefined
}

export class LinkReceiver {
  #received = 0
  readonly #values = new Map<number, Value>()
  #valuesBytes = 0
  // What a break cuts off.
  readonly #headerBuffer = new Uint8Array(headerBytes)
  #headerFilled = 0
  #header: Header | undefined
  #body: Uint8Array = new Uint8Array(0)
  #bodyFilled = 0

  /** Sequence number of the last record that is complete. */
  get received(): number {
    return this.#received
  }

  /** A new connection: what the old one did not complete comes again. */
  resume(): void {
    this.#headerFilled = 0
    this.#header = undefined
  }

  read(chunk: Uint8Array): Heard {
    const heard: Heard = {
      messages: [],
      acknowledged: undefined,
      owed: false,
      asked: false,
      closed: false,
      fault: undefined,
    }
    let at = 0
    while (!heard.closed) {
      if (this.#header === undefined) {
        at = this.#readHeader(chunk, at)
        if (this.#header === undefined) break
        this.#expectBody(this.#header)
      }
      at = this.#readBody(chunk, at, this.#header as Header, heard)
      if (this.#header !== undefined) break
    }
    return heard
  }

  #readHeader(chunk: Uint8Array, at: number): number {
    if (this.#headerFilled === 0 && chunk.byteLength - at >= headerBytes) {
      this.#header = readHeader(chunk, at)
      return at + headerBytes
    }
    const part = chunk.subarray(at, at + headerBytes - this.#headerFilled)
    this.#headerBuffer.set(part, this.#headerFilled)
    this.#headerFilled += part.byteLength
    if (this.#headerFilled === headerBytes) {
      this.#headerFilled = 0
      this.#header = readHeader(this.#headerBuffer, 0)
    }
    return at + part.byteLength
  }

  /** Makes sure that the record may come now, and of the place its body goes to. */
  #expectBody(header: Header): void {
    const { kind, length } = header
    if (isCounted(kind) && header.sequence !== (this.#received + 1) >>> 0) {
      throw protocolError(`record ${header.sequence} after ${this.#received >>> 0}`)
    }
    this.#bodyFilled = 0
    if (kind !== kindPiece && kind !== kindPlainPiece) return
    const value = this.#values.get(header.value) ?? this.#beginValue(header)
    const isShared = value.bytes.buffer instanceof SharedArrayBuffer
    const left = value.bytes.byteLength - value.filled
    const sameValue = value.bytes.byteLength === header.total && isShared === (kind === kindPiece)
    if (!sameValue || length === 0 || length > left) {
      throw protocolError(`${length} bytes of value ${header.value}, which lacks ${left}`)
    }
    this.#body = value.bytes.subarray(value.filled, value.filled + length)
  }

  #beginValue({ kind, value, total }: Header): Value {
    const atLeast = kind === kindPiece ? storedInlineBytesMax : frameBytesMax
    if (total <= atLeast || total > valueBytesMax) throw protocolError(`a value of ${total} bytes`)
    if (this.#valuesBytes + total > valuesUnderWayBytesMax) {
      throw protocolError(`values of ${this.#valuesBytes + total} bytes at a time`)
    }
    const bytes = allocate(kind === kindPiece, total)
    const begun: Value = { bytes, filled: 0 }
    this.#values.set(value, begun)
    this.#valuesBytes += total
    return begun
  }

  #readBody(chunk: Uint8Array, at: number, header: Header, heard: Heard): number {
    const { kind, length } = header
    const isPiece = kind === kindPiece || kind === kindPlainPiece
    const end = Math.min(at + length - this.#bodyFilled, chunk.byteLength)
    const part = chunk.subarray(at, end)
    // Also of a record that is not complete: on a slow way it shows that something arrives.
    if (isCounted(kind) && part.byteLength > 0) heard.owed = true
    if (!isPiece && this.#bodyFilled === 0) {
      if (part.byteLength === length) {
        this.#complete(header, ownBytes(part, chunk), heard)
        return end
      }
      this.#body = new Uint8Array(length)
    }
    copy(part, this.#body, this.#bodyFilled)
    this.#bodyFilled += part.byteLength
    if (this.#bodyFilled === length) this.#complete(header, this.#body, heard)
    return end
  }

  #complete(header: Header, body: Uint8Array, heard: Heard): void {
    const { kind, value, total } = header
    this.#header = undefined
    heard.acknowledged = header.acknowledged
    if (isCounted(kind)) {
      this.#received++
      heard.owed = true
    }
    if (kind === kindFrame) this.#decode(body, [], heard)
    else if (kind === kindPiece || kind === kindPlainPiece) {
      ;(this.#values.get(value) as Value).filled += body.byteLength
    } else if (kind === kindLarge) this.#decode(body, this.#take(value, total), heard)
    else if (kind === kindLargest) {
      const [message, ...attachments] = this.#take(value, total)
      this.#decode(message, attachments, heard)
    } else if (kind === kindClose) heard.closed = true
    else if (kind === kindPing) heard.asked = true
    else if (kind === kindFault) {
      heard.closed = true
      heard.fault = faultOf(body)
    }
  }

  /** Values that are complete. */
  #take(first: number, count: number): Uint8Array[] {
    const taken: Uint8Array[] = []
    for (let index = 0; index < count; index++) {
      const number = (first + index) >>> 0
      const value = this.#values.get(number)
      if (value === undefined || value.filled < value.bytes.byteLength) {
        throw protocolError(`a message without its value ${number}`)
      }
      this.#values.delete(number)
      this.#valuesBytes -= value.bytes.byteLength
      taken.push(value.bytes)
    }
    return taken
  }

  #decode(body: Uint8Array | undefined, values: readonly Uint8Array[], heard: Heard): void {
    if (body === undefined) throw protocolError('a message without its bytes')
    for (const message of decode(body, values)) {
      if (!Array.isArray(message) || typeof message[0] !== 'string') {
        throw protocolError('a message without a name')
      }
      heard.messages.push(message as unknown as LinkMessage)
    }
  }
}

function decode(body: Uint8Array, values: readonly Uint8Array[]): readonly unknown[] {
  const attachments: Attachment[] = []
  for (const value of values) {
    if (!(value.buffer instanceof SharedArrayBuffer)) throw protocolError('a message in a message')
    attachments.push(value.buffer)
  }
  try {
    return decodeFrame(body, attachments)
  } catch (error) {
    if (error instanceof GoawayError) throw error
    throw protocolError('a frame that cannot be decoded', error)
  }
}

function allocate(isShared: boolean, total: number): Uint8Array {
  try {
    return isShared ? new Uint8Array(new SharedArrayBuffer(total)) : new Uint8Array(total)
  } catch (cause) {
    const message = `Cannot receive a value of ${total} bytes: memory is short; pass less at a time`
    throw new GoawayError('ERR_GOAWAY_LIMIT', message, { cause })
  }
}

/** `set` into shared memory copies word by word, or byte by byte: five times slower. */
function copy(part: Uint8Array, target: Uint8Array, at: number): void {
  Buffer.from(part.buffer, part.byteOffset, part.byteLength).copy(target, at)
}

/** A small field of a message must not keep a large chunk in memory. */
function ownBytes(part: Uint8Array, chunk: Uint8Array): Uint8Array {
  if (part.byteLength * 2 < chunk.buffer.byteLength) return new Uint8Array(part)
  return new Uint8Array(part.buffer, part.byteOffset, part.byteLength)
}

function faultOf(body: Uint8Array): GoawayError {
  let text = 'without a reason'
  try {
    const [code, message] = JSON.parse(new TextDecoder().decode(body)) as unknown[]
    text = `${code}: ${message}`
  } catch {
    // A fault without a reason that can be read is one all the same.
  }
  return new GoawayError('ERR_GOAWAY_PROTOCOL', `The other end has ended the link: ${text}`)
}
