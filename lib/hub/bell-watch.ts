/**
 * Waking a thread costs some 10 to 50 µs; a look at the bell a few nanoseconds. So the hub looks
 * for a while before it sleeps, as long as that pays off: a look in vain halves the time of the
 * next, one that was rung doubles it, and once the time is short it is only tried now and then.
 */
import { bellWatchMicrosMax } from '../limits.ts'
import { wordBell } from '../wire/shared-words.ts'

const microsMin = 5
const retryEvery = 16
/** Loads between two looks at the clock, which costs as much as some fifty. */
const loads = 100

export class BellWatch {
  readonly #words: Int32Array
  #micros = bellWatchMicrosMax
  #skipped = 0

  constructor(words: Int32Array) {
    this.#words = words
  }

  /** Looks at the bell until it is no longer at `seen`, or long enough; true if it was rung. */
  watch(seen: number): boolean {
    if (this.#micros < microsMin) {
      if (++this.#skipped < retryEvery) return Atomics.load(this.#words, wordBell) !== seen
      this.#skipped = 0
      this.#micros = bellWatchMicrosMax / 2
    }
    const until = performance.now() + this.#micros / 1000
    do {
      for (let load = 0; load < loads; load++) {
        if (Atomics.load(this.#words, wordBell) === seen) continue
        this.#micros = Math.min(this.#micros * 2, bellWatchMicrosMax)
        return true
      }
    } while (performance.now() < until)
    this.#micros /= 2
    return false
  }
}
