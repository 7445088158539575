/** One routine as its caller sees it: where it is, how it is stopped, what becomes of it. */
import { currentNode, type Node } from '../client/current.ts'
import { recordOf } from '../client/error-codec.ts'
import { locate } from '../client/locate.ts'
import { callWhatStays, packList, packPayload, packRepeatable } from '../client/payload.ts'
import type { RoutineListener } from '../client/routine-table.ts'
import { currentScope } from '../client/scope.ts'
import { GoawayError, isGoawayError } from '../errors.ts'
import type { ItemsArguments } from '../wire/item-messages.ts'
import type { FunctionAddress, Payload, RoutineTerms } from '../wire/messages.ts'
import type { RoutineOptions } from './routine-options.ts'

/**
 * Where a routine is: `queued` until it is known to run (one that ends at once is never seen
 * running), then `done`, `failed`, or `cancelled`.
 */
export type RoutineStatus = 'queued' | 'running' | 'done' | 'failed' | 'cancelled'

/** What a routine and a stream of one have in common. */
export interface RoutineControl {
  /** Unique in this program; 0 if it was refused before it was queued. */
  readonly id: number
  /** Name of the node it runs or ran on, once that is known. */
  readonly node: string | undefined
  readonly status: RoutineStatus
  /**
   * Asks it to stop: one that is queued never starts; one that runs sees `context().cancelled`, and
   * after `graceMs` its thread is ended. The promise rejects with ERR_GOAWAY_CANCELLED once it has
   * stopped. Does nothing when it is settled.
   */
  cancel(reason?: unknown): void
}

export class RoutineState implements RoutineListener, RoutineControl {
  id = 0
  node: string | undefined
  status: RoutineStatus = 'queued'
  readonly #graceMs: number
  readonly #name: string
  readonly #resolve: (value: unknown) => void
  readonly #reject: (error: unknown) => void
  readonly #onValue: ((value: unknown) => void) | undefined
  #clean: (() => void) | undefined
  #home: Node | undefined

  constructor(
    name: string,
    graceMs: number,
    resolve: (value: unknown) => void,
    reject: (error: unknown) => void,
    onValue?: (value: unknown) => void,
  ) {
    this.#name = name
    this.#graceMs = graceMs
    this.#resolve = resolve
    this.#reject = reject
    this.#onValue = onValue
  }

  get over(): boolean {
    return this.status !== 'queued' && this.status !== 'running'
  }

  /**
   * Finds the function and submits it. What is wrong rejects, except in a program that forgot
   * `if (isSpawner)`: where nobody awaits the routine, only a throw stops its module.
   */
  begin(fn: unknown, args: readonly unknown[], order: Order): void {
    try {
      const node = currentNode('call goaway()')
      this.submit(node, node.locate === undefined ? locate(fn) : node.locate(fn), args, order)
    } catch (error) {
      if (isGoawayError(error, 'ERR_GOAWAY_NOT_SPAWNER')) throw error
      this.rejected(error)
    }
  }

  submit(node: Node, address: FunctionAddress, args: readonly unknown[], order: Order): void {
    const { routines } = node
    const { signal } = order.options
    if (signal?.aborted === true) return this.rejected(this.#cancellation(signal.reason))
    const { terms } = order
    const payload = packArguments(args, address, order)
    this.#home = node
    this.id = routines.add(this)
    try {
      const owner = currentScope().owner
      const routine = this.id
      routines.executor?.submit({ routine, owner, address, payload, terms })
    } catch (error) {
      routines.remove(this.id)
      throw error
    }
    if (signal !== undefined) this.#follow(signal)
  }

  #follow(signal: AbortSignal): void {
    const abort = (): void => this.cancel(signal.reason)
    signal.addEventListener('abort', abort, { once: true })
    this.#clean = () => signal.removeEventListener('abort', abort)
  }

  cancel(reason?: unknown): void {
    if (this.over || this.#home === undefined) return
    const record = recordOf(this.#cancellation(reason))
    this.#home.routines.executor?.cancel(this.id, record, this.#graceMs)
  }

  #cancellation(reason: unknown): GoawayError {
    const details = reason === undefined ? {} : { cause: reason }
    return new GoawayError('ERR_GOAWAY_CANCELLED', `Routine ${this.#name} was cancelled`, details)
  }

  /** So many more values are wanted. */
  credit(values: number): void {
    if (!this.over) this.#home?.routines.executor?.credit(this.id, values)
  }

  finish(): void {
    if (!this.over) this.#home?.routines.executor?.finish(this.id)
  }

  started(node: string): void {
    this.node = node
    if (this.status === 'queued') this.status = 'running'
  }

  value(value: unknown): void {
    this.#onValue?.(value)
  }

  resolved(value: unknown): void {
    this.status = 'done'
    this.#clean?.()
    this.#resolve(value)
  }

  rejected(error: unknown): void {
    const cancelled = error instanceof GoawayError && error.code === 'ERR_GOAWAY_CANCELLED'
    this.status = cancelled ? 'cancelled' : 'failed'
    this.#clean?.()
    this.#reject(error)
  }
}

export interface Order {
  readonly options: RoutineOptions
  readonly terms: RoutineTerms
}

function packArguments(
  args: readonly unknown[],
  { items }: FunctionAddress,
  { terms, options }: Order,
): Payload {
  if (items === true) return packItems(args as ItemsArguments)
  if (terms.attemptsMax > 1) return packRepeatable(args, 'arguments')
  return packPayload(args, 'argument', options.transfer)
}

/** Who has given the items knows them by their indexes. */
function packItems(args: ItemsArguments): Payload {
  const indexes = args[1]
  const indexOf = (at: number): number =>
    typeof indexes === 'number' ? indexes + at : (indexes[at] as number)
  return callWhatStays(packList(args, 'argument'), (stays) =>
    stays.replace(/^argument 1\[(\d+)\]/, (_, at) => `item ${indexOf(Number(at))}`),
  )
}
