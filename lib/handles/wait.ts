/** Calls that wait for something to happen, with an end to the waiting. */
import type { Node } from '../client/current.ts'
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
}

export function deadlineOf(options: WaitOptions): Deadline {
  const { timeoutMs } = options
  return { options, at: timeoutMs === undefined ? Infinity : performance.now() + timeoutMs }
}

/**
 * Asks, and gives up at the deadline or when the signal aborts. The master decides which came first: if
 * the answer was on its way, `late` undoes what it brought, and the wait has failed all the same.
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
    )
    const left = Math.max(0, deadline.at - performance.now())
    const timer = deadline.at === Infinity ? undefined : setTimeout(giveUp, left)
    signal?.addEventListener('abort', giveUp, { once: true })
  })
}
