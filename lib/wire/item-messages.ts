/** What travels between a `map` and the routines that are its chunks: arguments and results. */
import type { ErrorRecord } from './error-record.ts'

/** What a routine over items is given. */
export type ItemsArguments = readonly [
  items: readonly unknown[],
  /** The index of the first, or of each where they do not follow one another. */
  indexes: number | readonly number[],
  /** From 1. */
  attempt: number,
  /** It goes on behind an item that fails. */
  goesOn: boolean,
]

/** Of an item that failed: its place in the list. */
export type ItemFailure = readonly [at: number, error: ErrorRecord]

/** What a routine over items ends with: all but what failed, and how long it took. */
export type ItemsResult = readonly [
  results: readonly unknown[],
  failures: readonly ItemFailure[],
  elapsedMs: number,
]
