/**
 * Virtual time: what is to happen, in the order of its time and then of its planning. Nothing
 * happens by itself; whoever drives it takes one step after the other.
 */

/** A process that what is planned belongs to: it can be held up, and it can end. */
export interface Owner {
  readonly isPaused: boolean
  readonly isDead: boolean
  /** Takes what came while it was paused. */
  defer(planned: Planned): void
}

export class Planned {
  at: number
  order: number
  readonly act: () => void
  readonly owner: Owner | undefined
  /** Nothing that anybody waits for comes of it. */
  readonly isUpkeep: boolean
  /** It only counts: no code of a process hears of it. */
  readonly isSilent: boolean
  /** It has happened, or was cancelled. */
  isOver = false
  /** Its process is paused. */
  isDeferred = false

  constructor(at: number, order: number, act: () => void, options: PlanOptions) {
    this.at = at
    this.order = order
    this.act = act
    this.owner = options.owner
    this.isUpkeep = options.isUpkeep === true
    this.isSilent = options.isSilent === true
  }
}

export interface PlanOptions {
  readonly owner?: Owner | undefined
  readonly isUpkeep?: boolean | undefined
  readonly isSilent?: boolean
}

const nobody: PlanOptions = {}

export class Agenda {
  /** True time, in milliseconds, which no process knows. */
  time = 0
  /** Steps taken so far. */
  steps = 0
  /** Nothing can have been made ready by the last step. */
  wasSilent = false
  /** What is planned beside upkeep. */
  #awaited = 0
  /** When there was something planned beside upkeep last. */
  #awaitedAt = 0
  readonly #heap: Planned[] = []
  #nextOrder = 1

  plan(delayMs: number, act: () => void, options: PlanOptions = nobody): Planned {
    const at = this.time + Math.max(0, delayMs)
    const planned = new Planned(at, this.#nextOrder++, act, options)
    this.#push(planned)
    return planned
  }

  #push(planned: Planned): void {
    if (!planned.isUpkeep) this.#awaited++
    const heap = this.#heap
    let at = heap.length
    heap.push(planned)
    while (at > 0) {
      const parent = (at - 1) >> 1
      if (!isBefore(planned, heap[parent] as Planned)) break
      heap[at] = heap[parent] as Planned
      at = parent
    }
    heap[at] = planned
  }

  cancel(planned: Planned): void {
    if (planned.isOver) return
    planned.isOver = true
    if (!planned.isUpkeep && !planned.isDeferred) this.#forgetAwaited()
  }

  #forgetAwaited(): void {
    this.#awaited--
    this.#awaitedAt = this.time
  }

  /** For how long there has been nothing but upkeep. */
  get quietMs(): number {
    return this.#awaited > 0 ? 0 : this.time - this.#awaitedAt
  }

  /** When the next thing happens; Infinity if nothing is planned. */
  get nextAt(): number {
    this.#dropOver()
    return this.#heap[0]?.at ?? Infinity
  }

  /** What happens next happens; false if nothing is planned. */
  step(): boolean {
    for (;;) {
      this.#dropOver()
      const planned = this.#pop()
      if (planned === undefined) return false
      this.time = Math.max(this.time, planned.at)
      if (!planned.isUpkeep) this.#forgetAwaited()
      const { owner } = planned
      if (owner?.isPaused === true && !owner.isDead) {
        planned.isDeferred = true
        owner.defer(planned)
        continue
      }
      planned.isOver = true
      if (owner?.isDead === true) continue
      this.steps++
      this.wasSilent = planned.isSilent
      planned.act()
      return true
    }
  }

  /** What a process was held up in happens now, in its order. */
  resume(deferred: readonly Planned[]): void {
    for (const planned of deferred) {
      if (planned.isOver) continue
      planned.isDeferred = false
      planned.at = this.time
      planned.order = this.#nextOrder++
      this.#push(planned)
    }
  }

  /** Nothing happens until then. */
  skipTo(time: number): void {
    this.time = Math.max(this.time, time)
  }

  clear(): void {
    this.#heap.length = 0
    this.#awaited = 0
  }

  #dropOver(): void {
    while (this.#heap[0]?.isOver === true) this.#pop()
  }

  #pop(): Planned | undefined {
    const heap = this.#heap
    const first = heap[0]
    const last = heap.pop()
    if (first === undefined || last === undefined || heap.length === 0) return first
    let at = 0
    for (;;) {
      let child = 2 * at + 1
      if (child >= heap.length) break
      if (child + 1 < heap.length && isBefore(heap[child + 1] as Planned, heap[child] as Planned)) {
        child++
      }
      if (!isBefore(heap[child] as Planned, last)) break
      heap[at] = heap[child] as Planned
      at = child
    }
    heap[at] = last
    return first
  }
}

function isBefore(one: Planned, other: Planned): boolean {
  return one.at < other.at || (one.at === other.at && one.order < other.order)
}
