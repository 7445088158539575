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
import {
  type Act,
  foundBy,
  isBlind,
  isOpenAct,
  isPure,
  leavesKnown,
  mayFind,
  unknownValue,
} from './act.ts'
import type { Budget } from './budget.ts'
import { impossible, type Model } from './model.ts'
import type { ValueNumbers } from './value-numbers.ts'

export type Verdict = 'illegal' | 'ok' | 'unknown'

export function searchLinear(
  acts: readonly Act[],
  model: Model,
  values: ValueNumbers,
  budget: Budget,
): Verdict {
  const useful = endsOf(usefulActs(acts, values), model.initial)
  return new LinearSearch(useful, model, budget).run()
}

/**
 * What has no answer, and alone can have written a value that someone has found, took effect before
 * that one ended: it has an end, after all.
 */
function endsOf(acts: readonly Act[], initial: number): Act[] {
  let settled = [...acts]
  // An end may tell that another value was found.
  for (let isNew = settled.some(isOpenAct); isNew; ) {
    isNew = false
    const writers = new Map<number, number>()
    const ends = new Map<number, number>()
    for (const act of settled) {
      if (leavesKnown(act) || act.kind === 'add') add(writers, act.value, 1)
      const found = foundBy(act)
      if (found !== undefined) ends.set(found, Math.min(act.end, ends.get(found) ?? act.end))
    }
    if (writers.has(unknownValue)) return settled
    settled = settled.map((act) => {
      const { value } = act
      const end = ends.get(value)
      const isOnly = isOpenAct(act) && writers.get(value) === 1 && value !== initial
      if (!isOnly || end === undefined || end < act.start) return act
      isNew = true
      return { ...act, end }
    })
  }
  return settled
}

/** Without those that have no answer and whose effect nobody can have seen. */
function usefulActs(acts: readonly Act[], values: ValueNumbers): Act[] {
  const useful = acts.filter((act) => !isOpenAct(act))
  let waiting = acts.filter(isOpenAct)
  const finders = useful.filter((act) => !isBlind(act))
  // Those that are found to be of use may be the ones that see the effect of others.
  while (waiting.length > 0) {
    const found = waiting.filter((act) =>
      finders.some((each) => each.end >= act.start && mayFind(each, act.value, values)),
    )
    if (found.length === 0) break
    useful.push(...found)
    finders.splice(0, finders.length, ...found.filter((act) => !isBlind(act)))
    waiting = waiting.filter((act) => !found.includes(act))
  }
  return useful.sort((a, b) => a.start - b.start)
}

/** Marks the end of the list of events, and that there is no such act. */
const none = -1

interface Frame {
  readonly act: number
  readonly state: number
  /** There is no need to try anything else in its place. */
  readonly isForced: boolean
}

