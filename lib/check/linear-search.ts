/**
 * Whether some order of the acts on one field or lock explains all answers and keeps to real time:
 * what ended before another began comes before it. The search of Wing and Gong with Lowe's memo:
 * take an act that nothing unexplained precedes, perform it, go on; come back where that fails, and
 * never look twice at the same set of acts with the same state.
 *
 * Rule 1: no recursion; the depth is the number of acts.
 * Rule 2: what can be proved useless is not tried. A read that fits is taken at once, since it is
 * in no one's way; a value that somebody is still to find, and nobody will write again, is not
 * overwritten; an act without an answer is taken only where someone then looks at its effect.
 * Rule 3: the memo is exact, no hash stands for a set.
 */
import { type Act, foundBy, isBlind, isOpenAct, isPure, leavesKnown, unknownValue } from './act.ts'
import type { Budget } from './budget.ts'
import { groupBy } from './group-by.ts'
import { impossible, type Model } from './model.ts'
import { simplify } from './simplify.ts'
import type { ValueNumbers } from './value-numbers.ts'

export type Verdict = 'illegal' | 'ok' | 'unknown'

export function searchLinear(
  acts: readonly Act[],
  model: Model,
  values: ValueNumbers,
  budget: Budget,
): Verdict {
  return new LinearSearch(simplify(acts, model.initial, values), model, budget).run()
}

/** Marks the end of the list of events, and that an act is of no class. */
const none = -1

interface Frame {
  readonly act: number
  readonly state: number
  /** There is no need to try anything else in its place. */
  readonly isForced: boolean
  /** Of an act without an answer. */
  readonly openClass: number
}

class LinearSearch {
  readonly #acts: readonly Act[]
  readonly #model: Model
  readonly #budget: Budget
  /** Events of what was answered: act i begins at i + 1, and ends at i + 1 + n; 0 is before all. */
  readonly #next: Int32Array
  readonly #previous: Int32Array
  /** Acts without an answer, those that do just the same together: they are taken in order. */
  readonly #openClasses: readonly (readonly number[])[]
  /** Of each class, how many have been taken. */
  readonly #openTaken: number[]
  readonly #seen = new Set<string>()
  readonly #frames: Frame[] = []
  /** By value: answered acts that have yet to find it, and acts that may write it. */
  readonly #finders = new Map<number, number>()
  readonly #writers = new Map<number, number>()
  #mayWriteAnything = false
  #state: number
  #answersLeft = 0

  constructor(acts: readonly Act[], model: Model, budget: Budget) {
    this.#acts = acts
    this.#model = model
    this.#budget = budget
    this.#state = model.initial
    this.#next = new Int32Array(2 * acts.length + 1).fill(none)
    this.#previous = new Int32Array(2 * acts.length + 1).fill(none)
    this.#openClasses = openClassesOf(acts)
    this.#openTaken = this.#openClasses.map(() => 0)
    this.#link()
    for (const act of acts) {
      this.#count(act, 1)
      if (act.kind === 'add' && act.value === unknownValue) this.#mayWriteAnything = true
      if (!isOpenAct(act)) this.#answersLeft += 1
    }
  }

  run(): Verdict {
    let event = this.#takeForced()
    // What was answered must find its place; what was not is tried where nothing else helps.
    let openClass = none
    while (this.#answersLeft > 0) {
      if (!this.#budget.spend()) return 'unknown'
      if (openClass === none && this.#isCall(event)) {
        event = this.#take(event - 1, false) ? this.#takeForced() : this.#nextOf(event)
      } else if (openClass + 1 < this.#openClasses.length) {
        openClass += 1
        if (!this.#takeOpen(openClass)) continue
        event = this.#takeForced()
        openClass = none
      } else {
        const frame = this.#giveBack()
        if (frame === undefined) return 'illegal'
        event = this.#nextOf(frame.act + 1)
        openClass = frame.openClass
      }
    }
    return 'ok'
  }

  /** Intervals are closed: of equal times, what begins comes before what ends. */
  #link(): void {
    const count = this.#acts.length
    const events: number[] = []
    const time = (event: number): number => {
      const act = this.#acts[(event - 1) % count] as Act
      return event > count ? act.end : act.start
    }
    for (const [index, act] of this.#acts.entries()) {
      if (!isOpenAct(act)) events.push(index + 1, index + 1 + count)
    }
    events.sort((a, b) => time(a) - time(b) || a - b)
    let last = 0
    for (const event of events) {
      this.#next[last] = event
      this.#previous[event] = last
      last = event
    }
  }

  /** Whether an act begins here; else it is the first end that is left, or there is none. */
  #isCall(event: number): boolean {
    return event !== none && event <= this.#acts.length
  }

