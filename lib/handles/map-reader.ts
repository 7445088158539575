/** Reads the results of a `map` one by one. */
import type { MapPart } from './map-results.ts'
import type { MapRun } from './map-run.ts'

interface Taker<R> {
  resolve(result: IteratorResult<R, undefined>): void
  reject(error: unknown): void
}

const done: IteratorResult<never, undefined> = Object.freeze({ done: true, value: undefined })

export class MapReader<R> implements AsyncIterableIterator<R, undefined, undefined> {
  readonly #run: MapRun | undefined
  #part: MapPart | undefined
  #at = 0
  /** A part was read, and its run has not heard of it. */
  #hasRoom = false
  readonly #takers: Taker<R>[] = []
  #outcome: { readonly error?: unknown } | undefined
  #isLeft = false
  readonly #whenEnded: (() => void)[] = []

  constructor(run: MapRun | undefined) {
    this.#run = run
    if (run !== undefined) run.isRead = true
  }

  next(): Promise<IteratorResult<R, undefined>> {
    const value = this.#takers.length === 0 ? this.#take() : undefined
    this.#tellRoom()
    if (value !== undefined) return Promise.resolve(value)
    return new Promise((resolve, reject) => {
      const taker = { resolve, reject }
      if (this.#isLeft) resolve(done)
      else if (this.#outcome !== undefined) this.#settle(taker)
      else this.#takers.push(taker)
    })
  }

  /** The next result, if there is one; those of items that failed are passed over. */
  #take(): IteratorResult<R, undefined> | undefined {
    if (this.#isLeft) return undefined
    for (;;) {
      const part = this.#part
      if (part === undefined) return undefined
      while (this.#at < part.results.length) {
        const at = this.#at++
        if (this.#at === part.results.length) this.#nextPart()
        if (!part.failed.has(at)) return { done: false, value: part.results[at] as R }
        if (this.#part !== part) break
      }
      if (this.#part === part) this.#nextPart()
    }
  }

  #nextPart(): void {
    this.#at = 0
    this.#part = this.#run?.results.shift()
    this.#hasRoom = true
  }

  /** Told when all is handed out that can be: it may be the end of the run. */
  #tellRoom(): void {
    if (!this.#hasRoom) return
    this.#hasRoom = false
    this.#run?.ready()
  }

  /** The first reader after the last result learns how it ended; later ones that it has. */
  #settle(taker: Taker<R>): void {
    const outcome = this.#outcome
    this.#outcome = {}
    if (outcome !== undefined && 'error' in outcome && !this.#isLeft) taker.reject(outcome.error)
    else taker.resolve(done)
  }

  arrived(): void {
    if (this.#part === undefined) this.#nextPart()
    while (this.#takers.length > 0) {
      const value = this.#take()
      if (value === undefined) break
      this.#takers.shift()?.resolve(value)
    }
    this.#tellRoom()
  }

  ended(outcome: { readonly error?: unknown }): void {
    this.arrived()
    this.#outcome = outcome
    for (const taker of this.#takers.splice(0)) this.#settle(taker)
    for (const act of this.#whenEnded.splice(0)) act()
  }

  /** Cancels what runs; resolves when it has stopped. */
  async return(): Promise<IteratorResult<R, undefined>> {
    this.#isLeft = true
    this.#part = undefined
    this.#run?.results.clear()
    for (const taker of this.#takers.splice(0)) taker.resolve(done)
    if (this.#outcome !== undefined) return done
    const ended = new Promise<void>((resolve) => this.#whenEnded.push(resolve))
    this.#run?.cancel('nobody reads its results any more')
    await ended
    return done
  }

  async throw(error?: unknown): Promise<IteratorResult<R, undefined>> {
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
