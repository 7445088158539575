/**
 * What runs in a pool thread: takes assigned routines in order, starts each on its own, and
 * reports.
 *
 * A routine is *parked* when it is still pending after the event loop has gone round once. Until
 * then nothing else begins; then what was assigned and has not begun goes back to the scheduler,
 * unless it said that it may share the thread. `wordParkedAt` tells the scheduler, without a
 * message, that all that it has delivered so far has been taken and that nothing runs.
 */

import type { Node } from '../client/current.ts'
import { recordOf, withDetails } from '../client/error-codec.ts'
import type { RoutineFunction } from '../client/function-address.ts'
import type { HubClient } from '../client/hub-client.ts'
import { dropPayload, packList, packPayload, unpackPayload } from '../client/payload.ts'
import { endScope, type Scope, scopes } from '../client/scope.ts'
import { type Clock, realClock } from '../clock.ts'
import { GoawayError } from '../errors.ts'
import type { ErrorRecord } from '../wire/error-record.ts'
import {
  type FunctionAddress,
  flagLate,
  flagReportStart,
  flagShare,
  flagStream,
  type Payload,
  type ReportMessage,
  type RunMessage,
} from '../wire/messages.ts'
import { wordDemand, wordParkedAt, wordRunning } from '../wire/shared-words.ts'
import { isItemsResult, withoutRefused } from './items-run.ts'
import { Producer } from './producer.ts'
import { resolveFunction } from './resolve-function.ts'
import { RoutineContext } from './routine-context.ts'

type RunOrder = Extract<RunMessage, readonly ['run', ...unknown[]]>

/** A routine that was assigned and has not begun. */
interface Waiting {
  readonly order: RunOrder
  /** Values that its consumer wants by now. */
  credit: number
}

/** A routine that has begun and is not over. */
export interface Begun {
  readonly routine: number
  readonly slot: number
  readonly stream: boolean
  readonly context: RoutineContext
  readonly scope: Scope
  /** Until both are there, the routine counts as running. */
  fn: RoutineFunction | undefined
  packed: { readonly payload: Payload } | undefined
  producer: Producer | undefined
  /** Credit that came before there was a producer, and whether it is to end at once. */
  credit: number
  finishing: boolean
  /** Over: what it still does is of no interest. */
  over: boolean
}

export interface RunLoopOptions {
  readonly node: string
  readonly thread: number
  /** @default the real one */
  readonly clock?: Clock
  /** Finds the function. @default in its module */
  readonly resolve?: typeof resolveFunction
  /** The thread, where a simulation has several in one. */
  readonly home?: Node
  /** Runs what comes when a turn is over. @default at once */
  readonly enter?: (act: () => void) => void
  /** Called before the outcome of a routine is told. */
  readonly beforeEnd?: (() => void) | undefined
}

export class RunLoop {
  readonly #client: HubClient
  readonly #place: RunLoopOptions
  readonly #functions = new Map<number, FunctionAddress>()
  readonly #begun = new Map<number, Begun>()
  #waiting: Waiting[] = []
  /** Begun, and not known to be parked: nothing else begins beside it. */
  #current: Begun | undefined
  #checking = false
  #pumping = false

  constructor(client: HubClient, place: RunLoopOptions) {
    this.#client = client
    this.#place = place
  }

  /** Takes an order; false if it is none for a run loop. */
  take(message: RunMessage): boolean {
    switch (message[0]) {
      case 'function':
        this.#functions.set(message[1], message[2])
        return true
      case 'run':
        this.#waiting.push({ order: message, credit: 0 })
        return true
      case 'arguments':
        this.#takeArguments(message[1], message[2])
        return true
      case 'abort':
        this.#abort(message[1], message[2])
        return true
      case 'credit':
        this.#addCredit(message[1], message[2])
        return true
      case 'finish':
        this.#finish(message[1])
        return true
      default:
        return false
    }
  }

  /** Called when all messages of a delivery are taken. */
  pump(): void {
    while (this.#current === undefined && this.#waiting.length > 0) {
      const next = this.#waiting[0] as Waiting
      if (this.#begun.size > 0 && (next.order[6] & flagShare) === 0) break
      this.#waiting.shift()
      this.#start(next)
    }
    this.checkLater()
  }

  #addCredit(routine: number, values: number): void {
    const begun = this.#begun.get(routine)
    if (begun?.producer !== undefined) return begun.producer.addCredit(values)
    // Of two orders for it the scheduler has taken back the first.
    const heir = begun ?? this.#waiting.findLast(({ order }) => order[1] === routine)
    if (heir !== undefined) heir.credit += values
  }

