/**
 * Waking a thread costs some 10 to 50 µs; a look at the bell a few nanoseconds. So the hub looks for a
 * while before it sleeps, as long as that has paid off: each look in vain halves the next, each one
 * that was rung doubles it, and from time to time a short one tries again.
 */
import { hubSpins } from '../limits.ts'
import { wordBell } from '../wire/shared-words.ts'

const spinsMin = 500
const retryEvery = 32

export class BellWatch {
  readonly #words: Int32Array
  #spins = hubSpins
  #skipped = 0

  constructor(words: Int32Array) {
    this.#words = words
  }

  /** Looks at the bell until it is no longer at `seen`, or long enough; true if it was rung. */
  watch(seen: number): boolean {
    if (this.#spins < spinsMin) {
      if (++this.#skipped < retryEvery) return Atomics.load(this.#words, wordBell) !== seen
      this.#skipped = 0
      this.#spins = spinsMin
    }
    for (let spin = 0; spin < this.#spins; spin++) {
      if (Atomics.load(this.#words, wordBell) !== seen) {
        this.#spins = Math.min(this.#spins * 2, hubSpins)
        return true
      }
    }
    this.#spins >>= 1
    return false
  }
}
