/**
 * The network between the processes of a simulation: how long messages take, and who reaches whom.
 * Processes are known here by the names of their machines, as a broken cable is.
 */
import type { Agenda } from './agenda.ts'
import type { Random } from './random.ts'

/** What has to know when it changes who reaches whom. */
export interface Crossing {
  refresh(): void
}

/** Of each message; most take the shorter times. */
export interface Delays {
  readonly leastMs: number
  readonly mostMs: number
}

export class Network {
  readonly agenda: Agenda
  readonly random: Random
  delays: Delays
  /** All messages take so many times as long. */
  slowness = 1
  /** Messages of one way take so many times as long as others. */
  slownessOf: (from: string, to: string) => number = () => 1
  /** Ways that nothing gets through, from machine to machine, and how many faults close each. */
  readonly #blocked = new Map<string, number>()
  readonly #links = new Set<Crossing>()
  /** Frames that have arrived, for who counts them. */
  frames = 0

  constructor(agenda: Agenda, random: Random, delays: Delays) {
    this.agenda = agenda
    this.random = random
    this.delays = delays
  }

  add(link: Crossing): void {
    this.#links.add(link)
  }

  remove(link: Crossing): void {
    this.#links.delete(link)
  }

  delayMs(): number {
    const { leastMs, mostMs } = this.delays
    // Squared twice: most are near the least, one in six is above the middle.
    return (leastMs + (mostMs - leastMs) * this.random.next() ** 4) * this.slowness
  }

  passes(from: string, to: string): boolean {
    return !this.#blocked.has(wayOf(from, to))
  }

  reaches(one: string, other: string): boolean {
    return this.passes(one, other) && this.passes(other, one)
  }

  /** Nothing gets from the one to the other any more; the other direction is another matter. */
  block(from: string, to: string): void {
    const way = wayOf(from, to)
    this.#blocked.set(way, (this.#blocked.get(way) ?? 0) + 1)
    this.#refresh()
  }

  unblock(from: string, to: string): void {
    const way = wayOf(from, to)
    const left = (this.#blocked.get(way) ?? 1) - 1
    if (left > 0) this.#blocked.set(way, left)
    else if (this.#blocked.delete(way)) this.#refresh()
  }

  unblockAll(): void {
    this.#blocked.clear()
    this.#refresh()
  }

  #refresh(): void {
    for (const link of this.#links) link.refresh()
  }
}

function wayOf(from: string, to: string): string {
  return `${from}\u0000${to}`
}
