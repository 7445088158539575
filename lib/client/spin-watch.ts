/**
 * Looks at a shared word for a while before its thread goes to sleep. Waking a thread on another
 * core costs 10 to 50 µs, a look some nanoseconds. It goes on as long as that pays off: a look in
 * vain halves the time of the next, one that saw a change doubles it, and once the time is short it
 * is only tried now and then. Both sides of a conversation have to look for either to gain.
 */
import { spinMicrosMax } from '../limits.ts'

const microsMin = 5
const retryEvery = 16
/** Loads between two looks at the clock, which costs as much as some fifty. */
const loads = 100

export class SpinWatch {
  readonly #words: Int32Array
  readonly #word: number
  #micros = spinMicrosMax
  #skipped = 0

  constructor(words: Int32Array, word: number) {
    this.#words = words
    this.#word = word
  }

  /** Looks until the word is no longer `seen`, or long enough; true if it has changed. */
  watch(seen: number): boolean {
    if (this.#micros < microsMin) {
      if (++this.#skipped < retryEvery) return Atomics.load(this.#words, this.#word) !== seen
      this.#skipped = 0
      this.#micros = spinMicrosMax / 2
    }
    const until = performance.now() + this.#micros / 1000
    do {
      for (let load = 0; load < loads; load++) {
        if (Atomics.load(this.#words, this.#word) === seen) continue
        this.#micros = Math.min(this.#micros * 2, spinMicrosMax)
        return true
      }
    } while (performance.now() < until)
    this.#micros /= 2
    return false
  }
}
