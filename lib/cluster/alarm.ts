/**
 * One timer for a machine that says when it wants to be woken next. It never rings too soon: a
 * machine that is woken before its time sees that nothing is due, and asks for nothing else.
 */
export class Alarm {
  readonly #ring: () => void
  #timer: NodeJS.Timeout | undefined
  #at = Infinity

  constructor(ring: () => void) {
    this.#ring = ring
  }

  /** @param at as of `performance.now()`; a later call takes its place */
  set(at: number): void {
    this.#at = at
    clearTimeout(this.#timer)
    this.#timer = setTimeout(this.#look, Math.max(0, Math.ceil(at - performance.now())))
  }

  /** Timers count whole milliseconds, from the last turn of the event loop: they may be early. */
  readonly #look = (): void => {
    if (performance.now() < this.#at) this.set(this.#at)
    else this.#ring()
  }

  clear(): void {
    clearTimeout(this.#timer)
  }
}