class LinearSearch {
  readonly #acts: readonly Act[]
  readonly #model: Model
  readonly #budget: Budget
  /** Events: act i begins at i + 1, and ends at i + 1 + n; 0 is before all of them. */
  readonly #next: Int32Array
  readonly #previous: Int32Array
  /** An open act that is just like an earlier one, and waits for it. */
  readonly #twins: Int32Array
  readonly #isTaken: Uint8Array
  readonly #seen = new Set<string>()
  readonly #frames: Frame[] = []
  /** By value: answered acts that have yet to find it, and acts that may write it. */
  readonly #finders = new Map<number, number>()
  readonly #writers = new Map<number, number>()
  readonly #hasOpen: boolean
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
    this.#twins = twinsOf(acts)
    this.#isTaken = new Uint8Array(acts.length)
    this.#hasOpen = acts.some(isOpenAct)
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
    let isOpenTurn = false
    while (this.#answersLeft > 0) {
      if (!this.#budget.spend()) return 'unknown'
      if (event !== none && event <= this.#acts.length) {
        const isTurn = isOpenAct(this.#acts[event - 1] as Act) === isOpenTurn
        if (isTurn && this.#take(event - 1, false)) {
          event = this.#takeForced()
          isOpenTurn = false
        } else event = this.#nextOf(event)
      } else if (!isOpenTurn && this.#hasOpen) {
        event = this.#nextOf(0)
        isOpenTurn = true
      } else {
        const frame = this.#giveBack()
        if (frame === undefined) return 'illegal'
        event = this.#nextOf(frame.act + 1)
        isOpenTurn = isOpenAct(this.#acts[frame.act] as Act)
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
      events.push(index + 1)
      if (!isOpenAct(act)) events.push(index + 1 + count)
    }
    events.sort((a, b) => time(a) - time(b) || a - b)
    let last = 0
    for (const event of events) {
      this.#next[last] = event
      this.#previous[event] = last
      last = event
    }
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
    while (event !== none && event <= this.#acts.length) {
      const next = this.#nextOf(event)
      // What it lets in may fit as well, and comes later in the list.
      if (isPure(this.#acts[event - 1] as Act) && this.#take(event - 1, true)) {
        event = next === event + this.#acts.length ? this.#nextOf(next) : next
      } else event = next
    }
    return this.#nextOf(0)
  }

  #take(index: number, isForced: boolean): boolean {
    const act = this.#acts[index] as Act
    if (!isForced && (isPure(act) || this.#isUseless(index, act))) return false
    const state = this.#model.perform(this.#state, act)
    if (state === impossible) return false
    this.#count(act, -1)
    if (state !== this.#state && this.#isMissed(this.#state)) {
      this.#count(act, 1)
      return false
    }
    this.#unlink(index)
    if (!isForced && this.#isKnown(state)) {
      this.#relink(index)
      this.#count(act, 1)
      return false
    }
    this.#frames.push({ act: index, state: this.#state, isForced })
    this.#isTaken[index] = 1
    this.#state = state
    if (!isOpenAct(act)) this.#answersLeft -= 1
    return true
  }

  /** Undoes the last act that need not have been taken, and all after it. */
  #giveBack(): Frame | undefined {
    for (;;) {
      const frame = this.#frames.pop()
      if (frame === undefined) return undefined
      const act = this.#acts[frame.act] as Act
      this.#isTaken[frame.act] = 0
      this.#relink(frame.act)
      this.#count(act, 1)
      this.#state = frame.state
      if (!isOpenAct(act)) this.#answersLeft += 1
      if (!frame.isForced) return frame
    }
  }

  #isUseless(index: number, act: Act): boolean {
    const twin = this.#twins[index] as number
    if (twin !== none && this.#isTaken[twin] === 0) return true
    const last = this.#frames.at(-1)
    return last !== undefined && isBlind(act) && isOpenAct(this.#acts[last.act] as Act)
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
    while (event !== none && event <= this.#acts.length) {
      text += ` ${event}`
      event = this.#nextOf(event)
    }
    text += ` ${event}`
    if (this.#seen.has(text)) return true
    this.#seen.add(text)
    return false
  }

  #unlink(index: number): void {
    this.#unlinkEvent(index + 1)
    if (!isOpenAct(this.#acts[index] as Act)) this.#unlinkEvent(index + 1 + this.#acts.length)
  }

  #unlinkEvent(event: number): void {
    const next = this.#nextOf(event)
    const previous = this.#previous[event] as number
    this.#next[previous] = next
    if (next !== none) this.#previous[next] = previous
  }

  /** Events that were taken out last come back first: they still know where they were. */
  #relink(index: number): void {
    const end = index + 1 + this.#acts.length
    if (!isOpenAct(this.#acts[index] as Act)) this.#relinkEvent(end)
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

/** For each open act the nearest earlier one that does just the same. */
function twinsOf(acts: readonly Act[]): Int32Array {
  const twins = new Int32Array(acts.length).fill(none)
  const latest = new Map<string, number>()
  for (const [index, act] of acts.entries()) {
    if (!isOpenAct(act)) continue
    const { kind, value, expected, delta, tenure } = act
    const text = `${kind} ${value} ${expected} ${delta} ${tenure}`
    twins[index] = latest.get(text) ?? none
    latest.set(text, index)
  }
  return twins
}
