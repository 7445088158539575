/** What is said of a routine beside its arguments: what it runs, and by which terms. */

/**
 * How long, and under what conditions, a routine may wait and run. Times in milliseconds, 0: no
 * limit.
 */
export interface RoutineTerms {
  readonly graceMs: number
  readonly timeoutMs: number
  readonly queueTimeoutMs: number
  readonly priority: number
  readonly isolate: boolean
  readonly attemptsMax: number
  readonly name: string
  /** Where it may run: '' anywhere, 'local' where it was started, or a node's name, or a label. */
  readonly on: string
  /**
   * The name of a node that it had better not run on, '' for none: if another may run it, it goes
   * there only while that one has nothing to do.
   */
  readonly apart: string
}

/**
 * Where a function is found: plain data, made in the calling thread, matched in the one that runs
 * it.
 */
export interface FunctionAddress {
  /** All that tells this function from others in one string. */
  readonly key: string
  /** `file:` URL of the module, with its query. */
  readonly module: string
  /** The function's own `name`, which need not be the name it is exported by. */
  readonly name: string
  /** Where it is certain. A CommonJS module's exports count; `default` may be `module.exports`. */
  readonly exportName?: string
  /** Where V8 says that its parameters begin, from 0; -1 if nobody asked V8. */
  readonly line: number
  readonly column: number
  /** Hash of the function's text. */
  readonly fingerprint: string
  readonly kind: 'function' | 'generator' | 'async-generator'
  /** The function is called for each of a list of items: a routine is a chunk of `map`. */
  readonly items?: true
}
