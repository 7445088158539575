/** Timers that can be cleared all at once, so that none outlives its executor. */
import type { Clock, Timer } from '../clock.ts'

export class TimerSet {
  readonly #clock: Clock
  readonly #timers = new Set<Timer>()

  constructor(clock: Clock) {
    this.#clock = clock
  }

  start(delayMs: number, act: () => void): Timer {
    return this.#start(delayMs, act, false)
  }

  /** A timer of which nothing comes that anybody waits for. */
  startUpkeep(delayMs: number, act: () => void): Timer {
    return this.#start(delayMs, act, true)
  }

  #start(delayMs: number, act: () => void, isUpkeep: boolean): Timer {
    const fire = (): void => {
      this.#timers.delete(timer)
      act()
    }
    const timer = this.#clock.setTimer(delayMs, fire, isUpkeep)
    this.#timers.add(timer)
    return timer
  }

  clear(timer: Timer | undefined): void {
    if (timer === undefined) return
    this.#clock.clearTimer(timer)
    this.#timers.delete(timer)
  }

  clearAll(): void {
    for (const timer of this.#timers) this.#clock.clearTimer(timer)
    this.#timers.clear()
  }
}
