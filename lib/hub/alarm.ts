/**
 * One timer for a machine that says when it wants to be woken next. It never rings too soon: a
 * machine that is woken before its time sees that nothing is due, and asks for nothing else.
 */
import { type Clock, realClock, type Timer } from '../clock.ts'

export class Alarm {
  readonly #clock: Clock
  readonly #ring: () => void
  #timer: Timer | undefined
  #at = Infinity

  constructor(ring: () => void, clock: Clock = realClock) {
    this.#clock = clock
    this.#ring = ring
  }

  /** @param at as of the clock's `now()`; a later call takes its place */
  set(at: number): void {
    this.#at = at
    this.#clock.clearTimer(this.#timer)
    const delayMs = Math.max(0, Math.ceil(at - this.#clock.now()))
    this.#timer = this.#clock.setTimer(delayMs, this.#look, true)
  }

  /** Timers count whole milliseconds, from the last turn of the event loop: they may be early. */
  readonly #look = (): void => {
    if (this.#clock.now() < this.#at) this.set(this.#at)
    else this.#ring()
  }

  clear(): void {
    this.#clock.clearTimer(this.#timer)
  }
}
