/**
 * Until when routines may wait, with one timer for all: those of one limit end in the order in
 * which they came.
 */
import type { Clock, Timer } from '../clock.ts'

interface Waiting {
  readonly routine: number
  readonly untilMs: number
}

interface Limited {
  list: Waiting[]
  /** At this length those who wait no more are let go: most start long before their limit. */
  lookAt: number
}

const lookAtMin = 1024

export class QueueDeadlines {
  readonly #clock: Clock
  /** By limit, in milliseconds. */
  readonly #byLimit = new Map<number, Limited>()
  /** Whether the routine still waits. */
  readonly #waits: (routine: number) => boolean
  readonly #expired: (routines: readonly number[]) => void
  #timer: Timer | undefined
  #timerMs = Infinity

  constructor(
    clock: Clock,
    waits: (routine: number) => boolean,
    expired: (routines: readonly number[]) => void,
  ) {
    this.#clock = clock
    this.#waits = waits
    this.#expired = expired
  }

  /** It begins to wait now. */
  add(routine: number, limitMs: number): void {
    const untilMs = this.#clock.now() + limitMs
    this.#limitedTo(limitMs).list.push({ routine, untilMs })
    this.#arm(untilMs)
  }

  /** It waits again, and has waited before: since then its limit counts. */
  addAgain(routine: number, limitMs: number, sinceMs: number): void {
    const untilMs = sinceMs + limitMs
    const { list } = this.#limitedTo(limitMs)
    list.splice(placeFor(list, untilMs), 0, { routine, untilMs })
    this.#arm(untilMs)
  }

  #limitedTo(limitMs: number): Limited {
    let limited = this.#byLimit.get(limitMs)
    if (limited === undefined) {
      limited = { list: [], lookAt: lookAtMin }
      this.#byLimit.set(limitMs, limited)
    }
    if (limited.list.length >= limited.lookAt) {
      limited.list = limited.list.filter((one) => this.#waits(one.routine))
      limited.lookAt = Math.max(lookAtMin, limited.list.length * 2)
    }
    return limited
  }

  /** Routines that it keeps, of which some may wait no more. */
  get size(): number {
    let size = 0
    for (const { list } of this.#byLimit.values()) size += list.length
    return size
  }

  get armed(): boolean {
    return this.#timer !== undefined
  }

  clear(): void {
    this.#clock.clearTimer(this.#timer)
    this.#timer = undefined
    this.#timerMs = Infinity
    this.#byLimit.clear()
  }

  #arm(untilMs: number): void {
    if (untilMs >= this.#timerMs) return
    this.#clock.clearTimer(this.#timer)
    this.#timerMs = untilMs
    const delayMs = Math.max(0, untilMs - this.#clock.now())
    this.#timer = this.#clock.setTimer(delayMs, () => this.#look())
  }

  #look(): void {
    this.#timer = undefined
    this.#timerMs = Infinity
    const now = this.#clock.now()
    const expired: number[] = []
    let next = Infinity
    for (const [limitMs, { list }] of this.#byLimit) {
      let passed = 0
      for (; passed < list.length; passed++) {
        const { routine, untilMs } = list[passed] as Waiting
        if (!this.#waits(routine)) continue
        if (untilMs > now) break
        expired.push(routine)
      }
      if (passed === list.length) this.#byLimit.delete(limitMs)
      else {
        list.splice(0, passed)
        next = Math.min(next, (list[0] as Waiting).untilMs)
      }
    }
    if (next < Infinity) this.#arm(next)
    if (expired.length > 0) this.#expired(expired)
  }
}

/** Where a list is to have what ends then, behind all that end no later. */
function placeFor(list: readonly Waiting[], untilMs: number): number {
  let from = 0
  let to = list.length
  while (from < to) {
    const middle = (from + to) >> 1
    if ((list[middle] as Waiting).untilMs > untilMs) to = middle
    else from = middle + 1
  }
  return from
}
