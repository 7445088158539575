/**
 * Whether some order of all steps, within each client's own and what is forced, explains all
 * answers. Tried depth first, with a memo of where all clients are and what all fields hold.
 *
 * Rule 1: no recursion.
 * Rule 2: what fits and changes nothing is taken at once.
 * Rule 3: a value that somebody is still to find, and nobody will write again, is not overwritten.
 * Rule 4: what began first is tried first, for that is how it was in most cases.
 */
import { foundBy, isOpenAct, isPure, leavesKnown, unknownValue } from './act.ts'
import type { Budget } from './budget.ts'
import type { ClientOrder, Step } from './client-order.ts'
import type { Edges } from './forced-order.ts'
import type { Verdict } from './linear-search.ts'
import { impossible, type Model } from './model.ts'

export interface OrderSearchOptions {
  readonly order: ClientOrder
  readonly edges: Edges
  readonly model: Model
  /** Of each field. */
  readonly initial: readonly number[]
  readonly budget: Budget
}

export function searchOrder(options: OrderSearchOptions): Verdict {
  return new OrderSearch(options).run()
}

/** A place where there was a choice. */
interface Level {
  readonly candidates: readonly Step[]
  /** The next to try. */
  at: number
  /** Steps that had been taken before. */
  readonly taken: number
}

interface Taken {
  readonly step: Step
  readonly before: number
}

class OrderSearch {
  readonly #order: ClientOrder
  readonly #edges: Edges
  readonly #model: Model
  readonly #budget: Budget
  readonly #places: number[]
  readonly #values: number[]
  readonly #taken: Taken[] = []
  readonly #levels: Level[] = []
  readonly #seen = new Set<string>()
  /** By field and value: answered steps that have yet to find it, and steps that may write it. */
  readonly #finders = new Map<number, number>()
  readonly #writers = new Map<number, number>()
  /** Fields of which somebody may write anything. */
  readonly #isOpenField: boolean[]
  #answersLeft = 0

  constructor({ order, edges, model, initial, budget }: OrderSearchOptions) {
    this.#order = order
    this.#edges = edges
    this.#model = model
    this.#budget = budget
    this.#places = order.clients.map(() => 0)
    this.#values = [...initial]
    this.#isOpenField = initial.map(() => false)
    for (const step of order.steps) {
      this.#count(step, 1)
      if (!isOpenAct(step.act)) this.#answersLeft += 1
      if (step.act.kind === 'add' && step.act.value === unknownValue) {
        this.#isOpenField[step.field] = true
      }
    }
  }

  run(): Verdict {
    this.#choose()
    while (this.#answersLeft > 0) {
      const level = this.#levels.at(-1)
      if (level === undefined) return 'illegal'
      this.#giveBack(level.taken)
      const step = level.candidates[level.at]
      level.at += 1
      if (step === undefined) this.#levels.pop()
      else if (this.#take(step)) this.#choose()
      if (!this.#budget.spend()) return 'unknown'
    }
    return 'ok'
  }

  /** Takes what fits, and lists what may come next, unless all this has been tried before. */
  #choose(): void {
    while (this.#order.clients.some((own, client) => this.#takeForced(own, client)));
    const text = `${this.#places} ${this.#values}`
    if (this.#seen.has(text)) return
    this.#seen.add(text)
    const candidates = this.#order.clients
      .map((own, client) => own[this.#places[client] as number])
      .filter((step) => step !== undefined && this.#isFree(step) && !isPure(step.act))
      .sort((a, b) => rank(a as Step) - rank(b as Step)) as Step[]
    this.#levels.push({ candidates, at: 0, taken: this.#taken.length })
  }

  #takeForced(own: readonly Step[], client: number): boolean {
    const from = this.#places[client] as number
    for (;;) {
      const step = own[this.#places[client] as number]
      if (step === undefined || !isPure(step.act) || !this.#isFree(step)) break
      if (!this.#take(step)) break
    }
    return this.#places[client] !== from
  }

  #isFree({ index }: Step): boolean {
    return (this.#edges[index] as readonly number[]).every((each) => {
      const { client, place } = this.#order.steps[each] as Step
      return (this.#places[client] as number) > place
    })
  }

  #take(step: Step): boolean {
    const { act, client, field } = step
    const before = this.#values[field] as number
    const after = this.#model.perform(before, act)
    if (after === impossible) return false
    this.#count(step, -1)
    if (after !== before && this.#isMissed(field, before)) {
      this.#count(step, 1)
      return false
    }
    this.#values[field] = after
    this.#places[client] = step.place + 1
    this.#taken.push({ step, before })
    if (!isOpenAct(act)) this.#answersLeft -= 1
    return true
  }

  #giveBack(count: number): void {
    while (this.#taken.length > count) {
      const { step, before } = this.#taken.pop() as Taken
      this.#values[step.field] = before
      this.#places[step.client] = step.place
      this.#count(step, 1)
      if (!isOpenAct(step.act)) this.#answersLeft += 1
    }
  }

  #isMissed(field: number, value: number): boolean {
    const name = nameOf(field, value)
    if (this.#isOpenField[field] === true || (this.#finders.get(name) ?? 0) === 0) return false
    return (this.#writers.get(name) ?? 0) === 0
  }

  #count(step: Step, by: 1 | -1): void {
    const { act, field } = step
    const found = foundBy(act)
    if (found !== undefined) add(this.#finders, nameOf(field, found), by)
    if (leavesKnown(act)) add(this.#writers, nameOf(field, act.value), by)
  }
}

/** What has no answer comes last. */
function rank({ act }: Step): number {
  return isOpenAct(act) ? Number.MAX_VALUE : act.start
}

/** One number for a field and a value. */
function nameOf(field: number, value: number): number {
  return field * 2 ** 32 + value
}

function add(counts: Map<number, number>, name: number, by: number): void {
  counts.set(name, (counts.get(name) ?? 0) + by)
}
