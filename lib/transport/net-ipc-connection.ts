/**
 * A connection of net-ipc, as a link needs it: one write is one packet of net-ipc's, one packet is
 * one record. What net-ipc does not do for a connection whose other end may be wrong is done here:
 *
 * - The length that a packet announces, and the header of the record in it, are looked at before
 *   the rest of the packet is waited for: net-ipc itself would hold as much as it is told to.
 * - What net-ipc tells its listeners, they may throw at: it would take that for a bad packet.
 * - That a part of a packet has come is told: on a slow way it shows that something arrives.
 */

import type { TLSSocket } from 'node:tls'
import type { Client, Connection as ServerSide } from 'net-ipc'
import { frameBytesMax, openingBytesMax, pieceBytesMax } from '../limits.ts'
import { headerBytes, protocolError, readHeader } from './link-record.ts'
import type { Connection } from './tcp-link.ts'

/** What net-ipc keeps at the socket: the types that it ships do not say so. */
interface NetIpcSocket extends TLSSocket {
  msgpack?: { pack(packet: Packet): Uint8Array; unpack(bytes: Uint8Array): Packet }
  zlib?: unknown
}

/** What net-ipc packs: its type, and what was sent. */
interface Packet {
  readonly t: number
  readonly d: unknown
}

/** `MessageTypes.MESSAGE` of net-ipc. */
const typeMessage = 1

/**
 * In the place of msgpackr: bytes are sent as they are, and every packet is a message. So there is
 * one copy less, and nobody can have net-ipc answer, ask, or change its codec, once it is open.
 */
const bytesCodec: NonNullable<NetIpcSocket['msgpack']> = {
  pack: ({ d }) => d as Uint8Array,
  unpack: (bytes) => ({ t: typeMessage, d: bytes }),
}

/** How net-ipc marks a packet: its length in sevens of bits, the last of them with the eighth. */
const tagBytesMax = 5
const recordBytesMax = headerBytes + Math.max(frameBytesMax, pieceBytesMax) + tagBytesMax
const greeting = 'IPC'
/** What comes out of TLS at a time, at most: a read of no more copies nothing. */
const tlsBytesMax = 16 * 1024
const nothing = Buffer.alloc(0)
/** The beginning of a header: length and kind. */
const beginBytes = 8

/**
 * Where a record with a large value is put together. net-ipc copies it into the packet before
 * `send` returns.
 */
let scratch = new Uint8Array(0)

function joined(parts: readonly Uint8Array[]): Uint8Array {
  const [first, ...others] = parts
  if (first !== undefined && others.length === 0) return first
  const total = parts.reduce((sum, { byteLength }) => sum + byteLength, 0)
  if (scratch.byteLength < total) scratch = new Uint8Array(total)
  let at = 0
  for (const part of parts) {
    // Not `set`, which copies from shared memory word by word.
    Buffer.from(part.buffer, part.byteOffset, part.byteLength).copy(scratch, at)
    at += part.byteLength
  }
  return scratch.subarray(0, total)
}

const ignore = (): void => {}

/** One message to somebody of whom net-ipc shall not hear: his client takes it before all else. */
export function writeUnheard(socket: TLSSocket, message: unknown): void {
  const text = Buffer.from(JSON.stringify({ t: typeMessage, d: message }))
  const { byteLength } = text
  const tag = [byteLength >>> 14, (byteLength >>> 7) & 127, (byteLength & 127) | 128]
  socket.write(Buffer.concat([Uint8Array.from(tag), text]))
}

export class NetIpcConnection implements Connection {
  readonly #socket: NetIpcSocket
  #peer: Client | ServerSide | undefined
  /** What may come: net-ipc's greeting, its first packet and ours, records; nothing any more. */
  #expects: 'greeting' | 'opening' | 'records' | 'nothing'
  /** That the packet which is waited for has been looked at. */
  #looked = false
  /** Of a record that is written. */
  #parts: Uint8Array[] | undefined
  /** The parts of a large packet, which net-ipc has without its bytes. */
  #large: Uint8Array[] | undefined
  /** What came before anybody listened. */
  #early: Uint8Array[] = []
  #onData: ((bytes: Uint8Array) => void) | undefined
  #onPart = ignore
  #onFault: ((error: Error) => void) | undefined

  /** Before net-ipc has read from the socket. */
  constructor(socket: TLSSocket, side: 'dialer' | 'listener') {
    this.#socket = socket
    this.#expects = side === 'listener' ? 'greeting' : 'opening'
    const read = socket.read.bind(socket) as (size?: number) => Buffer | null
    const write = socket.write.bind(socket) as (bytes: Uint8Array) => boolean
    Object.assign(socket, {
      read: (size?: number) => this.#read(read, size),
      // net-ipc would make a promise for each that says no, in a queue of the whole process.
      write(bytes: Uint8Array): boolean {
        write(bytes)
        return true
      },
    })
  }

  get writableLength(): number {
    return this.#socket.writableLength
  }

  get destroyed(): boolean {
    return this.#socket.destroyed
  }

