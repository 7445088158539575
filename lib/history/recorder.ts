/**
 * Records what one thread does. A handle says what it is about to ask, then what was answered.
 *
 * Rule 1: what may have an effect is in the file before it leaves the thread, by one write(2) with
 * nothing in between: a process that is killed loses no operation. What only reads is written once
 * it is answered, for without an answer it is no part of a history.
 * Rule 2: a stamp is taken before the operation leaves, the other after its answer came, from a
 * clock that all threads of a machine share. No two stamps of a thread are equal.
 * Rule 3: a recorder does not say which operations overlap; merging finds out.
 */
import { randomBytes } from 'node:crypto'
import { closeSync, openSync, writeSync } from 'node:fs'
import process from 'node:process'
import { GoawayError, type GoawayErrorCode } from '../errors.ts'
import { type HistoryOperation, type Json, noAnswer, printLine } from './format.ts'

/** Where to record: plain data, handed from thread to thread. */
export interface HistoryTarget {
  /** The file of this process. */
  readonly file: string
  /** The time that stamps are counted from, as `process.hrtime.bigint()` tells it. */
  readonly origin: bigint
}

/** What becomes of the lines, and what time it is. */
export interface HistorySink {
  /** Tells its lines from those of all others. */
  readonly name: string
  now(): number
  write(line: string): void
  close(): void
}

/** Appends to a file, by one write(2) for each line. */
function fileSink({ file, origin }: HistoryTarget): HistorySink {
  let descriptor = openSync(file, 'a')
  return {
    name: randomBytes(6).toString('base64url'),
    now: () => Number(process.hrtime.bigint() - origin),
    write: (line) => void writeSync(descriptor, `${line}\n`),
    close: () => {
      if (descriptor < 0) return
      closeSync(descriptor)
      // The number may soon be that of another file.
      descriptor = -1
    },
  }
}

/** What is asked. */
export type Asked = Pick<HistoryOperation, 'kind' | 'store' | 'key' | 'op' | 'arg' | 'exp'>

/** An operation that is under way, and is in the file. */
export interface Recording {
  /** It was answered; `ok` is false for a cas that found another value. */
  end(out?: Json, ok?: boolean): void
  /** It had no effect: it is no part of the history. */
  drop(): void
  /** It failed; unless it is certain that it had no effect, it stays in the history. */
  fail(error: unknown): void
}

/** Refusals: the operation was not carried out. After any other error it may have been. */
const refusals: ReadonlySet<GoawayErrorCode> = new Set([
  'ERR_GOAWAY_CANCELLED',
  'ERR_GOAWAY_DEADLOCK',
  'ERR_GOAWAY_LIMIT',
  'ERR_GOAWAY_LOCK_HELD',
  'ERR_GOAWAY_LOCK_NOT_HELD',
  'ERR_GOAWAY_NOT_A_NUMBER',
  'ERR_GOAWAY_STALE_TOKEN',
  'ERR_GOAWAY_TIMEOUT',
])

export class Recorder {
  readonly #sink: HistorySink
  readonly #callers = new WeakMap<object, number>()
  #callerCount = 0
  #lines = 0
  #last = 0

  /** @param to a file, or where else the lines go */
  constructor(to: HistoryTarget | HistorySink) {
    this.#sink = 'file' in to ? fileSink(to) : to
  }

  /** The time; never the same twice. */
  stamp(): number {
    for (;;) {
      const now = this.#sink.now()
      if (now === this.#last) continue
      this.#last = now
      return now
    }
  }

  /**
   * What may have an effect, and is about to leave.
   *
   * @param caller who asks: one routine, or the program itself
   * @throws {GoawayError} ERR_GOAWAY_HISTORY if it cannot be written down: it must not leave then
   */
  begin(caller: object, asked: Asked): Recording {
    const id = this.#nextId()
    const client = this.#clientOf(caller)
    const start = this.stamp()
    try {
      this.#write(printLine({ id, client, ...asked, ok: true, start, end: noAnswer }))
    } catch (cause) {
      const why = cause instanceof Error ? cause.message : String(cause)
      const text = `Cannot record ${asked.op} of ${asked.key}: ${why}; it was not sent`
      throw new GoawayError('ERR_GOAWAY_HISTORY', text, { cause })
    }
    return {
      end: (out, ok = true) => this.#complete(id, { ...(out === undefined ? {} : { out }), ok }),
      drop: () => this.#complete(id, { failed: true, ok: true }),
      fail: (error) => {
        if (isRefusal(error)) this.#complete(id, { failed: true, ok: true })
      },
    }
  }

  /** What leaves whether it can be written down or not, and is not answered. */
  told(caller: object, asked: Asked): void {
    try {
      this.begin(caller, asked)
    } catch {}
  }

  /** What is over and has been seen, and began at `start`. */
  seen(caller: object, start: number, asked: Asked, out: Json | undefined, ok = true): void {
    const result = out === undefined ? { ok } : { out, ok }
    const id = this.#nextId()
    const client = this.#clientOf(caller)
    this.#tryWrite(printLine({ id, client, ...asked, ...result, start, end: this.stamp() }))
  }

  #nextId(): string {
    this.#lines += 1
    return `${this.#sink.name}/${this.#lines}`
  }

  #clientOf(caller: object): number {
    let client = this.#callers.get(caller)
    if (client === undefined) {
      client = this.#callerCount++
      this.#callers.set(caller, client)
    }
    return client
  }

  #complete(done: string, result: { out?: Json; ok: boolean; failed?: true }): void {
    this.#tryWrite(printLine({ done, ...result, end: this.stamp() }))
  }

  /** A disk that is full makes it an operation whose answer was not seen, and that is no lie. */
  #tryWrite(line: string): void {
    try {
      this.#write(line)
    } catch {}
  }

  close(): void {
    this.#sink.close()
  }

  #write(line: string): void {
    this.#sink.write(line)
  }
}

function isRefusal(error: unknown): boolean {
  if (!(error instanceof GoawayError)) return false
  return error.maybeExecuted === undefined ? refusals.has(error.code) : !error.maybeExecuted
}
