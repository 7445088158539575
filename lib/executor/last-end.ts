/** Waits until an executor has nothing left, or for so long. */
export class LastEnd {
  readonly #isEmpty: () => boolean
  #resolve: (() => void) | undefined

  constructor(isEmpty: () => boolean) {
    this.#isEmpty = isEmpty
  }

  wait(limitMs: number): Promise<void> {
    if (this.#isEmpty()) return Promise.resolve()
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, limitMs)
      this.#resolve = () => {
        clearTimeout(timer)
        resolve()
      }
    })
  }

  /** Something ended. */
  look(): void {
    if (this.#resolve !== undefined && this.#isEmpty()) this.#resolve()
  }
}
