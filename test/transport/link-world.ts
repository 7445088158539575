/**
 * Two ends of a link in one thread, with connections and timers that a test is the master of: what
 * has been written arrives when, and in pieces as small, as the test says.
 */
import type { Link, LinkListener } from '../../lib/transport/contract.ts'
import { headerBytes, putHeader } from '../../lib/transport/link-record.ts'
import { type Connection, TcpLink, type Timers } from '../../lib/transport/tcp-link.ts'
import type { LinkMessage } from '../../lib/wire/messages.ts'

type Act = (chunk: never) => void

/** One end of a connection. What it writes lies here until it is delivered. */
export class FakeConnection implements Connection {
  readonly #listeners: [event: string, act: Act][] = []
  written: Uint8Array[] = []
  other: FakeConnection | undefined
  destroyed = false
  ended = false

  get writableLength(): number {
    return this.written.reduce((sum, chunk) => sum + chunk.byteLength, 0)
  }

  write(bytes: Uint8Array): boolean {
    // A copy: a record's header is written anew when it is sent again.
    if (!this.destroyed) this.written.push(bytes.slice())
    return true
  }

  cork(): void {}
  uncork(): void {}
  resume(): void {}

  on(event: string, act: Act): void {
    this.#listeners.push([event, act])
  }

  once(event: string, act: Act): void {
    this.on(event, act)
  }

  emit(event: string, chunk?: Uint8Array): void {
    for (const [name, act] of this.#listeners) if (name === event) act(chunk as never)
  }

  end(): void {
    this.ended = true
  }

  destroy(): void {
    if (this.destroyed) return
    this.destroyed = true
    this.emit('close')
  }

  /** Lets so many bytes of what was written arrive. */
  deliver(bytesMax: number): void {
    const first = this.written.shift()
    if (first === undefined) return
    if (first.byteLength > bytesMax) this.written.unshift(first.subarray(bytesMax))
    this.other?.emit('data', first.subarray(0, bytesMax))
    if (this.written.length === 0) this.emit('drain')
  }

  deliverAll(): void {
    while (this.written.length > 0 && !this.destroyed) this.deliver(Number.POSITIVE_INFINITY)
  }
}

/** Timers that fire when they are told to. */
export class FakeTimers implements Timers {
  now = 0
  readonly #timers = new Map<object, { at: number; act: () => void }>()

  set(ms: number, act: () => void): object {
    const timer = {}
    this.#timers.set(timer, { at: this.now + ms, act })
    return timer
  }

  clear(timer: unknown): void {
    this.#timers.delete(timer as object)
  }

  get pending(): number {
    return this.#timers.size
  }

  advance(ms: number): void {
    const until = this.now + ms
    for (;;) {
      const next = [...this.#timers].sort(([, a], [, b]) => a.at - b.at)[0]
      if (next === undefined || next[1].at > until) break
      this.#timers.delete(next[0])
      this.now = next[1].at
      next[1].act()
    }
    this.now = until
  }
}

/** One end: what it heard. */
export class FakeEnd implements LinkListener {
  readonly tcp: TcpLink
  readonly link: Link
  readonly messages: LinkMessage[] = []
  readonly endings: (Error | undefined)[] = []
  connection: FakeConnection | undefined

  constructor(timers: Timers, graceMs: number) {
    this.tcp = new TcpLink({ place: 'node "x"', graceMs: () => graceMs, over: () => {}, timers })
    this.link = this.tcp.open(this)
  }

  received(messages: readonly LinkMessage[]): void {
    this.messages.push(...messages)
  }

  closed(error?: Error): void {
    this.endings.push(error)
  }
}

export class LinkWorld {
  readonly timers = new FakeTimers()
  readonly ends: readonly [FakeEnd, FakeEnd]

  constructor(graceMs = 2000) {
    this.ends = [new FakeEnd(this.timers, graceMs), new FakeEnd(this.timers, graceMs)]
  }

  /** A new connection, as after a dial. */
  connect(): void {
    const [a, b] = this.ends
    for (const end of this.ends) end.tcp.breakConnection()
    const connections = [new FakeConnection(), new FakeConnection()] as const
    connections[0].other = connections[1]
    connections[1].other = connections[0]
    const received = [a.tcp.received, b.tcp.received] as const
    a.connection = connections[0]
    b.connection = connections[1]
    a.tcp.attach(connections[0], received[1])
    b.tcp.attach(connections[1], received[0])
  }

  /** Both ends notice; what was under way is gone. */
  cut(): void {
    for (const { connection } of this.ends) connection?.destroy()
  }

  /** Lets everything arrive that is under way. */
  settle(): void {
    for (let quiet = 0; quiet < 3; ) {
      const before = this.ends.map(({ connection }) => connection?.writableLength)
      for (const { connection } of this.ends) connection?.deliverAll()
      if (before.every((bytes) => !bytes)) {
        this.timers.advance(50)
        quiet++
      } else quiet = 0
    }
  }
}

/** A counted record as a sender would not make it. */
export function record(
  kind: number,
  sequence: number,
  body: Uint8Array,
  value = 0,
  total = 0,
): Uint8Array {
  const bytes = new Uint8Array(headerBytes + body.byteLength)
  putHeader(bytes, body.byteLength, kind, sequence, value, total)
  bytes.set(body, headerBytes)
  return bytes
}
