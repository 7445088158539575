/** What a `map` that collects its errors rejects with at its end. */
import { GoawayError } from '../errors.ts'
import { mapErrorsMax } from '../limits.ts'

/** An item that failed. */
export interface MapFailure {
  readonly index: number
  readonly error: GoawayError
}

/** An error of code ERR_GOAWAY_ITEMS: some items of a `map` failed. */
export interface MapError extends GoawayError {
  /** By index. Items that a lost thread had together have the same error. */
  readonly failures: readonly MapFailure[]
  /** Their errors, as of an `AggregateError`. */
  readonly errors: readonly GoawayError[]
  /**
   * What the others came to, `undefined` in the place of those that failed; empty where the results
   * were read one by one. It stays behind when the error leaves its thread.
   */
  readonly results: readonly unknown[]
}

export function mapError(
  collected: readonly MapFailure[],
  done: number,
  results: readonly unknown[],
): MapError {
  const failures = [...collected].sort((one, other) => one.index - other.index)
  const [first] = failures as [MapFailure, ...MapFailure[]]
  const rest = failures.length > mapErrorsMax ? '; the map was stopped at so many' : ''
  const text =
    `map() could not do all items: ${failures.length} of ${done} failed${rest}; the first, ` +
    `index ${first.index}: ${first.error.message}; see its failures`
  const error = new GoawayError('ERR_GOAWAY_ITEMS', text, { cause: first.error })
  const define = (key: keyof MapError, value: unknown): void => {
    Object.defineProperty(error, key, { value, writable: true, configurable: true })
  }
  define('errors', [...new Set(failures.map((failure) => failure.error))])
  define('results', results)
  return Object.assign(error, { failures }) as unknown as MapError
}
