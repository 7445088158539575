/** The values of a generator that runs as a routine. */
import { streamCredit } from '../limits.ts'
import {
  type Order,
  type RoutineControl,
  RoutineState,
  type RoutineStatus,
} from './routine-state.ts'

interface Taker<V> {
  resolve(result: IteratorResult<V, unknown>): void
  reject(error: unknown): void
}

/**
 * An async iterable of the values. The generator runs ahead of its reader by a few values and then
 * waits. Leaving the loop lets the generator run its `finally` blocks and end.
 */
export class RoutineStream<V>
  implements RoutineControl, AsyncIterableIterator<V, unknown, undefined>
{
  readonly #state: RoutineState
  readonly #values: V[] = []
  readonly #takers: Taker<V>[] = []
  #ended: { result: unknown } | { error: unknown } | undefined
  /** Values taken since credit was given last. */
  #taken = 0
  readonly #whenEnded: (() => void)[] = []
  #left = false

  constructor(fn: unknown, args: readonly unknown[], order: Order) {
    const name = order.terms.name || (fn as { name: string }).name
    this.#state = new RoutineState(
      name,
      order.terms.graceMs,
      (result) => this.#end({ result }),
      (error) => this.#end({ error }),
      (value) => this.#take(value as V),
    )
    this.#state.begin(fn, args, order)
    this.#state.credit(streamCredit)
  }

  get id(): number {
    return this.#state.id
  }

  get node(): string | undefined {
    return this.#state.node
  }

  get status(): RoutineStatus {
    return this.#state.status
  }

  cancel(reason?: unknown): void {
    this.#state.cancel(reason)
  }

  #take(value: V): void {
    if (this.#left) return
    const taker = this.#takers.shift()
    if (taker === undefined) this.#values.push(value)
    else {
      this.#credit()
      taker.resolve({ done: false, value })
    }
  }

  /** Credit goes back in halves of the window: one message for several values. */
  #credit(): void {
    if (++this.#taken * 2 < streamCredit) return
    this.#state.credit(this.#taken)
    this.#taken = 0
  }

  #end(ended: { result: unknown } | { error: unknown }): void {
    this.#ended = ended
    for (const taker of this.#takers.splice(0)) this.#settle(taker)
    for (const act of this.#whenEnded.splice(0)) act()
  }

  /** The first reader after the last value learns how it ended; later ones that it has. */
  #settle(taker: Taker<V>): void {
    const ended = this.#ended
    this.#ended = { result: undefined }
    if (ended !== undefined && 'error' in ended && !this.#left) taker.reject(ended.error)
    else taker.resolve({ done: true, value: (ended as { result?: unknown })?.result })
  }

  next(): Promise<IteratorResult<V, unknown>> {
    return new Promise((resolve, reject) => {
      const taker = { resolve, reject }
      if (this.#values.length > 0) {
        this.#credit()
        resolve({ done: false, value: this.#values.shift() as V })
      } else if (this.#left) resolve({ done: true, value: undefined })
      else if (this.#ended !== undefined) this.#settle(taker)
      else this.#takers.push(taker)
    })
  }

  /** Ends the generator; resolves when it has ended. */
  return(value?: unknown): Promise<IteratorResult<V, unknown>> {
    this.#left = true
    this.#values.length = 0
    const result: IteratorResult<V, unknown> = { done: true, value }
    for (const taker of this.#takers.splice(0)) taker.resolve({ done: true, value: undefined })
    if (this.#state.over) return Promise.resolve(result)
    // An executor in this thread may end it at once.
    return new Promise((resolve) => {
      this.#whenEnded.push(() => resolve(result))
      this.#state.finish()
    })
  }

  async throw(error?: unknown): Promise<IteratorResult<V, unknown>> {
    await this.return()
    throw error
  }

  [Symbol.asyncIterator](): this {
    return this
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.return()
  }
}
