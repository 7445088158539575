/** What a routine knows of itself: `context()`. */
import { errorOf } from '../client/error-codec.ts'
import { GoawayError } from '../errors.ts'
import type { ErrorRecord } from '../wire/error-record.ts'
import type { ThreadWords } from '../wire/shared-words.ts'

export interface RoutinePlace {
  readonly id: number
  readonly attempt: number
  readonly node: string
  readonly thread: number
  readonly slot: number
  readonly ticket: number
}

export class RoutineContext {
  /** The routine's id, the same its caller sees. */
  readonly id: number
  /** Which attempt this is, from 1. That of items is counted by their `map`. */
  attempt: number
  /** Name of the node it runs on. */
  readonly node: string
  /** Number of the thread it runs on. */
  readonly thread: number
  /** While its module is being loaded the routine counts as running. */
  loading = false
  readonly #slot: number
  readonly #ticket: number
  readonly #words: ThreadWords
  #controller: AbortController | undefined
  #reason: GoawayError | undefined
  #noticed = false

  constructor(place: RoutinePlace, words: ThreadWords) {
    this.id = place.id
    this.attempt = place.attempt
    this.node = place.node
    this.thread = place.thread
    this.#slot = place.slot
    this.#ticket = place.ticket
    this.#words = words
    Object.defineProperty(this, 'loading', { enumerable: false })
  }

  /**
   * Whether the routine was cancelled or has run into its timeout. Reads shared memory: a loop that
   * never awaits sees it at once.
   */
  get cancelled(): boolean {
    if (this.isStopping()) this.#noticed = true
    return this.#noticed
  }

  /** The same, without the routine's noticing it. */
  isStopping(): boolean {
    return this.#reason !== undefined || this.#words.cancelled(this.#slot, this.#ticket)
  }

  /**
   * Whether the routine's code has been told that it is to stop, and does knowingly what it does.
   */
  get noticed(): boolean {
    return this.#noticed
  }

  /** Aborts when the routine is cancelled; its `aborted` is as prompt as `cancelled`. */
  get signal(): AbortSignal {
    if (this.#controller === undefined) this.#controller = this.#makeController()
    return this.#controller.signal
  }

  #makeController(): AbortController {
    const controller = new AbortController()
    const { signal } = controller
    const native = Object.getOwnPropertyDescriptor(AbortSignal.prototype, 'aborted')
    Object.defineProperties(signal, {
      aborted: {
        configurable: true,
        get: () => {
          const aborted = native?.get?.call(signal) === true
          if (!aborted && this.cancelled) this.#abortNow(controller)
          return aborted || this.cancelled
        },
      },
      throwIfAborted: {
        configurable: true,
        value: () => {
          if (signal.aborted) throw signal.reason
        },
      },
    })
    if (this.isStopping()) this.#abortNow(controller)
    return controller
  }

  #abortNow(controller: AbortController): void {
    this.#noticed = true
    controller.abort(
      this.#reason ?? new GoawayError('ERR_GOAWAY_CANCELLED', 'The routine was cancelled'),
    )
  }

  /** The hub's message, for whoever waits on the signal. */
  abort(reason: ErrorRecord): void {
    this.#reason = errorOf(reason)
    const controller = this.#controller
    if (controller !== undefined) this.#abortNow(controller)
  }
}
