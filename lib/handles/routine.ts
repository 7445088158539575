/**
 * `goaway(fn, ...args)`: one call of a function on another thread, and what its caller holds of it.
 */
import { checkOptions, defaultTerms, type RoutineOptions, termsOf } from './routine-options.ts'
import {
  type Order,
  type RoutineControl,
  RoutineState,
  type RoutineStatus,
} from './routine-state.ts'
import { RoutineStream } from './stream.ts'

/** Any function that can be a routine. */
// biome-ignore lint/suspicious/noExplicitAny: parameters of any function, inferred at each call
export type AnyFunction = (...args: any[]) => unknown

/** What `goaway(fn)` gives: a stream for a generator function, else a promise of the result. */
export type Started<F extends AnyFunction> = [ReturnType<F>] extends [never]
  ? Routine<never>
  : ReturnType<F> extends
        | Generator<infer V, unknown, unknown>
        | AsyncGenerator<infer V, unknown, unknown>
    ? RoutineStream<V>
    : Routine<Awaited<ReturnType<F>>>

const plain: Order = { options: {}, terms: defaultTerms }

/** A promise of a routine's result. */
export class Routine<R> extends Promise<R> implements RoutineControl {
  readonly #state: RoutineState

  // What `then` returns is a plain promise.
  static override get [Symbol.species](): PromiseConstructor {
    return Promise
  }

  constructor(fn: unknown, args: readonly unknown[], order: Order) {
    let state!: RoutineState
    super((resolve, reject) => {
      const { name, graceMs } = order.terms
      const settle = resolve as (value: unknown) => void
      state = new RoutineState(name || functionName(fn), graceMs, settle, reject)
    })
    this.#state = state
    state.begin(fn, args, order)
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
}

function functionName(fn: unknown): string {
  return typeof fn === 'function' && fn.name !== '' ? fn.name : 'anonymous'
}

function start(fn: unknown, args: readonly unknown[], order: Order): unknown {
  return isGeneratorFunction(fn) ? new RoutineStream(fn, args, order) : new Routine(fn, args, order)
}

function isGeneratorFunction(fn: unknown): boolean {
  if (typeof fn !== 'function') return false
  const tag: unknown = Reflect.get(fn, Symbol.toStringTag)
  return tag === 'GeneratorFunction' || tag === 'AsyncGeneratorFunction'
}

/** The type of {@link goaway}. */
export interface Goaway {
  <F extends AnyFunction>(fn: F, ...args: Parameters<F>): Started<F>
  /** The same with options; what it returns can be called many times. */
  with(
    options: RoutineOptions,
  ): <F extends AnyFunction>(fn: F, ...args: Parameters<F>) => Started<F>
}

/**
 * Runs an exported function on a thread of this machine.
 *
 * @returns a promise of its result; for a generator function an async iterable of its values
 * @throws {GoawayError} ERR_GOAWAY_NOT_SPAWNER at once. It rejects, and nothing is queued, when the
 *   function cannot be found (ERR_GOAWAY_FUNCTION_*) or an argument cannot be passed
 *   (ERR_GOAWAY_VALUE)
 */
export const goaway: Goaway = Object.assign(
  <F extends AnyFunction>(fn: F, ...args: Parameters<F>): Started<F> =>
    start(fn, args, plain) as Started<F>,
  {
    with(options: RoutineOptions) {
      const order: Order = { options: checkOptions(options), terms: termsOf(options) }
      return <F extends AnyFunction>(fn: F, ...args: Parameters<F>): Started<F> =>
        start(fn, args, order) as Started<F>
    },
  },
)
