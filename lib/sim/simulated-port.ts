/** The port between a hub and one of its threads, over virtual time. */
import type { ThreadPort } from '../wire/messages.ts'
import type { Agenda, Owner } from './agenda.ts'

/** How it is between two threads of one process. */
export interface PortSpace {
  readonly agenda: Agenda
  readonly owner: Owner
  /** How long a message takes from thread to thread, in milliseconds. */
  delayMs(): number
}

export class SimulatedPort implements ThreadPort {
  readonly #space: PortSpace
  #other: SimulatedPort | undefined
  #listener: (message: unknown) => void = () => {}
  #lastAt = 0
  #isClosed = false

  /** Two ends. What is posted is handed over as it is: a frame's bytes are its own. */
  static pair(space: PortSpace): [SimulatedPort, SimulatedPort] {
    const [one, other] = [new SimulatedPort(space), new SimulatedPort(space)]
    one.#other = other
    other.#other = one
    return [one, other]
  }

  private constructor(space: PortSpace) {
    this.#space = space
  }

  on(_event: 'message', listener: (message: unknown) => void): void {
    this.#listener = listener
  }

  postMessage(message: unknown): void {
    const other = this.#other
    if (this.#isClosed || other === undefined) return
    const { agenda, owner } = this.#space
    this.#lastAt = Math.max(this.#lastAt, agenda.time + this.#space.delayMs())
    const deliver = (): void => {
      if (!other.#isClosed) other.#listener(message)
    }
    agenda.plan(this.#lastAt - agenda.time, deliver, { owner })
  }

  /** A message is there when it is told of, and never before. */
  receive(): undefined {}

  close(): void {
    this.#isClosed = true
    if (this.#other !== undefined) this.#other.#isClosed = true
  }
}
