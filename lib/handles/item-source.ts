/**
 * Where a `map` draws its items from. It draws when there is room for a chunk and not before: an
 * infinite iterable is drawn from as fast as its items are worked on.
 */
import { mapChunkBytesMax, mapChunkMs, mapFillMs } from '../limits.ts'

/** What a source tells its map, in its own time. */
export interface SourceListener {
  /** It has a chunk, or has ended. */
  ready(): void
  failed(error: unknown): void
}

export interface ItemSource {
  /** How many items it has and had, if that is known. */
  readonly total: number | undefined
  /** Nothing more will come. */
  readonly ended: boolean
  /** The next items, so many at most; none if none are there yet: `ready` tells of them. */
  draw(most: number): unknown[]
  /** No more are wanted. Resolves when it has cleaned up, or cannot be waited for. */
  close(): Promise<void> | undefined
}

/** @throws what the iterable throws when it is asked for its iterator */
export function sourceOf(items: unknown, listener: SourceListener): ItemSource {
  if (Array.isArray(items)) return new ListSource(items)
  const iterable = items as Partial<AsyncIterable<unknown> & Iterable<unknown>>
  if (typeof iterable[Symbol.asyncIterator] === 'function') {
    return new AsyncSource((iterable as AsyncIterable<unknown>)[Symbol.asyncIterator](), listener)
  }
  const iterator = (iterable as Iterable<unknown>)[Symbol.iterator]()
  return new SyncSource(iterator, sizeOf(items))
}

function sizeOf(items: unknown): number | undefined {
  if (items instanceof Set || items instanceof Map) return items.size
  if (ArrayBuffer.isView(items)) return (items as Uint8Array).length
  return undefined
}

/** Ends the chunk before it is too large for one message. */
class Portion {
  readonly items: unknown[] = []
  #bytes = 0

  add(item: unknown): void {
    this.items.push(item)
    this.#bytes += roughBytes(item, true)
  }

  isFull(most: number): boolean {
    return this.items.length >= most || this.#bytes >= mapChunkBytesMax
  }
}

/** By far not exact, and cheap: a list of large things must not become one message. */
function roughBytes(value: unknown, looksInside: boolean): number {
  if (typeof value === 'string') return value.length
  if (typeof value !== 'object' || value === null) return 8
  if (ArrayBuffer.isView(value) || value instanceof ArrayBuffer) return value.byteLength
  if (!looksInside) return 64
  if (Array.isArray(value) && typeof value[0] === 'number') return value.length * 8
  let bytes = 16
  for (const key in value) bytes += 16 + roughBytes(Reflect.get(value, key), false)
  return bytes
}

class ListSource implements ItemSource {
  readonly #list: readonly unknown[]
  #at = 0
  #closed = false

  constructor(list: readonly unknown[]) {
    this.#list = list
  }

  get total(): number {
    return this.#list.length
  }

  get ended(): boolean {
    return this.#closed || this.#at >= this.#list.length
  }

  draw(most: number): unknown[] {
    const portion = new Portion()
    while (!this.ended && !portion.isFull(most)) portion.add(this.#list[this.#at++])
    return portion.items
  }

  close(): undefined {
    this.#closed = true
  }
}

/** How many items are drawn between two looks at the clock. */
const lookEvery = 16

class SyncSource implements ItemSource {
  readonly total: number | undefined
  ended = false
  readonly #iterator: Iterator<unknown>

  constructor(iterator: Iterator<unknown>, total: number | undefined) {
    this.#iterator = iterator
    this.total = total
  }

  draw(most: number): unknown[] {
    const portion = new Portion()
    const until = performance.now() + mapChunkMs
    while (!this.ended && !portion.isFull(most)) {
      // What draws slowly would hold up the thread, and the threads that wait for items.
      const { length } = portion.items
      if (length % lookEvery === lookEvery - 1 && performance.now() > until) break
      let next: IteratorResult<unknown>
      try {
        next = this.#iterator.next()
      } catch (error) {
        this.ended = true
        throw error
      }
      if (next.done === true) this.ended = true
      else portion.add(next.value)
    }
    return portion.items
  }

  close(): undefined {
    if (this.ended) return
    this.ended = true
    try {
      this.#iterator.return?.()
    } catch {
      // The map ends with the error that it ends with.
    }
  }
}

class AsyncSource implements ItemSource {
  readonly total = undefined
  readonly #iterator: AsyncIterator<unknown>
  readonly #listener: SourceListener
  #portion = new Portion()
  /** How many were asked for and are not there; 0: nobody asks. */
  #wanted = 0
  #isPulling = false
  #isExhausted = false
  /** What is there is to go although it is no full chunk. */
  #isDue = false
  #timer: NodeJS.Timeout | undefined

  constructor(iterator: AsyncIterator<unknown>, listener: SourceListener) {
    this.#iterator = iterator
    this.#listener = listener
  }

  get ended(): boolean {
    return this.#isExhausted && this.#portion.items.length === 0
  }

  draw(most: number): unknown[] {
    const { items } = this.#portion
    if (this.#portion.isFull(most) || this.#isExhausted || this.#isDue) {
      clearTimeout(this.#timer)
      this.#timer = undefined
      this.#isDue = false
      this.#wanted = 0
      this.#portion = new Portion()
      return items
    }
    this.#wanted = most
    this.#pull()
    return []
  }

  #pull(): void {
    if (this.#isPulling || this.#isExhausted) return
    this.#isPulling = true
    let next: Promise<IteratorResult<unknown>>
    try {
      next = Promise.resolve(this.#iterator.next())
    } catch (error) {
      return this.#fail(error)
    }
    next.then(
      (result) => this.#take(result),
      (error: unknown) => this.#fail(error),
    )
  }

  #take(result: IteratorResult<unknown>): void {
    this.#isPulling = false
    if (this.#isExhausted) return
    if (result.done === true) this.#exhaust()
    else this.#portion.add(result.value)
    if (this.#wanted === 0) return
    if (this.#isExhausted || this.#portion.isFull(this.#wanted)) return this.#listener.ready()
    this.#timer ??= setTimeout(() => {
      this.#timer = undefined
      this.#isDue = true
      this.#listener.ready()
    }, mapFillMs)
    this.#pull()
  }

  #exhaust(): void {
    this.#isExhausted = true
    clearTimeout(this.#timer)
  }

  #fail(error: unknown): void {
    this.#isPulling = false
    if (this.#isExhausted) return
    this.#exhaust()
    this.#listener.failed(error)
  }

  close(): Promise<void> | undefined {
    if (this.#isExhausted) return undefined
    this.#exhaust()
    this.#portion = new Portion()
    let cleaned: Promise<unknown> | undefined
    try {
      cleaned = this.#iterator.return?.()
    } catch {
      return undefined
    }
    const settled = Promise.resolve(cleaned).then(
      () => {},
      () => {},
    )
    // A generator that waits for its next item cleans up when that has come, which may be never.
    return this.#isPulling ? undefined : settled
  }
}
