/**
 * A function over a list of items, in one routine: what a chunk of `map` is in its thread.
 *
 * - Items run one after the other, those of an async function too: they share the routine, and with
 *   it the locks it holds, which two of them at a time would fight for.
 * - Between two items it looks whether it is to stop.
 * - What an item throws is told beside the results of the others.
 */
import { recordOf, withDetails } from '../client/error-codec.ts'
import type { RoutineFunction } from '../client/function-address.ts'
import { dropPayload, packPayload } from '../client/payload.ts'
import { currentScope } from '../client/scope.ts'
import { GoawayError } from '../errors.ts'
import type { ItemFailure, ItemsArguments, ItemsResult } from '../wire/item-messages.ts'

/** What is to be known here of the routine: an executor of a program's own may have less of it. */
interface ItemsContext {
  attempt: number
  readonly node?: string
  readonly thread?: number
  readonly cancelled?: boolean
  /** Whether it is to stop, without its code's noticing that it was asked. */
  isStopping?(): boolean
}

/** The function as a routine calls it for a list. */
export function forEachItem(fn: RoutineFunction): RoutineFunction {
  return (...order) => {
    const run = new ItemsRun(fn, order as unknown as ItemsArguments)
    const pending = run.start()
    return pending === undefined ? run.outcome() : pending
  }
}

class ItemsRun {
  readonly #fn: RoutineFunction
  readonly #items: readonly unknown[]
  readonly #indexes: number | readonly number[]
  readonly #goesOn: boolean
  readonly #context: ItemsContext | undefined
  readonly #began = performance.now()
  readonly #results: unknown[] = []
  readonly #failures: ItemFailure[] = []

  constructor(fn: RoutineFunction, [items, indexes, attempt, goesOn]: ItemsArguments) {
    this.#fn = fn
    this.#items = items
    this.#indexes = indexes
    this.#goesOn = goesOn
    this.#context = currentScope().context as ItemsContext | undefined
    if (this.#context !== undefined) this.#context.attempt = attempt
  }

  outcome(): ItemsResult {
    const elapsedMs = performance.now() - this.#began
    const outcome: ItemsResult = [this.#results, this.#failures, elapsedMs]
    runs.set(outcome, this)
    return outcome
  }

  withoutRefused(): ItemsResult {
    const failures = [...this.#failures]
    const passed = this.#results.map((result, at) => {
      try {
        dropPayload(packPayload(result, 'result'))
        return result
      } catch (error) {
        failures.push([at, this.#record(error)])
        return undefined
      }
    })
    return [passed, failures, performance.now() - this.#began]
  }

  /** Undefined if all has ended without an await. */
  start(): Promise<ItemsResult> | undefined {
    const first = this.#runFrom(0)
    return first === undefined ? undefined : this.#finish(first)
  }

  async #finish(first: PromiseLike<unknown>): Promise<ItemsResult> {
    let pending: PromiseLike<unknown> | undefined = first
    while (pending !== undefined) {
      let goesOn = true
      try {
        this.#results.push(await pending)
      } catch (error) {
        goesOn = this.#fail(error)
      }
      pending = goesOn ? this.#runFrom(this.#results.length) : undefined
    }
    return this.outcome()
  }

  /** Calls the function for item after item; comes back with the first result that is pending. */
  #runFrom(start: number): PromiseLike<unknown> | undefined {
    const items = this.#items
    const results = this.#results
    for (let at = start; at < items.length; at++) {
      this.#stopIfAsked()
      try {
        const result = this.#fn(items[at], this.#indexOf(at))
        if (isThenable(result)) return result
        results.push(result)
      } catch (error) {
        if (!this.#fail(error)) return undefined
      }
    }
    return undefined
  }

  #indexOf(at: number): number {
    return typeof this.#indexes === 'number' ? this.#indexes + at : (this.#indexes[at] as number)
  }

  #stopIfAsked(): void {
    const context = this.#context
    if (context === undefined) return
    if (context.isStopping === undefined ? context.cancelled !== true : !context.isStopping()) {
      return
    }
    throw new GoawayError('ERR_GOAWAY_CANCELLED', 'The routine was cancelled between two items')
  }

  /** Whether the items behind it are to run. */
  #fail(error: unknown): boolean {
    this.#failures.push([this.#results.length, this.#record(error)])
    this.#results.push(undefined)
    return this.#goesOn
  }

  #record(error: unknown): ItemFailure[1] {
    const record = recordOf(error)
    if (this.#context === undefined) return record
    const { node = '', thread = 0, attempt } = this.#context
    return withDetails(record, { node, thread, attempt })
  }
}

/** Runs by what they ended with, until that is packed. */
const runs = new WeakMap<object, ItemsRun>()

/** Whether it is what a function over items ended with. */
export function isItemsResult(value: unknown): value is ItemsResult {
  return typeof value === 'object' && value !== null && runs.has(value)
}

/**
 * The same, where each result that cannot be passed is a failure of its item: it must not take the
 * others with it.
 */
export function withoutRefused(result: ItemsResult): ItemsResult {
  return runs.get(result)?.withoutRefused() ?? result
}

function isThenable(value: unknown): value is PromiseLike<unknown> {
  if (typeof value !== 'object' && typeof value !== 'function') return false
  return value !== null && typeof (value as { then?: unknown }).then === 'function'
}
