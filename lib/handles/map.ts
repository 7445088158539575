/** `map(fn, items)`: a function over many items, in chunks, on all threads there are. */

import { currentNode } from '../client/current.ts'
import { overItems } from '../client/function-address.ts'
import { locate } from '../client/locate.ts'
import { GoawayError, isGoawayError } from '../errors.ts'
import { checkMapped, type MapOptions, settingsOf } from './map-options.ts'
import { MapReader } from './map-reader.ts'
import { type MapListener, MapRun, type MapTask } from './map-run.ts'

/**
 * What `map` returns: a promise of all results, or their async iterable; the one or the other. It
 * is under way already. Until it is iterated it gathers.
 */
export class Mapping<R> extends Promise<R[]> implements AsyncIterable<R>, MapListener {
  readonly #resolve: (results: R[]) => void
  readonly #reject: (error: unknown) => void
  #run: MapRun | undefined
  #reader: MapReader<R> | undefined
  #isAwaited = false
  #outcome: { readonly error?: unknown } | undefined

  // What `then` returns is a plain promise.
  static override get [Symbol.species](): PromiseConstructor {
    return Promise
  }

  /** @param begin gives what is to be done, or throws what it rejects with */
  constructor(begin: () => MapTask) {
    let resolve!: (results: R[]) => void
    let reject!: (error: unknown) => void
    super((...settle) => {
      resolve = settle[0] as never
      reject = settle[1]
    })
    this.#resolve = resolve
    this.#reject = reject
    try {
      this.#run = new MapRun(begin(), this)
    } catch (error) {
      // Nobody may ever await it; only a throw stops a module that forgot `if (isSpawner)`.
      if (isGoawayError(error, 'ERR_GOAWAY_NOT_SPAWNER')) throw error
      this.ended({ error })
    }
    this.#run?.start()
  }

  /**
   * Stops drawing items and cancels what runs. It rejects with ERR_GOAWAY_CANCELLED when that has
   * stopped. Does nothing when it is over.
   */
  cancel(reason?: unknown): void {
    this.#run?.cancel(reason)
  }

  // biome-ignore lint/suspicious/noThenProperty: a promise, which has to know that it is awaited
  override then<A = R[], B = never>(
    onResolved?: ((results: R[]) => A | PromiseLike<A>) | null,
    onRejected?: ((reason: unknown) => B | PromiseLike<B>) | null,
  ): Promise<A | B> {
    this.#isAwaited = true
    return super.then(onResolved, onRejected)
  }

  /**
   * Reads the results one by one. From now on no more are made than there is room for.
   *
   * @throws {GoawayError} ERR_GOAWAY_UNSUPPORTED if it is awaited already
   */
  [Symbol.asyncIterator](): AsyncIterableIterator<R, undefined, undefined> {
    if (this.#reader !== undefined) return this.#reader
    if (this.#isAwaited) {
      const text = 'Cannot iterate over this map(): it is awaited already; call map() once more'
      throw new GoawayError('ERR_GOAWAY_UNSUPPORTED', text)
    }
    const text = 'Cannot await this map(): its results are iterated over, and not kept'
    const unsupported = new GoawayError('ERR_GOAWAY_UNSUPPORTED', text)
    // Who iterates is told of errors by the loop.
    super.then(undefined, () => {})
    this.#reject(unsupported)
    this.#reader = new MapReader(this.#run)
    if (this.#outcome !== undefined) this.#reader.ended(this.#outcome)
    return this.#reader
  }

  /** @internal */
  arrived(): void {
    this.#reader?.arrived()
  }

  /** @internal */
  ended(outcome: { readonly error: unknown } | undefined): void {
    this.#outcome = outcome ?? {}
    if (this.#reader !== undefined) this.#reader.ended(this.#outcome)
    else if (outcome !== undefined) this.#reject(outcome.error)
    else this.#resolve((this.#run as MapRun).results.all() as R[])
  }
}

/**
 * Runs an exported function for each item, in chunks, on all threads there are.
 *
 * @param fn called with an item and its index
 * @param items any iterable or async iterable; an infinite one if the results are iterated over
 * @returns a promise of the results, and an async iterable of them
 * @throws {TypeError} for wrong arguments, naming what was received
 * @throws {GoawayError} ERR_GOAWAY_NOT_SPAWNER at once. It rejects with the first error of an item,
 *   which has its `index`; with `onError: 'collect'` with ERR_GOAWAY_ITEMS; cancelled, with
 *   ERR_GOAWAY_CANCELLED
 *
 * @example
 * const sizes = await map(sizeOf, files)
 *
 * for await (const page of map(render, pages, { order: 'completion' })) write(page)
 */
export function map<T, R>(
  fn: (item: T, index: number) => R,
  items: Iterable<T> | AsyncIterable<T>,
  options: MapOptions = {},
): Mapping<Awaited<R>> {
  checkMapped(fn, items)
  const settings = settingsOf(options)
  return new Mapping(() => {
    const node = currentNode('call map()')
    const address = node.locate === undefined ? locate(fn) : node.locate(fn)
    const name = settings.terms.name || fn.name || 'anonymous'
    return { node, address: overItems(address), name, items, settings }
  })
}
