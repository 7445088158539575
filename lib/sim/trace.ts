/** What happened in a simulation, in its order: equal for equal seeds. */
import { createHash } from 'node:crypto'

export interface TraceEntry {
  /** True time, in milliseconds. */
  readonly time: number
  /** Name of the machine. */
  readonly at: string
  readonly what: string
}

export class Trace {
  readonly #entries: TraceEntry[] = []
  readonly #hash = createHash('sha256')
  readonly #kept: number
  #count = 0

  /** @param kept so many of the last entries stay readable; the hash counts them all */
  constructor(kept: number) {
    this.#kept = kept
  }

  add(time: number, at: string, what: string): void {
    this.#count++
    this.#hash.update(`${time.toFixed(6)} ${at} ${what}\n`)
    this.#entries.push({ time, at, what })
    if (this.#entries.length >= 2 * this.#kept) this.#entries.splice(0, this.#kept)
  }

  get count(): number {
    return this.#count
  }

  get entries(): readonly TraceEntry[] {
    return this.#entries
  }

  hash(): string {
    return this.#hash.copy().digest('hex')
  }
}
