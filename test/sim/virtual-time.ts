/** Virtual time: what is to happen, in the order of its time, and the clocks of nodes. */
import type { Clock, Timer } from '../../lib/clock.ts'

interface Event {
  readonly at: number
  readonly order: number
  readonly act: () => void
}

/** A binary heap; what is due at the same time happens in the order in which it was entered. */
export class VirtualTime {
  now = 0
  readonly #heap: Event[] = []
  #order = 0

  at(time: number, act: () => void): void {
    const heap = this.#heap
    const event = { at: Math.max(time, this.now), order: this.#order++, act }
    let place = heap.push(event) - 1
    while (place > 0) {
      const parent = (place - 1) >> 1
      if (!isBefore(event, heap[parent] as Event)) break
      heap[place] = heap[parent] as Event
      place = parent
    }
    heap[place] = event
  }

  /** Lets happen what is due until then; false if nothing is left. */
  run(until: number, isOver: () => boolean = () => false): boolean {
    while (this.#heap.length > 0 && !isOver()) {
      if ((this.#heap[0] as Event).at > until) {
        this.now = until
        return true
      }
      this.step()
    }
    return this.#heap.length > 0
  }

  /** When the next thing happens; Infinity: nothing will. */
  get nextAt(): number {
    return this.#heap[0]?.at ?? Infinity
  }

  /** Lets the next thing happen. */
  step(): void {
    const next = this.#take()
    this.now = next.at
    next.act()
  }

  #take(): Event {
    const heap = this.#heap
    const first = heap[0] as Event
    const last = heap.pop() as Event
    if (heap.length === 0) return first
    let place = 0
    for (;;) {
      let child = 2 * place + 1
      if (child >= heap.length) break
      if (child + 1 < heap.length && isBefore(heap[child + 1] as Event, heap[child] as Event)) {
        child++
      }
      if (!isBefore(heap[child] as Event, last)) break
      heap[place] = heap[child] as Event
      place = child
    }
    heap[place] = last
    return first
  }
}

function isBefore(one: Event, other: Event): boolean {
  return one.at < other.at || (one.at === other.at && one.order < other.order)
}

interface VirtualTimer {
  isCleared: boolean
}

/** The clock of one node. It may go wrong, and what it wakes may be stopped or gone. */
export class NodeClock implements Clock {
  readonly #time: VirtualTime
  /** Takes what a timer brings: at once, later or never. */
  readonly #take: (act: () => void) => void
  /** Of its seconds to true ones. */
  readonly #rate: number
  /** While the machine is suspended this clock stands still, and that on the wall does not. */
  suspendedMs = 0

  constructor(time: VirtualTime, rate: number, take: (act: () => void) => void) {
    this.#time = time
    this.#rate = rate
    this.#take = take
  }

  now(): number {
    return this.#time.now * this.#rate - this.suspendedMs
  }

  wallNow(): number {
    return this.#time.now * this.#rate
  }

  setTimer(delayMs: number, act: () => void): Timer {
    const timer: VirtualTimer = { isCleared: false }
    this.#time.at(this.#time.now + Math.max(0, delayMs) / this.#rate, () => {
      if (timer.isCleared) return
      this.#take(() => {
        if (!timer.isCleared) act()
      })
    })
    return timer
  }

  every(periodMs: number, act: () => void): Timer {
    const repeated: VirtualTimer = { isCleared: false }
    const again = (): void => {
      this.setTimer(periodMs, () => {
        if (repeated.isCleared) return
        act()
        again()
      })
    }
    again()
    return repeated
  }

  clearTimer(timer: Timer | undefined): void {
    if (timer !== undefined) (timer as VirtualTimer).isCleared = true
  }

  setImmediate(act: () => void): void {
    this.setTimer(0, act)
  }
}
