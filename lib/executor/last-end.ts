/** Waits until an executor has nothing left, or for so long. */
import type { Clock } from '../clock.ts'

export class LastEnd {
  readonly #clock: Clock
  readonly #isEmpty: () => boolean
  #resolve: (() => void) | undefined

  constructor(clock: Clock, isEmpty: () => boolean) {
    this.#clock = clock
    this.#isEmpty = isEmpty
  }

  wait(limitMs: number): Promise<void> {
    if (this.#isEmpty()) return Promise.resolve()
    return new Promise((resolve) => {
      const timer = this.#clock.setTimer(limitMs, resolve)
      this.#resolve = () => {
        this.#clock.clearTimer(timer)
        resolve()
      }
    })
  }

  /** Something ended. */
  look(): void {
    if (this.#resolve !== undefined && this.#isEmpty()) this.#resolve()
  }
}
