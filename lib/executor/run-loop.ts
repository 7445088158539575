/**
 * What runs in a pool thread: takes assigned routines in order, starts each on its own, and reports.
 *
 * A routine is *parked* when it is still pending after the event loop has gone round once. Until then
 * nothing else begins; then what was assigned and has not begun goes back to the scheduler, unless it
 * said that it may share the thread. `wordParkedAt` tells the scheduler, without a message, that all
 * that it has delivered so far has been taken and that nothing runs.
 */
import { recordOf, withDetails } from '../client/error-codec.ts'
import type { HubClient } from '../client/hub-client.ts'
import { dropPayload, packPayload, unpackPayload } from '../client/payload.ts'
import { type Scope, scopes } from '../client/scope.ts'
import {
  type FunctionAddress,
  flagReportStart,
  flagShare,
  flagStream,
  type ReportMessage,
  type RunMessage,
} from '../wire/messages.ts'
import { wordDemand, wordParkedAt, wordRunning } from '../wire/shared-words.ts'
import { Producer } from './producer.ts'
import { resolveFunction } from './resolve-function.ts'
import { RoutineContext } from './routine-context.ts'

type RunOrder = Extract<RunMessage, readonly ['run', ...unknown[]]>

/** A routine that has begun and is not over. */
export interface Begun {
  readonly routine: number
  readonly slot: number
  readonly context: RoutineContext
  readonly scope: Scope
  producer: Producer | undefined
  /** Over: what it still does is of no interest. */
  over: boolean
}

export class RunLoop {
  readonly #client: HubClient
  readonly #place: { node: string; thread: number }
  readonly #functions = new Map<number, FunctionAddress>()
  readonly #begun = new Map<number, Begun>()
  readonly #credit = new Map<number, number>()
  #waiting: RunOrder[] = []
  /** Begun, and not known to be parked: nothing else begins beside it. */
  #current: Begun | undefined
  #checking = false

