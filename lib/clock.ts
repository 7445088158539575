/**
 * Time as the driver of a node sees it. It is handed in wherever the driver waits or measures, so
 * that the simulator (`lib/sim`) runs the same classes by a clock of its own.
 */
import process from 'node:process'

/** What {@link Clock.setTimer} returns: to be handed back, and nothing else. */
export type Timer = object

export interface Clock {
  /** Milliseconds since some moment; never goes back. */
  now(): number
  /** The same, since a moment that is one for all threads of the process. */
  shared(): number
  /** Milliseconds of the clock on the wall, which may be set. */
  wallNow(): number
  /**
   * @param isUpkeep nothing that anybody waits for comes of it: a simulation that has only such
   *   timers left has come to its end
   */
  setTimer(delayMs: number, act: () => void, isUpkeep?: boolean): Timer
  /** Again and again, until it is cleared. Upkeep. */
  every(periodMs: number, act: () => void): Timer
  clearTimer(timer: Timer | undefined): void
  /** Once this turn of the event loop is over. */
  setImmediate(act: () => void): void
}

export const realClock: Clock = {
  now: () => performance.now(),
  shared: () => {
    const [seconds, nanoseconds] = process.hrtime()
    return seconds * 1e3 + nanoseconds / 1e6
  },
  wallNow: () => Date.now(),
  setTimer: (delayMs, act) => setTimeout(act, delayMs),
  every: (periodMs, act) => setInterval(act, periodMs),
  // An interval is cleared in the same way.
  clearTimer: (timer) => clearTimeout(timer as NodeJS.Timeout | undefined),
  setImmediate: (act) => {
    setImmediate(act)
  },
}
