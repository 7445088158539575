/**
 * Results of a `map` on their way from the chunks to whoever reads them: put in order, gathered for
 * an array, or handed out one by one.
 */

/** What came of a chunk. */
export interface MapPart {
  /** `undefined` in the place of an item that failed. */
  readonly results: readonly unknown[]
  /** Places of items that failed. */
  readonly failed: ReadonlySet<number>
}

export class MapResults {
  readonly #isOrdered: boolean
  /** Chunks that are over, whose turn has not come. */
  readonly #early = new Map<number, MapPart>()
  /** In the order in which they are to be read. */
  #ready: MapPart[] = []
  #next = 0

  constructor(order: 'input' | 'completion') {
    this.#isOrdered = order === 'input'
  }

  /** Chunks that are over and were not read. */
  get chunks(): number {
    return this.#early.size + this.#ready.length
  }

  /** The chunk of that number, counted from 0, is over. */
  put(number: number, part: MapPart): void {
    if (!this.#isOrdered) {
      this.#ready.push(part)
      return
    }
    this.#early.set(number, part)
    for (;;) {
      const next = this.#early.get(this.#next)
      if (next === undefined) return
      this.#early.delete(this.#next++)
      this.#ready.push(next)
    }
  }

  /** The next part, to be read one by one. */
  shift(): MapPart | undefined {
    return this.#ready.shift()
  }

  /** All that was not read, once every chunk is over. */
  all(): unknown[] {
    return this.#ready.flatMap(({ results }) => results)
  }

  clear(): void {
    this.#early.clear()
    this.#ready = []
  }
}
