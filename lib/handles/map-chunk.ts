/** Some items of a `map` that one routine works on: what is done of them, and what is to do. */
import type { ItemsArguments } from '../wire/item-messages.ts'
import type { MapPart } from './map-results.ts'
import type { RoutineState } from './routine-state.ts'

export class MapChunk {
  /** Counted from 0, in the order in which they were drawn. */
  readonly number: number
  /** Index of its first item. */
  readonly first: number
  readonly items: readonly unknown[]
  /** Which attempt this is, from 1. */
  attempt = 1
  /** Routines that work on it; two where it lagged. */
  readonly copies = new Set<RoutineState>()
  isHedged = false
  sentAt = 0
  #results: unknown[] | undefined
  /** Places of the items that are to do; undefined: all. */
  #remaining: readonly number[] | undefined
  readonly #failed = new Set<number>()

  constructor(number: number, first: number, items: readonly unknown[]) {
    this.number = number
    this.first = first
    this.items = items
  }

  /** What the routine is given. */
  order(goesOn: boolean): ItemsArguments {
    const remaining = this.#remaining
    if (remaining === undefined) return [this.items, this.first, this.attempt, goesOn]
    const items = remaining.map((place) => this.items[place])
    const indexes = remaining.map((place) => this.first + place)
    return [items, indexes, this.attempt, goesOn]
  }

  /** Places of the items that are to do. */
  remaining(): readonly number[] {
    return this.#remaining ?? Array.from(this.items, (_, place) => place)
  }

  /** Of what was ordered last, the item at that place. */
  placeOf(at: number): number {
    return this.#remaining === undefined ? at : (this.#remaining[at] as number)
  }

  /** Takes the results of what was ordered last. */
  take(results: readonly unknown[]): void {
    if (this.#remaining === undefined) {
      this.#results = results as unknown[]
      return
    }
    this.#results ??= new Array(this.items.length).fill(undefined)
    for (const [at, result] of results.entries()) this.#results[this.placeOf(at)] = result
  }

  /** Only these are to do now. */
  leave(remaining: readonly number[]): void {
    this.#remaining = remaining
  }

  fail(place: number): void {
    this.#failed.add(place)
  }

  part(): MapPart {
    const results = this.#results ?? new Array(this.items.length).fill(undefined)
    return { results, failed: this.#failed }
  }
}
