/**
 * Says whether threads may look at a word for a while before they sleep. That gains only while the
 * threads that talk really run at the same time. On a busy machine two of them share a core, and
 * each look keeps the other from doing what is looked for; then the process uses no more than one
 * core's time although its hub does nothing but look. That is measured here, and looking is off for
 * a while.
 */
import process from 'node:process'
import type { SpinWatch } from '../client/spin-watch.ts'
import { spinMutedMsMax, spinMutedMsMin } from '../limits.ts'
import { wordSpin } from '../wire/shared-words.ts'

/** How long a measurement lasts; one that took much longer was mostly sleep, and says nothing. */
const periodMs = 10
const periodMsMax = 40
/** Below this part of the time spent looking, looking does no harm. */
const spunShareMin = 0.2
/** Cores' worth of time the process uses at least where its threads do run at the same time. */
const coresMin = 1.1

/** Looks whether the bell rings before the hub sleeps. */
export interface BellWatch {
  /** True if the word is no longer `seen`. */
  watch(seen: number, now: number): boolean
}

export class SpinGovernor implements BellWatch {
  readonly #watch: SpinWatch
  readonly #hubWords: Int32Array
  #since = performance.now()
  #cpuMs = cpuMs()
  #spunMs = 0
  #mutedUntil = 0
  #mutedMs = spinMutedMsMin

  constructor(watch: SpinWatch, hubWords: Int32Array) {
    this.#watch = watch
    this.#hubWords = hubWords
    Atomics.store(hubWords, wordSpin, 1)
  }

  /** Looks whether the word changes from `seen`, if it may; true if it has changed. */
  watch(seen: number, now: number): boolean {
    if (now < this.#mutedUntil) return false
    if (this.#mutedUntil !== 0) this.#unmute(now)
    const changed = this.#watch.watch(seen)
    const then = performance.now()
    this.#spunMs += then - now
    if (then - this.#since > periodMs) this.#judge(then)
    return changed
  }

  #unmute(now: number): void {
    this.#mutedUntil = 0
    Atomics.store(this.#hubWords, wordSpin, 1)
    this.#begin(now, cpuMs())
  }

  #begin(now: number, cpu: number): void {
    this.#since = now
    this.#cpuMs = cpu
    this.#spunMs = 0
  }

  #judge(now: number): void {
    const tookMs = now - this.#since
    const cpu = cpuMs()
    const spunShare = this.#spunMs / tookMs
    const cores = (cpu - this.#cpuMs) / tookMs
    this.#begin(now, cpu)
    if (tookMs > periodMsMax || spunShare < spunShareMin) return
    if (cores >= coresMin) {
      this.#mutedMs = spinMutedMsMin
      return
    }
    this.#mutedUntil = now + this.#mutedMs
    this.#mutedMs = Math.min(this.#mutedMs * 2, spinMutedMsMax)
    Atomics.store(this.#hubWords, wordSpin, 0)
  }
}

function cpuMs(): number {
  const { user, system } = process.cpuUsage()
  return (user + system) / 1000
}
