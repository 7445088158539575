/**
 * Draws values from a generator for a consumer elsewhere, no more than it has given credit for: a
 * slow consumer stops a fast producer.
 */

/** Where the values go. `run` calls in the routine's own asynchronous context. */
export interface ProducerHost {
  run<T>(act: () => T): T
  value(value: unknown): void
  done(value: unknown): void
  failed(error: unknown): void
}

type AnyIterator = AsyncIterator<unknown, unknown> | Iterator<unknown, unknown>

export class Producer {
  readonly #iterator: AnyIterator
  readonly #host: ProducerHost
  #credit = 0
  #drawing = false
  #finishing = false
  #over = false
  /** A value of it could not be sent: what it ends with, once it has cleaned up. */
  #refused: { readonly error: unknown } | undefined

  constructor(iterator: AnyIterator, host: ProducerHost) {
    this.#iterator = iterator
    this.#host = host
  }

  addCredit(values: number): void {
    this.#credit += values
    if (!this.#drawing) this.#draw()
  }

  /** Lets the generator run its `finally` blocks and end. */
  finish(): void {
    if (this.#over || this.#finishing) return
    this.#finishing = true
    // A synchronous generator that is being drawn from is left at its next value.
    if (!this.#drawing) this.#return()
  }

  #return(): void {
    this.#step(() => this.#iterator.return?.() ?? { done: true, value: undefined }, true)
  }

  #draw(): void {
    this.#drawing = true
    while (this.#credit > 0 && !this.#over && !this.#finishing) {
      if (!this.#step(() => this.#iterator.next(), false)) return
    }
    this.#drawing = false
    if (this.#finishing && !this.#over) this.#return()
  }

  /** One call of the iterator; false if its answer is awaited. */
  #step(
    call: () => IteratorResult<unknown> | PromiseLike<IteratorResult<unknown>>,
    last: boolean,
  ): boolean {
    let result: IteratorResult<unknown> | PromiseLike<IteratorResult<unknown>>
    try {
      result = this.#host.run(call)
    } catch (error) {
      this.#fail(error)
      return true
    }
    if (!('then' in result)) {
      this.#take(result, last)
      return true
    }
    result.then(
      (settled) => {
        this.#take(settled, last)
        if (!this.#over) this.#draw()
      },
      (error: unknown) => this.#fail(error),
    )
    return false
  }

  #take(result: IteratorResult<unknown>, last: boolean): void {
    if (this.#over) return
    if (result.done === true || last) {
      this.#over = true
      if (this.#refused !== undefined) return this.#host.failed(this.#refused.error)
      return this.#host.done(result.done === true ? result.value : undefined)
    }
    this.#credit--
    try {
      this.#host.value(result.value)
    } catch (error) {
      this.#refused = { error }
      this.#finishing = true
    }
  }

  #fail(error: unknown): void {
    if (this.#over) return
    this.#over = true
    this.#host.failed(error)
  }
}
