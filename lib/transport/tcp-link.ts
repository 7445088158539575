/**
 * A link over successive connections. What is to be sent, and what came, is the business of
 * `link-sender.ts` and `link-receiver.ts`; this file hands bytes to a connection, takes them,
 * and decides when a connection is broken and when the link is over.
 *
 * - `flush` writes at once, and once: no timer stands between a message and the network.
 * - A connection that breaks is no end: the dialer makes another. A link that has had none for
 *   `graceMs` is over, on both sides.
 * - A connection on which nothing comes, although something is awaited, is broken.
 */
import { GoawayError, isGoawayError } from '../errors.ts'
import {
  acknowledgeBytes,
  acknowledgeMs,
  lingerMs,
  linkLookMs,
  linkLooksMax,
  linkLooksToAsk,
  writeAheadBytes,
} from '../limits.ts'
import type { LinkMessage } from '../wire/messages.ts'
import type { Link, LinkEnd, LinkListener } from './contract.ts'
import { LinkReceiver } from './link-receiver.ts'
import {
  kindAcknowledge,
  kindFault,
  kindPing,
  plainRecord,
  putAcknowledged,
  unwrap,
} from './link-record.ts'
import { LinkSender, type SentRecord } from './link-sender.ts'

/**
 * What a link needs of a connection. `part`: a part of a record has come, whose rest is waited for;
 * not for who gives parts as `data`. An error with a code of ours ends the link, not the connection
 * alone.
 */
export interface Connection {
  readonly writableLength: number
  readonly destroyed: boolean
  write(bytes: Uint8Array): boolean
  cork(): void
  uncork(): void
  on(event: 'data', listener: (chunk: Uint8Array) => void): unknown
  on(event: 'drain' | 'close' | 'part', listener: () => void): unknown
  on(event: 'error', listener: (error: Error) => void): unknown
  once(event: 'close', listener: () => void): unknown
  resume(): unknown
  end(): unknown
  destroy(): unknown
}

/** Time, so that a test can be its master. */
export interface Timers {
  set(ms: number, act: () => void): unknown
  clear(timer: unknown): void
}

export const realTimers: Timers = {
  set: (ms, act) => setTimeout(act, ms),
  clear: (timer) => clearTimeout(timer as NodeJS.Timeout),
}

/** What a link's maker decides. */
export interface LinkTerms {
  /** For messages: the other end. */
  readonly place: string
  graceMs(): number
  /** The connection broke: get another one and `attach` it, until `over`. */
  broke?(): void
  /** The link is over: forget it. */
  over(): void
  readonly timers?: Timers
}

export class TcpLink implements Link, LinkEnd {
  readonly #sender = new LinkSender()
  readonly #receiver = new LinkReceiver()
  readonly #terms: LinkTerms
  readonly #timers: Timers
  #connection: Connection | undefined
  #listener: LinkListener | undefined
  /** What came before anybody listened. */
  #early: LinkMessage[] = []
  #ending: { readonly error: Error | undefined } | undefined
  #toldEnd = false
  // What is to be acknowledged.
  #owed = false
  #bytesThen = 0
  #bytesSent = 0
  #acknowledgeTimer: unknown
  #lookTimer: unknown
  #looksInVain = 0
  #graceTimer: unknown

  constructor(terms: LinkTerms) {
    this.#terms = terms
    this.#timers = terms.timers ?? realTimers
  }

  get backlog(): number {
    return this.#ending === undefined ? this.#sender.backlog : 0
  }

  get bytesSent(): number {
    return this.#bytesSent
  }

  get isOver(): boolean {
    return this.#ending !== undefined
  }

  get isConnected(): boolean {
    return this.#connection !== undefined
  }

  /** Sequence number of the last record that has arrived. */
  get received(): number {
    return this.#receiver.received
  }

  open(listener: LinkListener): Link {
    queueMicrotask(() => {
      this.#listener = listener
      const messages = this.#early
      this.#early = []
      if (messages.length > 0) listener.received(messages)
      this.#tellEnd()
    })
    return this
  }

