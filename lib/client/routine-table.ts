/**
 * The routines that this thread has started and that are not settled: where the executor's reports
 * are turned into results, values and errors.
 */
import type { GoawayError } from '../errors.ts'
import type { Executor, Outcome, Report } from '../executor/contract.ts'
import { routinesPerClient } from '../limits.ts'
import type { Payload } from '../wire/messages.ts'
import { refsOfThread } from './clustered.ts'
import { errorOf } from './error-codec.ts'
import type { Keeper } from './hub-client.ts'
import { dropPayload, refsIn, unpackPayload } from './payload.ts'

/** What is told of one routine. */
export interface RoutineListener {
  started(node: string, thread: number, attempt: number): void
  value(value: unknown): void
  resolved(value: unknown): void
  rejected(error: unknown): void
}

export class RoutineTable implements Report {
  executor: Executor | undefined
  readonly #keeper: Keeper
  readonly #listeners = new Map<number, RoutineListener>()
  readonly #base: number
  #last: number

  /**
   * @param base ids are counted from here, so that those of different threads differ
   * @param last so many were given already
   */
  constructor(keeper: Keeper, base: number, last = 0) {
    this.#keeper = keeper
    this.#base = base
    this.#last = last
  }

  /** They begin anew at the end; one that is in use is passed over, and 0 is never given. */
  #nextId(): number {
    do this.#last = (this.#last % (routinesPerClient - 1)) + 1
    while (this.#listeners.has(this.#base + this.#last))
    return this.#base + this.#last
  }

  /** Routines that are not settled. */
  get size(): number {
    return this.#listeners.size
  }

  /** Registers a routine and gives it its id. */
  add(listener: RoutineListener): number {
    const id = this.#nextId()
    this.#listeners.set(id, listener)
    this.#keeper.retain()
    return id
  }

  /** Forgets a routine that could not be submitted. */
  remove(routine: number): void {
    if (this.#listeners.delete(routine)) this.#keeper.release()
  }

  started(routine: number, node: string, thread: number, attempt: number): void {
    this.#listeners.get(routine)?.started(node, thread, attempt)
  }

  value(routine: number, payload: Payload): void {
    const listener = this.#listeners.get(routine)
    if (listener === undefined) dropPayload(payload)
    else listener.value(unpackPayload(payload))
    delivered(payload)
  }

  settled(routine: number, outcome: Outcome): void {
    this.#settle(routine, outcome)
    if (outcome.ok) delivered(outcome.payload)
  }

  #settle(routine: number, outcome: Outcome): void {
    const listener = this.#listeners.get(routine)
    if (listener === undefined) {
      if (outcome.ok) dropPayload(outcome.payload)
      return
    }
    this.remove(routine)
    if (!outcome.ok) return listener.rejected(errorOf(outcome.error, { routine }))
    let value: unknown
    try {
      value = unpackPayload(outcome.payload)
    } catch (error) {
      return listener.rejected(error)
    }
    listener.resolved(value)
  }

  /** The hub is gone: nothing more will be heard of any routine. */
  lose(error: GoawayError): void {
    const listeners = [...this.#listeners]
    this.#listeners.clear()
    for (const [, listener] of listeners) {
      this.#keeper.release()
      listener.rejected(error)
    }
  }
}

/** The hub holds the refs in it until then: the objects of them are made by now. */
function delivered(payload: Payload): void {
  const refs = refsIn(payload)
  if (refs.length > 0) refsOfThread()?.delivered(refs)
}