  /** Both ends are ready, as net-ipc sees it; from now on packets are bytes. */
  ready(peer: Client | ServerSide): void {
    this.#peer = peer
    this.#socket.msgpack = bytesCodec
    if (this.#socket.zlib !== undefined) this.#socket.destroy()
    // net-ipc leaves a part of a tag unread; if nothing follows, the end would never be seen. Less
    // than was asked for is given at the end alone.
    this.#socket.on('readable', () => {
      const left = this.#socket.readableLength
      if (left > 0 && left < tagBytesMax) this.#socket.read(tagBytesMax)
    })
  }

  /** The opening has been read: records follow. */
  expectRecords(): void {
    this.#expects = 'records'
  }

  /** What net-ipc has as a message. */
  heard(message: unknown): void {
    const parts = this.#large ?? [message as Uint8Array]
    this.#large = undefined
    this.#hand(parts)
  }

  #hand(parts: readonly Uint8Array[]): void {
    if (this.#onData === undefined) {
      this.#early.push(...parts)
      return
    }
    try {
      for (const part of parts) this.#onData(part)
    } catch (error) {
      // Not for net-ipc, which would go on with the next packet.
      queueMicrotask(() => {
        throw error
      })
    }
  }

  write(bytes: Uint8Array): boolean {
    if (this.#parts === undefined) this.#send(bytes)
    else this.#parts.push(bytes)
    return true
  }

  #send(bytes: Uint8Array): void {
    // It is written, or lost with the connection, before `send` returns.
    if (!this.#socket.destroyed) this.#peer?.send(bytes).catch(ignore)
  }

  cork(): void {
    this.#parts ??= []
  }

  uncork(): void {
    const parts = this.#parts ?? []
    this.#parts = undefined
    if (parts.length > 0) this.#send(joined(parts))
  }

  on(event: 'data', listener: (chunk: Uint8Array) => void): void
  on(event: 'drain' | 'close' | 'part', listener: () => void): void
  on(event: 'error', listener: (error: Error) => void): void
  on(event: string, listener: (value: never) => void): void {
    if (event === 'data') this.#onData = listener as (chunk: Uint8Array) => void
    else if (event === 'part') this.#onPart = listener as () => void
    else {
      if (event === 'error') this.#onFault = listener as (error: Error) => void
      this.#socket.on(event, listener as () => void)
    }
  }

  once(event: 'close', listener: () => void): void {
    this.#socket.once(event, listener)
  }

  /** Hands over what came before anybody listened; the rest follows as it comes. */
  resume(): void {
    const early = this.#early
    this.#early = []
    this.#hand(early)
  }

  /** Nothing more is said, and nothing heard. */
  end(): void {
    this.#expects = 'nothing'
    this.#socket.end()
    // What nobody takes would hide the other's end.
    this.#socket.read()
  }

  destroy(): void {
    this.#socket.destroy()
  }

  /** Stands before every read of net-ipc's. */
  #read(read: (size?: number) => Buffer | null, size: number | undefined): Buffer | null {
    if (size === undefined || size === 0) return read(size)
    if (this.#expects === 'nothing') {
      read()
      return null
    }
    const available = this.#socket.readableLength
    if (this.#expects === 'greeting') {
      const head = read(size)
      if (head === null) return null
      if (head.toString('latin1') !== greeting) return this.#refuse(read, 'no greeting')
      this.#expects = 'opening'
      return head
    }
    const limit = this.#expects === 'records' ? recordBytesMax : openingBytesMax
    if (size > limit) return this.#refuse(read, `a packet of ${size} bytes`)
    if (available < size) {
      if (this.#expects === 'records' && !this.#looked && !this.#lookAhead(read, size)) return null
      this.#onPart()
    } else {
      this.#looked = false
      if (size > tlsBytesMax && this.#expects === 'records') return this.#readLarge(read, size)
    }
    const packet = read(size)
    // At the end of a connection there may be less than was asked for.
    return packet !== null && packet.byteLength < size ? null : packet
  }

  /** Reads a packet as it lies there: in one piece it would have to be copied. */
  #readLarge(read: (size?: number) => Buffer | null, size: number): Buffer {
    const parts: Uint8Array[] = []
    for (let left = size; left > 0; ) {
      const part = read(Math.min(left, tlsBytesMax)) as Buffer
      left -= part.byteLength
      parts.push(part)
    }
    const first = parts[0] as Uint8Array
    parts[0] = first.subarray(first.findIndex((byte) => byte > 127) + 1)
    this.#large = parts
    return nothing
  }

  /** Whether the beginning of a packet is what a record begins with, as far as it is there. */
  #lookAhead(read: (size?: number) => Buffer | null, size: number): boolean {
    const wanted = tagBytesMax + beginBytes
    const available = this.#socket.readableLength
    if (available < wanted) return true
    const head = read(wanted) as Buffer
    this.#socket.unshift(head)
    this.#looked = true
    const tagBytes = head.findIndex((byte) => byte > 127) + 1
    const padded = new Uint8Array(headerBytes)
    padded.set(head.subarray(tagBytes, tagBytes + beginBytes))
    try {
      const { length } = readHeader(padded, 0)
      if (tagBytes + headerBytes + length === size) return true
      this.#refuse(read, `a packet of ${size} bytes for a record of ${length}`)
    } catch (error) {
      this.#refuse(read, error as Error)
    }
    return false
  }

  #refuse(read: (size?: number) => Buffer | null, what: Error | string): null {
    const error = typeof what === 'string' ? protocolError(what) : what
    const isLinked = this.#expects === 'records'
    this.#expects = 'nothing'
    if (isLinked && this.#onFault !== undefined) this.#onFault(error)
    else this.#socket.destroy(error)
    read()
    return null
  }
}
