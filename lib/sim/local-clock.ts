/** The clock of one process: it goes a little too fast or too slow, and began at some time. */
import type { Clock, Timer } from '../clock.ts'
import type { Agenda, Owner, Planned } from './agenda.ts'

/** What a clock on the wall shows at the beginning of every simulation: 1 January 2030. */
export const wallStartMs = Date.UTC(2030, 0, 1)

export class LocalClock implements Clock {
  readonly #agenda: Agenda
  readonly #owner: Owner | undefined
  #rate: number
  /** What it showed when its rate was set last, and the true time then. */
  #shown: number
  #since: number
  /** How far the clock on the wall was set. */
  #wallAheadMs = 0

  constructor(agenda: Agenda, owner: Owner | undefined, rate: number, startedAt: number) {
    this.#agenda = agenda
    this.#owner = owner
    this.#rate = rate
    this.#shown = startedAt
    this.#since = agenda.time
  }

  now(): number {
    return this.#shown + (this.#agenda.time - this.#since) * this.#rate
  }

  shared(): number {
    return this.now()
  }

  wallNow(): number {
    return wallStartMs + this.now() + this.#wallAheadMs
  }

  get rate(): number {
    return this.#rate
  }

  set rate(rate: number) {
    this.#shown = this.now()
    this.#since = this.#agenda.time
    this.#rate = rate
  }

  /** The clock on the wall is set; negative: back. */
  setWall(aheadMs: number): void {
    this.#wallAheadMs += aheadMs
  }

  setTimer(delayMs: number, act: () => void, isUpkeep?: boolean): Timer {
    return this.#agenda.plan(delayMs / this.#rate, act, { owner: this.#owner, isUpkeep })
  }

  /** Only a thread that is blocked looks at what is done again and again, and here none blocks. */
  every(): Timer {
    return {}
  }

  clearTimer(timer: Timer | undefined): void {
    if (timer !== undefined && 'order' in timer) this.#agenda.cancel(timer as Planned)
  }

  setImmediate(act: () => void): void {
    this.#agenda.plan(0, act, { owner: this.#owner })
  }
}
