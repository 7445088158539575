/** What this node has room for, measured at its threads. */
import type { Clock } from '../clock.ts'
import { windowMax } from '../limits.ts'
import { initialRoom, measureRoom, type RoomState } from '../protocol/room.ts'
import type { ThreadExecutor } from './thread-executor.ts'

export class NodeRoom {
  readonly threads: number
  readonly #clock: Clock
  readonly #executor: ThreadExecutor
  readonly #state: RoomState
  /** Whether somebody has sent all that he was allowed. */
  exhausted = false

  constructor(clock: Clock, executor: ThreadExecutor, threads: number) {
    this.#clock = clock
    this.#executor = executor
    this.threads = Math.max(1, threads)
    this.#state = initialRoom(this.threads, this.threads * windowMax)
  }

  /** Routines that this node has. */
  get routines(): number {
    return this.#executor.routines
  }

  /** Threads that would begin a routine at once. */
  get idle(): number {
    const { waiting, running } = this.#executor.counts
    return Math.max(0, this.threads - running - waiting)
  }

  /** How many more it takes now. */
  measure(): number {
    const { waiting, running, taken } = this.#executor.counts
    const { exhausted } = this
    this.exhausted = false
    const begun = taken - waiting
    return measureRoom(this.#state, {
      nowMs: this.#clock.now(),
      begun,
      waiting,
      running,
      exhausted,
    })
  }
}
