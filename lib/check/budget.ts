/** How much work a check may take before it says that it does not know. */

export interface BudgetOptions {
  /** Steps of all searches together. */
  readonly stepsMax: number
  /** Milliseconds from the start; Infinity by default. */
  readonly timeMsMax: number
  /** Called now and then, with the steps so far. */
  readonly onProgress?: ((steps: number) => void) | undefined
  readonly now: () => number
}

/** Steps between two looks at the clock. */
const lookSteps = 4096

export class Budget {
  readonly #options: BudgetOptions
  readonly #end: number
  #steps = 0
  #isSpent = false

  constructor(options: BudgetOptions) {
    this.#options = options
    this.#end = options.now() + options.timeMsMax
  }

  get isSpent(): boolean {
    return this.#isSpent
  }

  get steps(): number {
    return this.#steps
  }

  /** Takes some steps; false if there are none left. */
  spend(steps = 1): boolean {
    const before = this.#steps
    this.#steps += steps
    if (this.#steps > this.#options.stepsMax) this.#isSpent = true
    if (Math.floor(before / lookSteps) !== Math.floor(this.#steps / lookSteps)) this.#look()
    return !this.#isSpent
  }

  #look(): void {
    if (this.#options.now() > this.#end) this.#isSpent = true
    this.#options.onProgress?.(this.#steps)
  }

  /** A share of its own, within the same time. */
  share(stepsMax: number): Budget {
    const timeMsMax = Math.max(0, this.#end - this.#options.now())
    return new Budget({ ...this.#options, stepsMax, timeMsMax })
  }
}
