/** Calls that wait for something to happen, with an end to the waiting. */
import type { Node } from '../client/current.ts'
import type { BlockingLimit } from '../client/hub-client.ts'
import { GoawayError } from '../errors.ts'
import { timerMsMax } from '../limits.ts'
import type { Answer, Operation } from '../wire/messages.ts'
import { gaveUp } from './object-core.ts'

/** When to stop waiting. */
export interface WaitOptions {
  /** Gives up when it aborts: ERR_GOAWAY_CANCELLED. */
  signal?: AbortSignal
  /** Gives up after so many milliseconds: ERR_GOAWAY_TIMEOUT. @default no limit */
  timeoutMs?: number
}

export function checkWaitOptions(what: string, options: WaitOptions): void {
  const { signal, timeoutMs } = options
  if (timeoutMs !== undefined && !(timeoutMs >= 0 && timeoutMs <= timerMsMax)) {
    throw new RangeError(`${what}: timeoutMs has to be 0 to ${timerMsMax}: ${timeoutMs}`)
  }
  if (signal !== undefined && typeof signal.addEventListener !== 'function') {
    throw new TypeError(`${what}: signal has to be an AbortSignal: ${signal}`)
  }
}

/** What is left of a limit that began at some time. */
export interface Deadline {
  readonly options: WaitOptions
  readonly at: number
  /** The program need not stay for an answer that nobody may ever give. */
  readonly background?: boolean
}

export function deadlineOf(options: WaitOptions): Deadline {
  const { timeoutMs } = options
  return { options, at: timeoutMs === undefined ? Infinity : performance.now() + timeoutMs }
}

/** The deadline as a limit of a blocking call; undefined if there is none. */
export function blockingLimit(what: string, { at, options }: Deadline): BlockingLimit | undefined {
  if (at === Infinity) return undefined
  const timeoutMs = Math.max(0, at - performance.now())
  return { timeoutMs, expired: () => gaveUp(what, options) }
}

/** A blocked thread sees no events: a signal is looked at before it blocks. */
export function checkSignal(what: string, options: WaitOptions): void {
  if (options.signal?.aborted === true) throw gaveUp(what, options, options.signal)
}

/**
 * Asks, and gives up at the deadline or when the signal aborts. The master decides which came
 * first: if the answer was on its way, `late` undoes what it brought, and the wait has failed all
 * the same.
 */
export function askWithin(
  node: Node,
  owner: number,
  operation: Operation,
  deadline: Deadline,
  what: string,
  late: (answer: Answer) => void = () => {},
): Promise<Answer> {
  const { signal } = deadline.options
  if (signal === undefined && deadline.at === Infinity)
    return node.client.askAsync(owner, operation)
  if (signal?.aborted === true) return Promise.reject(gaveUp(what, deadline.options, signal))
  return new Promise((resolve, reject) => {
    let over = false
    let timer: NodeJS.Timeout | undefined
    const giveUp = (): void => {
      over = true
      node.client.forget(call)
    }
    const clean = (): void => {
      clearTimeout(timer)
      signal?.removeEventListener('abort', giveUp)
    }
    const call = node.client.ask(
      owner,
      operation,
      (answer) => {
        clean()
        if (!over) return resolve(answer)
        late(answer)
        reject(gaveUp(what, deadline.options, signal))
      },
      (error) => {
        clean()
        const given = over && error instanceof GoawayError && error.code === 'ERR_GOAWAY_TIMEOUT'
        reject(given ? gaveUp(what, deadline.options, signal) : error)
      },
      // A thread lives as long as its port: only the program ends when nothing is pending.
      deadline.background === true && node.thread === 0,
    )
    // Refused at once: there is no hub.
    if (call === 0) return
    const left = Math.max(0, deadline.at - performance.now())
    if (deadline.at !== Infinity) timer = setTimeout(giveUp, left)
    signal?.addEventListener('abort', giveUp, { once: true })
  })
}

/** Waits for what this thread itself brings about, and gives up as {@link askWithin} does. */
export function within(over: Promise<void>, deadline: Deadline, what: string): Promise<void> {
  const { signal } = deadline.options
  if (signal === undefined && deadline.at === Infinity) return over
  if (signal?.aborted === true) return Promise.reject(gaveUp(what, deadline.options, signal))
  return new Promise((resolve, reject) => {
    const giveUp = (): void => {
      clean()
      reject(gaveUp(what, deadline.options, signal))
    }
    const left = Math.max(0, deadline.at - performance.now())
    const timer = deadline.at === Infinity ? undefined : setTimeout(giveUp, left)
    const clean = (): void => {
      clearTimeout(timer)
      signal?.removeEventListener('abort', giveUp)
    }
    signal?.addEventListener('abort', giveUp, { once: true })
    over.then(() => {
      clean()
      resolve()
    })
  })
}