  #nextOf(event: number): number {
    return this.#next[event] as number
  }

  #count(act: Act, by: 1 | -1): void {
    const found = foundBy(act)
    if (found !== undefined) add(this.#finders, found, by)
    if (leavesKnown(act)) add(this.#writers, act.value, by)
  }

  /** Takes every read that fits now; the answer is where to look for an act to try. */
  #takeForced(): number {
    let event = this.#nextOf(0)
    while (this.#isCall(event)) {
      const next = this.#nextOf(event)
      // What it lets in may fit as well, and comes later in the list.
      if (isPure(this.#acts[event - 1] as Act) && this.#take(event - 1, true)) {
        event = next === event + this.#acts.length ? this.#nextOf(next) : next
      } else event = next
    }
    return this.#nextOf(0)
  }

  /** The next act of a class, if it had begun before the first end that is left. */
  #takeOpen(openClass: number): boolean {
    const taken = this.#openTaken[openClass] as number
    const index = this.#openClasses[openClass]?.[taken]
    if (index === undefined) return false
    let event = this.#nextOf(0)
    while (this.#isCall(event)) event = this.#nextOf(event)
    const firstEnd = this.#acts[event - 1 - this.#acts.length]?.end ?? Number.POSITIVE_INFINITY
    if ((this.#acts[index] as Act).start > firstEnd) return false
    return this.#take(index, false, openClass)
  }

  #take(index: number, isForced: boolean, openClass = none): boolean {
    const act = this.#acts[index] as Act
    if (!isForced && (isPure(act) || this.#isUseless(act))) return false
    const state = this.#model.perform(this.#state, act)
    if (state === impossible) return false
    this.#count(act, -1)
    if (state !== this.#state && this.#isMissed(this.#state)) {
      this.#count(act, 1)
      return false
    }
    this.#remove(index, openClass)
    if (!isForced && this.#isKnown(state)) {
      this.#putBack(index, openClass)
      this.#count(act, 1)
      return false
    }
    this.#frames.push({ act: index, state: this.#state, isForced, openClass })
    this.#state = state
    if (openClass === none) this.#answersLeft -= 1
    return true
  }

  /** Undoes the last act that need not have been taken, and all after it. */
  #giveBack(): Frame | undefined {
    for (;;) {
      const frame = this.#frames.pop()
      if (frame === undefined) return undefined
      this.#putBack(frame.act, frame.openClass)
      this.#count(this.#acts[frame.act] as Act, 1)
      this.#state = frame.state
      if (frame.openClass === none) this.#answersLeft += 1
      if (!frame.isForced) return frame
    }
  }

  /** Nobody has looked at what the last act did, which need not have been. */
  #isUseless(act: Act): boolean {
    const last = this.#frames.at(-1)
    return last !== undefined && last.openClass !== none && isBlind(act)
  }

  /** Whether someone is to find this value, and nobody can write it again. */
  #isMissed(value: number): boolean {
    if (this.#mayWriteAnything || (this.#finders.get(value) ?? 0) === 0) return false
    return (this.#writers.get(value) ?? 0) === 0
  }

  /**
   * What is taken is told by what is not: everything that ended before the first end that is left
   * has been taken, and nothing that began after it.
   */
  #isKnown(state: number): boolean {
    let text = `${state}`
    let event = this.#nextOf(0)
    while (this.#isCall(event)) {
      text += ` ${event}`
      event = this.#nextOf(event)
    }
    text += ` ${event} ${this.#openTaken}`
    if (this.#seen.has(text)) return true
    this.#seen.add(text)
    return false
  }

  #remove(index: number, openClass: number): void {
    if (openClass !== none) {
      this.#openTaken[openClass] = (this.#openTaken[openClass] as number) + 1
      return
    }
    this.#unlinkEvent(index + 1)
    this.#unlinkEvent(index + 1 + this.#acts.length)
  }

  #unlinkEvent(event: number): void {
    const next = this.#nextOf(event)
    const previous = this.#previous[event] as number
    this.#next[previous] = next
    if (next !== none) this.#previous[next] = previous
  }

  /** Events that were taken out last come back first: they still know where they were. */
  #putBack(index: number, openClass: number): void {
    if (openClass !== none) {
      this.#openTaken[openClass] = (this.#openTaken[openClass] as number) - 1
      return
    }
    this.#relinkEvent(index + 1 + this.#acts.length)
    this.#relinkEvent(index + 1)
  }

  #relinkEvent(event: number): void {
    const next = this.#nextOf(event)
    this.#next[this.#previous[event] as number] = event
    if (next !== none) this.#previous[next] = event
  }
}

function add(counts: Map<number, number>, value: number, by: number): void {
  counts.set(value, (counts.get(value) ?? 0) + by)
}

function openClassesOf(acts: readonly Act[]): number[][] {
  const open = [...acts.keys()].filter((index) => isOpenAct(acts[index] as Act))
  const classes = groupBy(open, (index) => {
    const { kind, value, expected, delta, tenure } = acts[index] as Act
    return `${kind} ${value} ${expected} ${delta} ${tenure}`
  })
  return [...classes.values()]
}
