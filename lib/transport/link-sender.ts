/**
 * The sending half of a link, without sockets and clocks: what to send next, what is not yet
 * acknowledged, and what to send again.
 *
 * - A flush is one frame; more only where it would be larger than `frameBytesMax`.
 * - A message with large values is a *transfer*: its values go in pieces, which are made when there
 *   is room for them, so that every frame overtakes the pieces that are not made yet. The message
 *   itself follows its pieces. What is sent in its lane meanwhile waits behind it.
 * - Bytes of large values are never copied here: a piece is a view of them.
 */
import { GoawayError } from '../errors.ts'
import {
  frameBytesMax,
  pieceBytes,
  unacknowledgedBytesMax,
  valueBytesMax,
  valuesUnderWayBytesMax,
} from '../limits.ts'
import { encodeFrame } from '../wire/frame.ts'
import { type Lane, laneOf } from '../wire/lane.ts'
import type { LinkMessage } from '../wire/messages.ts'
import {
  headerBytes,
  kindClose,
  kindFrame,
  kindLarge,
  kindLargest,
  kindPiece,
  kindPlainPiece,
  protocolError,
  putHeader,
} from './link-record.ts'

export interface SentRecord {
  readonly sequence: number
  /** The header, and the body unless that lies in `view`. */
  readonly bytes: Uint8Array
  readonly view: Uint8Array | undefined
  /** Messages that are taken when it is acknowledged. */
  readonly messages: number
}

/** One message with large values on its way. */
interface Transfer {
  readonly lane: Lane
  readonly values: readonly Uint8Array[]
  /** Number of the first value. */
  readonly first: number
  readonly bytes: number
  /** The message; undefined if it is the first of the values. */
  readonly body: Uint8Array | undefined
  /** What comes next. */
  value: number
  offset: number
}

export class LinkSender {
  #outbox: LinkMessage[] = []
  #backlog = 0
  /** Records that are not acknowledged; those before `#next` have been handed to the connection. */
  #records: SentRecord[] = []
  #next = 0
  #sequence = 0
  #acknowledged = 0
  #unacknowledgedBytes = 0
  /** In turn; and those for which there is no room yet. */
  readonly #transfers: Transfer[] = []
  readonly #waiting: Transfer[] = []
  #bytesUnderWay = 0
  #values = 0
  /** What waits behind a transfer, by lane. */
  readonly #lanes = new Map<Lane, LinkMessage[]>()
  #closing: 'no' | 'asked' | 'sent' = 'no'

  /** Messages that were sent and not acknowledged. */
  get backlog(): number {
    return this.#backlog
  }

  /** Whether something was sent that is not acknowledged. */
  get expects(): boolean {
    return this.#records.length > 0
  }

  /** Sequence number up to which all has been taken. */
  get acknowledged(): number {
    return this.#acknowledged
  }

  get closing(): boolean {
    return this.#closing !== 'no'
  }

  /** Whether all has been taken, up to and with the end. */
  get closed(): boolean {
    return this.#closing === 'sent' && this.#records.length === 0
  }

