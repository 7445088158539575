/**
 * Every error that goaway makes. Match `code`, not the class and never the message: codes are
 * stable within a major version, messages are not. Each code has its cause and remedy in
 * `docs/errors.md`.
 */

/** What went wrong, as a stable word. */
export type GoawayErrorCode =
  | 'ERR_GOAWAY_BUNDLE'
  | 'ERR_GOAWAY_CANCELLED'
  | 'ERR_GOAWAY_CONFIG'
  | 'ERR_GOAWAY_DEADLOCK'
  | 'ERR_GOAWAY_FIELD_NAME'
  | 'ERR_GOAWAY_FUNCTION_AMBIGUOUS'
  | 'ERR_GOAWAY_FUNCTION_NOT_EXPORTED'
  | 'ERR_GOAWAY_FUNCTION_NOT_FOUND'
  | 'ERR_GOAWAY_HISTORY'
  | 'ERR_GOAWAY_HUB_LOST'
  | 'ERR_GOAWAY_ITEMS'
  | 'ERR_GOAWAY_LAUNCH'
  | 'ERR_GOAWAY_LIMIT'
  | 'ERR_GOAWAY_LINK_LOST'
  | 'ERR_GOAWAY_LOCK_HELD'
  | 'ERR_GOAWAY_LOCK_NOT_HELD'
  | 'ERR_GOAWAY_MASTER_LOST'
  | 'ERR_GOAWAY_MODULE_LOAD'
  | 'ERR_GOAWAY_NODE_BUSY'
  | 'ERR_GOAWAY_NODE_DUPLICATE'
  | 'ERR_GOAWAY_NODE_LOST'
  | 'ERR_GOAWAY_NODE_UNREACHABLE'
  | 'ERR_GOAWAY_NOT_A_NUMBER'
  | 'ERR_GOAWAY_NOT_SPAWNER'
  | 'ERR_GOAWAY_PROTOCOL'
  | 'ERR_GOAWAY_QUEUE_TIMEOUT'
  | 'ERR_GOAWAY_ROUTINE'
  | 'ERR_GOAWAY_SECRET'
  | 'ERR_GOAWAY_SESSION_LOST'
  | 'ERR_GOAWAY_SHUTDOWN'
  | 'ERR_GOAWAY_STALE_TOKEN'
  | 'ERR_GOAWAY_THREAD_LOST'
  | 'ERR_GOAWAY_TIMEOUT'
  | 'ERR_GOAWAY_UNSUPPORTED'
  | 'ERR_GOAWAY_VALUE'
  | 'ERR_GOAWAY_VERSION'

/** What a {@link GoawayError} may carry beside its message. */
export interface GoawayErrorDetails {
  cause?: unknown
  /** The routine may have run, wholly or in part: running it again may do its work twice. */
  maybeExecuted?: boolean
  /** Id of the routine that the error is about. */
  routine?: number
  /** Name of the node the routine ran on. */
  node?: string
  /** Number of the thread the routine ran on. */
  thread?: number
  /** Which attempt failed, from 1. */
  attempt?: number
  /** Of `map`: index of the item that the error is about, or of the first of several. */
  index?: number
  /** Of `map`: how many items the error is about, if not one. */
  items?: number
}

const brand = Symbol.for('goaway.error')

/**
 * The base of every error that goaway makes or hands on. An error that a routine threw keeps its
 * own class where that is a builtin (`TypeError`), its name, message, stack and properties, and is
 * a `GoawayError` as well: `instanceof` looks at a brand, so that both tests hold.
 */
export class GoawayError extends Error {
  /** One of {@link GoawayErrorCode}; for a routine's own error that has a `code`, that code. */
  readonly code: GoawayErrorCode
  declare readonly maybeExecuted?: boolean
  declare readonly routine?: number
  declare readonly node?: string
  declare readonly thread?: number
  declare readonly attempt?: number
  declare readonly index?: number
  declare readonly items?: number

  constructor(code: GoawayErrorCode, message: string, details: GoawayErrorDetails = {}) {
    const { cause, ...rest } = details
    super(message, cause === undefined ? undefined : { cause })
    this.code = code
    Object.assign(this, rest)
    brandError(this)
  }

  static override [Symbol.hasInstance](value: unknown): boolean {
    return typeof value === 'object' && value !== null && brand in value
  }
}

Object.defineProperty(GoawayError.prototype, 'name', {
  value: 'GoawayError',
  writable: true,
  configurable: true,
})

/** Marks an error as one of ours without changing its class. */
export function brandError<E extends object>(error: E): E {
  Object.defineProperty(error, brand, { value: true, enumerable: false, configurable: true })
  return error
}

/** Whether the value is a GoawayError, with the code if one is given. */
export function isGoawayError(value: unknown, code?: GoawayErrorCode): value is GoawayError {
  return value instanceof GoawayError && (code === undefined || value.code === code)
}
