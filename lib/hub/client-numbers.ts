/** Numbers for the threads of one node. */
import { clientsPerNode } from '../limits.ts'

export class ClientNumbers {
  readonly #first: number
  readonly #isInUse: (client: number) => boolean
  #given = 0

  constructor(first: number, isInUse: (client: number) => boolean) {
    this.#first = first
    this.#isInUse = isInUse
  }

  /** They begin anew at the end; one that is in use is passed over. */
  next(): number {
    for (;;) {
      const client = this.#first + (this.#given++ % clientsPerNode)
      if (!this.#isInUse(client)) return client
    }
  }
}