  constructor(client: HubClient, place: { node: string; thread: number }) {
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
        this.#waiting.push(message)
        return true
      case 'abort':
        this.#begun.get(message[1])?.context.abort(message[2])
        return true
      case 'credit':
        this.#addCredit(message[1], message[2])
        return true
      case 'finish':
        this.#begun.get(message[1])?.producer?.finish()
        return true
      default:
        return false
    }
  }

  /** Called when all messages of a delivery are taken. */
  pump(): void {
    while (this.#current === undefined && this.#waiting.length > 0) {
      const order = this.#waiting.shift() as RunOrder
      if (this.#begun.size > 0 && (order[6] & flagShare) === 0) {
        this.#waiting.unshift(order)
        break
      }
      this.#start(order)
    }
    this.#checkLater()
  }

  #addCredit(routine: number, values: number): void {
    const producer = this.#begun.get(routine)?.producer
    if (producer !== undefined) producer.addCredit(values)
    else if (this.#begun.has(routine) || this.#waiting.some((order) => order[1] === routine)) {
      this.#credit.set(routine, (this.#credit.get(routine) ?? 0) + values)
    }
  }

  #start(order: RunOrder): void {
    const [, routine, slot, ticket, fn, attempt, flags, payload] = order
    const { shared } = this.#client.channel
    // Lost: the scheduler has taken it back.
    if (!shared.claim(slot, ticket)) return
    const context = new RoutineContext(
      { id: routine, attempt, slot, ticket, ...this.#place },
      shared,
    )
    const scope: Scope = { owner: routine, held: new Map(), context }
    const begun: Begun = { routine, slot, context, scope, producer: undefined, over: false }
    this.#begun.set(routine, begun)
    this.#current = begun
    if ((flags & flagReportStart) !== 0) this.#report(['began', routine])
    let found: ReturnType<typeof resolveFunction>
    try {
      found = resolveFunction(this.#functions.get(fn) as FunctionAddress)
    } catch (error) {
      dropPayload(payload)
      return this.#fail(begun, error)
    }
    const stream = (flags & flagStream) !== 0
    context.loading = typeof found !== 'function'
    if (typeof found === 'function') return this.#call(begun, found, payload, stream)
    found.then(
      (loaded) => {
        context.loading = false
        this.#call(begun, loaded, payload, stream)
        // The loop went round while the module was loading, and may not go round again soon.
        this.#checkLater()
      },
      (error: unknown) => {
        dropPayload(payload)
        this.#fail(begun, error)
      },
    )
  }

  #call(
    begun: Begun,
    fn: (...args: never[]) => unknown,
    payload: RunOrder[7],
    stream: boolean,
  ): void {
    const { words } = this.#client.channel.shared
    let result: unknown
    try {
      const args = unpackPayload(payload) as never[]
      Atomics.store(words, wordRunning, begun.slot + 1)
      result = scopes.run(begun.scope, fn, ...args)
    } catch (error) {
      Atomics.store(words, wordRunning, 0)
      return this.#fail(begun, error)
    }
    Atomics.store(words, wordRunning, 0)
    if (stream) return this.#stream(begun, result)
    if (!isThenable(result)) return this.#succeed(begun, result)
    result.then(
      (value: unknown) => this.#succeed(begun, value),
      (error: unknown) => this.#fail(begun, error),
    )
  }

  #stream(begun: Begun, iterator: unknown): void {
    begun.producer = new Producer(iterator as AsyncIterator<unknown> | Iterator<unknown>, {
      run: (act) => scopes.run(begun.scope, act),
      value: (value) => this.#report(['yield', begun.routine, packPayload(value, 'yielded value')]),
      done: (value) => this.#succeed(begun, value),
      failed: (error) => this.#fail(begun, error),
    })
    begun.producer.addCredit(this.#credit.get(begun.routine) ?? 0)
    this.#credit.delete(begun.routine)
  }

  #succeed(begun: Begun, value: unknown): void {
    if (begun.over) return
    let message: ReportMessage
    try {
      message = ['done', begun.routine, packPayload(value, 'result')]
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
    this.#credit.delete(begun.routine)
    this.#report(message)
    if (this.#current !== begun) return
    this.#current = undefined
    // A routine that ended while it was being started is in `pump` already.
    if (this.#waiting.length > 0) this.#pumpSoon()
  }

  #pumping = false

  #pumpSoon(): void {
    if (this.#pumping) return
    this.#pumping = true
    queueMicrotask(() => {
      this.#pumping = false
      this.pump()
    })
  }

  #checkLater(): void {
    if (this.#checking || (this.#begun.size === 0 && this.#waiting.length === 0)) return
    this.#checking = true
    setImmediate(() => {
      this.#checking = false
      this.#check()
    })
  }

  /** The event loop has gone round: whatever is still pending is parked. */
  #check(): void {
    if (this.#begun.size === 0) return this.pump()
    if (this.#current !== undefined && !this.#current.context.loading) this.#current = undefined
    if (this.#current !== undefined) return
    const returned: number[] = []
    const kept: RunOrder[] = []
    const { shared } = this.#client.channel
    for (const order of this.#waiting) {
      if ((order[6] & flagShare) !== 0) kept.push(order)
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

  /** The routine of the calling code, if it is one that is not over. */
  begunOf(routine: number): Begun | undefined {
    return this.#begun.get(routine)
  }

  /** Whether the routine of the calling code is over, or was asked to stop. */
  isStopping(routine: number): boolean {
    return routine !== 0 && this.#begun.get(routine)?.context.cancelled !== false
  }

  /** Fails a routine whose code threw where nobody could catch it. */
  failRoutine(routine: number, error: unknown): boolean {
    const begun = this.#begun.get(routine)
    if (begun === undefined) return false
    this.#fail(begun, error)
    return true
  }

  #report(message: ReportMessage): void {
    if (this.#client.lost === undefined) this.#client.send(message)
  }
}

function isThenable(value: unknown): value is PromiseLike<unknown> {
  if (typeof value !== 'object' && typeof value !== 'function') return false
  return value !== null && typeof (value as { then?: unknown }).then === 'function'
}
