/** What `watch()` returns: the latest value of a field, again and again. */
import type { FieldChange } from './recorded.ts'

/** Waits until the field's version is not the one seen. */
type Look = (seen: number, signal: AbortSignal) => Promise<FieldChange>

/**
 * Holds no values: each step asks for the field as it stands once it differs from what was seen, so
 * that a slow reader gets the latest and nothing piles up.
 */
export class FieldWatch implements AsyncIterableIterator<unknown> {
  readonly #look: Look
  readonly #signal: AbortSignal | undefined
  readonly #stop = new AbortController()
  /** One step at a time, however many are asked for. */
  #turn: Promise<unknown> = Promise.resolve()
  #seen = -1
  #over = false

  constructor(look: Look, signal: AbortSignal | undefined) {
    this.#look = look
    this.#signal = signal
  }

  next(): Promise<IteratorResult<unknown, undefined>> {
    const step = this.#turn.then(() => this.#step())
    this.#turn = step.catch(() => {})
    return step
  }

  async return(): Promise<IteratorResult<unknown, undefined>> {
    this.#over = true
    this.#stop.abort()
    return done
  }

  [Symbol.asyncIterator](): this {
    return this
  }

  async #step(): Promise<IteratorResult<unknown, undefined>> {
    const signal = this.#signal
    const abort = (): void => this.#stop.abort(signal?.reason)
    if (!this.#over && signal?.aborted === true) abort()
    // Listens while it waits, so that an iterator that is dropped leaves nothing behind.
    signal?.addEventListener('abort', abort, { once: true })
    try {
      for (;;) {
        if (this.#over) return done
        const first = this.#seen === -1
        const read = await this.#look(this.#seen, this.#stop.signal)
        this.#seen = read.version
        if (first && read.version === 0) continue
        if (this.#over) return done
        read.recorded?.seen(read)
        return { done: false, value: read.value }
      }
    } catch (error) {
      if (this.#over) return done
      this.#over = true
      throw error
    } finally {
      signal?.removeEventListener('abort', abort)
    }
  }
}

const done = { done: true, value: undefined } as const
