/** One timer for a machine that says when it wants to be woken next. */
export class Alarm {
  readonly #ring: () => void
  #timer: NodeJS.Timeout | undefined

  constructor(ring: () => void) {
    this.#ring = ring
  }

  /** @param at as of `performance.now()`; a later call takes its place */
  set(at: number): void {
    clearTimeout(this.#timer)
    this.#timer = setTimeout(this.#ring, Math.max(0, at - performance.now()))
  }

  clear(): void {
    clearTimeout(this.#timer)
  }
}
