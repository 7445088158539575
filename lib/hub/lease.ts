/** Tells the threads of this node until when they may read by themselves. */
import type { Clock } from '../clock.ts'
import { leaseWordOf } from '../wire/lease-word.ts'
import { wordLease } from '../wire/shared-words.ts'

export class Lease {
  readonly #words: Int32Array
  readonly #clock: Clock
  #endAt: number

  /** Only nodes can be taken for lost: the spawner, of place 0, says so itself. */
  constructor(words: Int32Array, clock: Clock, place: number) {
    this.#words = words
    this.#clock = clock
    this.#endAt = place === 0 ? Infinity : -Infinity
    Atomics.store(words, wordLease, leaseWordOf(this.#endAt))
  }

  /** @param endAt by the clock's `now()`; less than that: it is over */
  set(endAt: number): void {
    if (endAt === this.#endAt) return
    this.#endAt = endAt
    // The shared clock first: what passes between the two only shortens the lease.
    const shared = this.#clock.shared()
    const leftMs = endAt - this.#clock.now()
    Atomics.store(this.#words, wordLease, leaseWordOf(leftMs > 0 ? shared + leftMs : -Infinity))
  }
}