  send(message: LinkMessage): void {
    if (this.#ending === undefined) this.#sender.send(message)
  }

  flush(): void {
    if (this.#ending !== undefined) return
    try {
      this.#sender.flush()
    } catch (error) {
      this.fail(error as Error)
    }
    this.#pump()
  }

  close(): void {
    if (this.#ending !== undefined || this.#sender.closing) return
    try {
      this.#sender.close()
    } catch (error) {
      this.fail(error as Error)
    }
    this.#pump()
  }

  /** Goes on with a connection; `peerReceived` is what the other end said that it has. */
  attach(connection: Connection, peerReceived: number): void {
    if (this.#ending !== undefined) {
      connection.destroy()
      return
    }
    this.#leave()
    try {
      this.#sender.resume(peerReceived)
    } catch (error) {
      connection.destroy()
      this.fail(error as Error)
      return
    }
    this.#receiver.resume()
    this.#connection = connection
    this.#looksInVain = 0
    this.#timers.clear(this.#graceTimer)
    this.#graceTimer = undefined
    connection.on('data', (chunk) => {
      if (this.#connection === connection) this.#hear(chunk)
    })
    connection.on('drain', () => {
      if (this.#connection === connection) this.#pump()
    })
    connection.on('part', () => {
      if (this.#connection === connection) this.#hearPart()
    })
    connection.on('error', (error) => {
      if (this.#connection === connection && isGoawayError(error)) this.fail(error)
    })
    connection.on('close', () => {
      if (this.#connection === connection) this.#break()
    })
    if (connection.destroyed) this.#break()
    else {
      connection.resume()
      this.#pump()
    }
  }

  /** Ends the link; the other end is told why if it can be. */
  fail(error: Error): void {
    if (this.#ending !== undefined) return
    const code = (error as { code?: unknown }).code
    const reason = JSON.stringify([String(code).slice(0, 100), error.message.slice(0, 1000)])
    const body = new TextEncoder().encode(reason)
    this.#say(plainRecord(kindFault, this.#receiver.received, body))
    this.#end(error)
  }

  /** The connection is of no use any more; the link is, if another one comes in time. */
  breakConnection(): void {
    if (this.#connection !== undefined) this.#break()
  }

  #hear(chunk: Uint8Array): void {
    this.#looksInVain = 0
    let heard: ReturnType<LinkReceiver['read']>
    try {
      heard = this.#receiver.read(chunk)
      if (heard.acknowledged !== undefined) {
        this.#sender.acknowledge(unwrap(heard.acknowledged, this.#sender.acknowledged))
      }
    } catch (error) {
      this.fail(error as Error)
      return
    }
    if (heard.owed) {
      this.#owed = true
      this.#bytesThen += chunk.byteLength
    }
    if (heard.messages.length > 0) {
      if (this.#listener === undefined) this.#early.push(...heard.messages)
      else this.#listener.received(heard.messages)
    }
    if (this.#ending !== undefined) return
    if (heard.closed) {
      if (heard.fault === undefined) this.#acknowledge()
      // Who asked for the end is told no error, whatever became of it.
      this.#end(this.#sender.closing ? undefined : heard.fault)
    } else if (this.#sender.closed) this.#end(undefined)
    else {
      if (heard.asked || this.#bytesThen >= acknowledgeBytes) this.#acknowledge()
      this.#pump()
      if (this.#owed) this.#acknowledgeSoon()
    }
  }

  /** On a slow way it shows that something arrives. */
  #hearPart(): void {
    this.#looksInVain = 0
    this.#owed = true
    this.#acknowledgeSoon()
  }

  #acknowledgeSoon(): void {
    this.#acknowledgeTimer ??= this.#timers.set(acknowledgeMs, this.#acknowledgeLate)
  }

  readonly #acknowledgeLate = (): void => {
    this.#acknowledgeTimer = undefined
    if (this.#owed) this.#acknowledge()
  }

  #acknowledge(): void {
    this.#say(plainRecord(kindAcknowledge, this.#receiver.received))
    this.#acknowledged()
  }

  /** What is no record of the sender's, and so is never sent again. */
  #say(bytes: Uint8Array): void {
    if (this.#connection === undefined) return
    this.#bytesSent += bytes.byteLength
    this.#connection.write(bytes)
  }

  #acknowledged(): void {
    this.#owed = false
    this.#bytesThen = 0
  }

  /** Hands to the connection what it has room for. */
  #pump(): void {
    const connection = this.#connection
    if (connection === undefined) return
    while (connection.writableLength < writeAheadBytes) {
      const record = this.#sender.next()
      if (record === undefined) break
      this.#write(connection, record)
    }
    if (this.#sender.expects) this.#lookTimer ??= this.#timers.set(linkLookMs, this.#look)
  }

  #write(connection: Connection, { bytes, view }: SentRecord): void {
    putAcknowledged(bytes, this.#receiver.received)
    this.#acknowledged()
    this.#bytesSent += bytes.byteLength + (view?.byteLength ?? 0)
    if (view === undefined) connection.write(bytes)
    else {
      connection.cork()
      connection.write(bytes)
      connection.write(view)
      connection.uncork()
    }
  }

  readonly #look = (): void => {
    this.#lookTimer = undefined
    if (this.#connection === undefined || !this.#sender.expects) return
    this.#looksInVain++
    if (this.#looksInVain >= linkLooksMax) {
      this.#break()
      return
    }
    if (this.#looksInVain === linkLooksToAsk) {
      this.#say(plainRecord(kindPing, this.#receiver.received))
    }
    this.#lookTimer = this.#timers.set(linkLookMs, this.#look)
  }

  /** Takes leave of the connection. */
  #leave(): void {
    const connection = this.#connection
    this.#connection = undefined
    connection?.destroy()
  }

  #break(): void {
    this.#leave()
    if (this.#ending !== undefined) return
    const graceMs = this.#terms.graceMs()
    this.#graceTimer ??= this.#timers.set(graceMs, () => {
      this.lost(
        new GoawayError(
          'ERR_GOAWAY_LINK_LOST',
          `Lost the link with ${this.#terms.place}: no connection for ${graceMs} ms; look at the ` +
            'network, or raise linkGraceMs',
        ),
      )
    })
    this.#terms.broke?.()
  }

  /** There will be no other connection. */
  lost(error: Error): void {
    this.#end(this.#sender.closing ? undefined : error)
  }

  #end(error: Error | undefined): void {
    if (this.#ending !== undefined) return
    this.#ending = { error }
    this.#timers.clear(this.#acknowledgeTimer)
    this.#timers.clear(this.#lookTimer)
    this.#timers.clear(this.#graceTimer)
    const connection = this.#connection
    this.#connection = undefined
    if (connection !== undefined) {
      connection.end()
      const linger = this.#timers.set(lingerMs, () => connection.destroy())
      connection.once('close', () => this.#timers.clear(linger))
    }
    this.#terms.over()
    queueMicrotask(() => this.#tellEnd())
  }

  #tellEnd(): void {
    if (this.#ending === undefined || this.#listener === undefined || this.#toldEnd) return
    this.#toldEnd = true
    this.#listener.closed(this.#ending.error)
  }
}