  #finish(routine: number): void {
    const begun = this.#begun.get(routine)
    if (begun === undefined) return
    begun.finishing = true
    begun.producer?.finish()
  }

  /**
   * A generator that waits for credit cannot see that it is to stop: it is ended at its `yield`.
   */
  #abort(routine: number, reason: ErrorRecord): void {
    const begun = this.#begun.get(routine)
    if (begun === undefined) return
    // Who listens is the routine's code, and knows it as `context()`.
    this.#inside(begun, () => begun.context.abort(reason))
    begun.producer?.finish()
  }

  #takeArguments(routine: number, payload: Payload): void {
    const begun = this.#begun.get(routine)
    if (begun === undefined) return dropPayload(payload)
    begun.packed = { payload }
    this.#callWhenReady(begun)
  }

  #start({ order, credit }: Waiting): void {
    const [, routine, slot, ticket, fn, attempt, flags, payload] = order
    const { shared } = this.#client.channel
    // Lost: the scheduler has taken it back.
    if (!shared.claim(slot, ticket)) return
    const context = new RoutineContext(
      { id: routine, attempt, slot, ticket, node: this.#place.node, thread: this.#place.thread },
      shared,
    )
    const begun: Begun = {
      routine,
      slot,
      stream: (flags & flagStream) !== 0,
      context,
      scope: { owner: routine, held: new Map(), context, over: false, home: this.#place.home },
      fn: undefined,
      packed: undefined,
      producer: undefined,
      credit,
      finishing: false,
      over: false,
    }
    this.#begun.set(routine, begun)
    this.#current = begun
    context.loading = true
    if ((flags & flagReportStart) !== 0) this.#report(['began', routine])
    if ((flags & flagLate) !== 0) this.#report(['want', routine])
    else begun.packed = { payload }
    this.#find(begun, fn)
  }

  #find(begun: Begun, number: number): void {
    let found: ReturnType<typeof resolveFunction>
    try {
      found = (this.#place.resolve ?? resolveFunction)(
        this.#functions.get(number) as FunctionAddress,
      )
    } catch (error) {
      return this.#fail(begun, error)
    }
    if (typeof found === 'function') {
      begun.fn = found
      return this.#callWhenReady(begun)
    }
    found.then(
      (loaded) => {
        begun.fn = loaded
        this.#callWhenReady(begun)
        // It may have parked; the look that came with the delivery found it loading.
        this.checkLater()
      },
      (error: unknown) => this.#fail(begun, error),
    )
  }

  /** Calls the function once it and its arguments are there. */
  #callWhenReady(begun: Begun): void {
    const { fn, packed, context } = begun
    if (fn === undefined || packed === undefined || begun.over) return
    context.loading = false
    begun.packed = undefined
    if (context.cancelled) {
      dropPayload(packed.payload)
      this.#fail(begun, new GoawayError('ERR_GOAWAY_CANCELLED', 'The routine was cancelled'))
    } else this.#call(begun, fn, packed.payload)
  }

  #call(begun: Begun, fn: RoutineFunction, payload: Payload): void {
    let result: unknown
    let pending: boolean
    try {
      const args = unpackPayload(payload) as never[]
      result = this.#inside(begun, () => fn(...args))
      pending = !begun.stream && isThenable(result)
    } catch (error) {
      return this.#fail(begun, error)
    }
    if (begun.stream) return this.#stream(begun, result)
    if (!pending) return this.#succeed(begun, result)
    // A promise as it is; any other thenable is called by the promise that this makes, and once.
    const promise = this.#inside(begun, () => Promise.resolve(result))
    promise.then(
      (value: unknown) => this.#succeed(begun, value),
      (error: unknown) => this.#fail(begun, error),
    )
  }

  /** Runs code of a routine: its scope is known to it, and it to whoever looks for a culprit. */
  #inside<T>(begun: Begun, act: () => T): T {
    const { words } = this.#client.channel.shared
    Atomics.store(words, wordRunning, begun.slot + 1)
    try {
      return scopes.run(begun.scope, act)
    } finally {
      Atomics.store(words, wordRunning, 0)
    }
  }

  #stream(begun: Begun, iterator: unknown): void {
    const producer = new Producer(iterator as AsyncIterator<unknown> | Iterator<unknown>, {
      run: (act) => this.#inside(begun, act),
      value: (value) => {
        const payload = packPayload(value, 'yielded value')
        if (!begun.over) this.#report(['yield', begun.routine, payload])
      },
      done: (value) => this.#succeed(begun, value),
      failed: (error) => this.#fail(begun, error),
    })
    begun.producer = producer
    if (begun.finishing) producer.finish()
    else if (begun.credit > 0) producer.addCredit(begun.credit)
  }

  #succeed(begun: Begun, value: unknown): void {
    if (begun.over) return
    let message: ReportMessage
    try {
      message = ['done', begun.routine, packOutcome(value)]
    } catch (error) {
      return this.#fail(begun, error)
    }
    this.#end(begun, message)
  }

  #fail(begun: Begun, error: unknown): void {
    if (begun.over) return
    const { node, thread, attempt } = begun.context
    const record = withDetails(recordOf(error), { node, thread, attempt })
    this.#end(begun, ['failed', begun.routine, record])
  }

  #end(begun: Begun, message: ReportMessage): void {
    begun.over = true
    this.#begun.delete(begun.routine)
    if (begun.packed !== undefined) dropPayload(begun.packed.payload)
    begun.packed = undefined
    this.#place.beforeEnd?.()
    this.#report(message)
    endScope(begun.scope)
    if (this.#current !== begun) return
    this.#current = undefined
    // A routine that ended while it was being started is in `pump` already.
    if (this.#waiting.length > 0) this.#pumpSoon()
    // Its module may have failed to load: looks meanwhile did not say that its neighbours park.
    else this.checkLater()
  }

  #pumpSoon(): void {
    if (this.#pumping) return
    this.#pumping = true
    queueMicrotask(() => {
      this.#pumping = false
      this.pump()
    })
  }

  /** Something was delivered: tells, when the event loop has gone round, whether all is parked. */
  checkLater(): void {
    if (this.#checking || (this.#begun.size === 0 && this.#waiting.length === 0)) return
    this.#checking = true
    ;(this.#place.clock ?? realClock).setImmediate(() => {
      this.#checking = false
      const { enter } = this.#place
      if (enter === undefined) this.#check()
      else enter(() => this.#check())
    })
  }

  /** The event loop has gone round: whatever is still pending is parked. */
  #check(): void {
    if (this.#begun.size === 0) return this.pump()
    if (this.#current !== undefined && !this.#current.context.loading) this.#current = undefined
    if (this.#current !== undefined) return
    const returned: number[] = []
    const kept: Waiting[] = []
    const { shared } = this.#client.channel
    for (const waiting of this.#waiting) {
      const { order } = waiting
      if ((order[6] & flagShare) !== 0) kept.push(waiting)
      else if (shared.claim(order[2], order[3])) returned.push(order[1])
    }
    this.#waiting = kept
    if (kept.length > 0) {
      if (returned.length > 0) this.#report(['parked', returned, -1])
      return this.pump()
    }
    const { deliveries } = this.#client
    Atomics.store(shared.words, wordParkedAt, deliveries)
    if (returned.length > 0 || Atomics.load(shared.words, wordDemand) === 1) {
      this.#report(['parked', returned, deliveries])
    }
  }

  /** The routine of the calling code, unless that is over or was left by an earlier attempt. */
  begunOf(scope: Scope | undefined): Begun | undefined {
    const begun = scope === undefined ? undefined : this.#begun.get(scope.owner)
    return begun?.scope === scope ? begun : undefined
  }

  /** Whether the routine of the calling code is over, or was asked to stop. */
  isStopping(scope: Scope | undefined): boolean {
    return scope !== undefined && this.begunOf(scope)?.context.isStopping() !== false
  }

  /** Fails a routine whose code threw where nobody could catch it. */
  failRoutine(scope: Scope | undefined, error: unknown): boolean {
    const begun = this.begunOf(scope)
    if (begun === undefined) return false
    this.#fail(begun, error)
    return true
  }

  #report(message: ReportMessage): void {
    if (this.#client.lost === undefined) this.#client.send(message)
  }
}

/** Of a list of items, one whose result cannot be passed must not take the others with it. */
function packOutcome(value: unknown): Payload {
  if (!isItemsResult(value)) return packPayload(value, 'result')
  try {
    return packList(value, 'result')
  } catch {
    return packList(withoutRefused(value), 'result')
  }
}

function isThenable(value: unknown): value is PromiseLike<unknown> {
  if (typeof value !== 'object' && typeof value !== 'function') return false
  return value !== null && typeof (value as { then?: unknown }).then === 'function'
}
