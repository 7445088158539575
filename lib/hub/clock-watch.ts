/**
 * Compares the two clocks of a process: the steady one stands still while a machine is suspended,
 * the one on the wall does not.
 *
 * The clocks are read one after the other, and a busy machine may hold up a thread in between. So
 * the steady one is read on both sides: how far the wall is ahead of it is known but for the time
 * between, and only what goes beyond that is a jump.
 */
import type { Clock } from '../clock.ts'

/** The clock on the wall comes in whole milliseconds, and is set right all the time. */
const clockNoiseMs = 5

/** How far the clock on the wall is ahead of the steady one, at least and at most. */
interface Ahead {
  readonly low: number
  readonly high: number
}

export class ClockWatch {
  readonly #clock: Clock
  #ahead: Ahead

  constructor(clock: Clock) {
    this.#clock = clock
    this.#ahead = readAhead(clock)
  }

  /** How much further the wall's has gone than the steady one, if that is beyond doubt; or 0. */
  jump(): number {
    const ahead = readAhead(this.#clock)
    const least = ahead.low - this.#ahead.high
    const most = ahead.high - this.#ahead.low
    const deltaMs = Math.max(least, 0) + Math.min(most, 0)
    if (Math.abs(deltaMs) > clockNoiseMs) {
      this.#ahead = ahead
      return deltaMs
    }
    // What was read by a thread that was held up would leave room for a jump that nobody sees.
    if (widthOf(ahead) < widthOf(this.#ahead)) this.#ahead = ahead
    return 0
  }
}

function readAhead(clock: Clock): Ahead {
  const before = clock.now()
  const wall = clock.wallNow()
  return { low: wall - clock.now(), high: wall - before }
}

function widthOf({ low, high }: Ahead): number {
  return high - low
}
