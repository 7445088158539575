/**
 * Tells callers that their routines run, once they have run for a while: most end before, and cost
 * no message.
 */
import type { Timer } from '../clock.ts'
import type { RunningRoutine } from './running-routine.ts'
import type { ThreadTeam } from './thread-team.ts'
import type { TimerSet } from './timer-set.ts'

const announceAfterMs = 20

export interface AnnouncerOptions {
  readonly records: ReadonlyMap<number, RunningRoutine>
  readonly timers: TimerSet
  readonly team: () => ThreadTeam
  readonly tell: (record: RunningRoutine) => void
  readonly turn: () => void
}

export class Announcer {
  readonly #options: AnnouncerOptions
  #timer: Timer | undefined

  constructor(options: AnnouncerOptions) {
    this.#options = options
  }

  announce(record: RunningRoutine): void {
    if (record.announced) return
    record.announced = true
    this.#options.tell(record)
  }

  /** Something was assigned. */
  later(): void {
    const { timers } = this.#options
    this.#timer ??= timers.start(announceAfterMs, () => this.#announceAll())
  }

  #announceAll(): void {
    this.#timer = undefined
    const { records, team, turn } = this.#options
    for (const thread of team().values()) {
      for (const routine of thread.seated()) {
        const record = records.get(routine)
        if (record === undefined || record.announced) continue
        // The claim of one that has begun is gone; putting it back for a moment would be a race.
        if (thread.words.isClaimed(record.slot, record.ticket)) this.announce(record)
        else this.later()
      }
    }
    turn()
  }
}