  send(message: LinkMessage): void {
    if (this.#closing !== 'no') return
    this.#outbox.push(message)
    this.#backlog++
  }

  flush(): void {
    if (this.#outbox.length === 0) return
    const messages = this.#outbox
    this.#outbox = []
    this.#pack(messages)
  }

  /** Ends the stream after all that has been sent. */
  close(): void {
    if (this.#closing !== 'no') return
    this.flush()
    this.#closing = 'asked'
  }

  /** The next record to hand to the connection, if there is one and may be one now. */
  next(): SentRecord | undefined {
    const ready = this.#records[this.#next]
    if (ready !== undefined) {
      this.#next++
      return ready
    }
    if (this.#transfers.length > 0) {
      if (this.#unacknowledgedBytes >= unacknowledgedBytesMax) return undefined
      this.#makePiece(this.#transfers[0] as Transfer)
    } else if (this.#closing === 'asked') {
      this.#closing = 'sent'
      this.#push(kindClose, undefined, 0)
    } else return undefined
    return this.#records[this.#next++]
  }

  /** The other end has taken all up to this sequence number. */
  acknowledge(sequence: number): void {
    if (sequence <= this.#acknowledged) return
    const last = this.#records[this.#next - 1]?.sequence ?? this.#acknowledged
    if (sequence > last) throw protocolError(`it acknowledges ${sequence} of ${last} records`)
    const count = sequence - this.#acknowledged
    for (let index = 0; index < count; index++) {
      const record = this.#records[index] as SentRecord
      this.#unacknowledgedBytes -= sizeOf(record)
      this.#backlog -= record.messages
    }
    if (count === this.#records.length) this.#records = []
    else this.#records.splice(0, count)
    this.#next -= count
    this.#acknowledged = sequence
  }

  /** A new connection: the other end has received so much, and the rest goes again. */
  resume(received: number): void {
    const last = this.#records.at(-1)?.sequence ?? this.#acknowledged
    if (received < this.#acknowledged || received > last) {
      throw protocolError(`it has received ${received} of ${last} records`)
    }
    this.acknowledge(received)
    this.#next = 0
  }

  /** Makes frames of messages, and transfers of those that are too large. */
  #pack(messages: readonly LinkMessage[]): void {
    const ready = this.#lanes.size === 0 ? messages : this.#withhold(messages)
    if (ready.length === 0) return
    const { bytes, attachments } = encodeFrame(ready)
    if (attachments.length === 0 && bytes.byteLength <= frameBytesMax) {
      this.#push(kindFrame, bytes, ready.length)
    } else if (ready.length === 1) {
      this.#begin(ready[0] as LinkMessage, bytes, attachments.map(asBytes))
    } else {
      const half = ready.length >>> 1
      this.#pack(ready.slice(0, half))
      this.#pack(ready.slice(half))
    }
  }

  /** Puts aside what has to wait behind a transfer; returns the rest. */
  #withhold(messages: readonly LinkMessage[]): readonly LinkMessage[] {
    return messages.filter((message) => {
      const lane = laneOf(message)
      const behind = lane === undefined ? undefined : this.#lanes.get(lane)
      behind?.push(message)
      return behind === undefined
    })
  }

  #begin(message: LinkMessage, body: Uint8Array, attachments: readonly Uint8Array[]): void {
    const lane = laneOf(message)
    const fits = body.byteLength <= frameBytesMax
    const values = fits ? attachments : [body, ...attachments]
    const bytes = values.reduce((sum, value) => sum + value.byteLength, 0)
    if (bytes > valuesUnderWayBytesMax || values.some((one) => one.byteLength > valueBytesMax)) {
      throw new GoawayError(
        'ERR_GOAWAY_LIMIT',
        `Cannot send a ${message[0]} message of ${bytes} bytes; store or pass less at a time`,
      )
    }
    const transfer: Transfer = {
      lane,
      values,
      first: this.#values,
      bytes,
      body: fits ? body : undefined,
      value: 0,
      offset: 0,
    }
    this.#values += values.length
    if (lane !== undefined) this.#lanes.set(lane, [])
    this.#waiting.push(transfer)
    this.#admitTransfers()
  }

  #admitTransfers(): void {
    while (this.#waiting.length > 0) {
      const transfer = this.#waiting[0] as Transfer
      if (this.#bytesUnderWay + transfer.bytes > valuesUnderWayBytesMax) return
      this.#bytesUnderWay += transfer.bytes
      this.#transfers.push(transfer)
      this.#waiting.shift()
    }
  }

  #makePiece(transfer: Transfer): void {
    const value = transfer.values[transfer.value] as Uint8Array
    const view = value.subarray(transfer.offset, transfer.offset + pieceBytes)
    const isMessage = transfer.body === undefined && transfer.value === 0
    const kind = isMessage ? kindPlainPiece : kindPiece
    const bytes = new Uint8Array(headerBytes)
    const number = transfer.first + transfer.value
    this.#sequence++
    putHeader(bytes, view.byteLength, kind, this.#sequence, number, value.byteLength)
    this.#add({ sequence: this.#sequence, bytes, view, messages: 0 })
    transfer.offset += view.byteLength
    if (transfer.offset === value.byteLength) {
      transfer.value++
      transfer.offset = 0
    }
    this.#transfers.shift()
    if (transfer.value < transfer.values.length) this.#transfers.push(transfer)
    else this.#complete(transfer)
  }

  /** The message follows its values, and what waited behind it follows the message. */
  #complete(transfer: Transfer): void {
    const kind = transfer.body === undefined ? kindLargest : kindLarge
    this.#push(kind, transfer.body, 1, transfer.first, transfer.values.length)
    this.#bytesUnderWay -= transfer.bytes
    this.#admitTransfers()
    if (transfer.lane === undefined) return
    const behind = this.#lanes.get(transfer.lane) as LinkMessage[]
    this.#lanes.delete(transfer.lane)
    this.#pack(behind)
  }

  #push(kind: number, body: Uint8Array | undefined, messages: number, value = 0, total = 0): void {
    const length = body?.byteLength ?? 0
    const bytes = new Uint8Array(headerBytes + length)
    this.#sequence++
    putHeader(bytes, length, kind, this.#sequence, value, total)
    if (body !== undefined) bytes.set(body, headerBytes)
    this.#add({ sequence: this.#sequence, bytes, view: undefined, messages })
  }

  #add(record: SentRecord): void {
    this.#records.push(record)
    this.#unacknowledgedBytes += sizeOf(record)
  }
}

function sizeOf(record: SentRecord): number {
  return record.bytes.byteLength + (record.view?.byteLength ?? 0)
}

function asBytes(attachment: object): Uint8Array {
  if (attachment instanceof SharedArrayBuffer) return new Uint8Array(attachment)
  throw protocolError('a port cannot leave its process')
}
