import type { HistoryOperation } from './format.ts'

/** An operation on its way into a history. */
export interface Entry {
  readonly operation: HistoryOperation
  /** Who recorded it; '' for a line of a finished history. */
  readonly recorder: string
  /** The one who asked, by a name of its own. */
  readonly caller: string
  /** By the clock of its own machine. */
  readonly ownStart: number
  /** By the first machine's, with what is not known of it; Infinity without an answer. */
  readonly start: number
  readonly end: number
}
