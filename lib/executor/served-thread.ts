/**
 * The executor's side of one thread: which routine has which slot of its shared words, which
 * functions it has been told of, and whether it has been asked to say when it parks. It decides
 * nothing.
 */
import { slotsPerThreadMax } from '../limits.ts'
import type { FunctionAddress } from '../wire/messages.ts'
import {
  type ThreadWords,
  wordCulprit,
  wordDemand,
  wordParkedAt,
  wordRunning,
} from '../wire/shared-words.ts'
import type { RunningRoutine } from './running-routine.ts'
import type { PoolThread } from './thread-pool.ts'

export class ServedThread {
  readonly id: number
  readonly client: number
  readonly words: ThreadWords
  readonly pooled: PoolThread
  /** It has said that it is there. */
  opened = false
  /** The routine for whose sake it is killed. */
  culprit = 0
  /** Routines it has been given so far. */
  uses = 0
  /** It is being watched for whether it stays idle. */
  watched = false
  readonly #functions = new Map<string, number>()
  readonly #freeSlots: number[]
  /** Routines by slot; 0 for none. */
  readonly #slots: number[] = []
  #demanding = false

  constructor(id: number, client: number, words: ThreadWords, pooled: PoolThread) {
    this.id = id
    this.client = client
    this.words = words
    this.pooled = pooled
    const last = slotsPerThreadMax - 1
    this.#freeSlots = Array.from({ length: slotsPerThreadMax }, (_, slot) => last - slot)
  }

  /** The thread's number of a function, and whether it has to be told of it first. */
  numberOf(address: FunctionAddress): { fn: number; isNew: boolean } {
    const known = this.#functions.get(address.key)
    if (known !== undefined) return { fn: known, isNew: false }
    const fn = this.#functions.size
    this.#functions.set(address.key, fn)
    return { fn, isNew: true }
  }

  /** Gives a routine a slot, for this one use of it. */
  seat(record: RunningRoutine, ticket: number): void {
    this.uses++
    record.thread = this.id
    record.slot = this.#freeSlots.pop() as number
    record.ticket = ticket
    this.#slots[record.slot] = record.task.routine
    this.words.assign(record.slot, ticket)
  }

  unseat(record: RunningRoutine): void {
    this.#slots[record.slot] = 0
    this.#freeSlots.push(record.slot)
    record.thread = 0
    record.slot = -1
  }

  /** Routines that have a slot. */
  *seated(): Generator<number> {
    for (const routine of this.#slots) if (routine > 0) yield routine
  }

  /** Takes back a routine that has not begun; false if the thread was faster. */
  claim({ slot, ticket }: RunningRoutine): boolean {
    return this.words.claim(slot, ticket)
  }

  /** Asks for a message, or no longer, when the thread parks. */
  demand(wanted: boolean): void {
    if (this.#demanding === wanted) return
    this.#demanding = wanted
    Atomics.store(this.words.words, wordDemand, wanted ? 1 : 0)
  }

  /** The deliveries that it had taken when it last parked. */
  get parkedAt(): number {
    return Atomics.load(this.words.words, wordParkedAt)
  }

  /** The routine that brought the thread down, 0 if that is not known. */
  get blamed(): number {
    if (this.culprit !== 0) return this.culprit
    const { words } = this.words
    const slot = (Atomics.load(words, wordCulprit) || Atomics.load(words, wordRunning)) - 1
    return slot < 0 ? 0 : (this.#slots[slot] ?? 0)
  }
}
