/** What the spawner and a node say to each other of their application's recording. */

/** What a node has to know of its application's recording. */
export interface HistoryClaim {
  /** The spawner's file, beside which a node of the same machine has its part; else `null`. */
  readonly file: string | null
  /** The spawner's steady clock at time 0, in nanoseconds. */
  readonly origin: string
  /** Names the spawner's machine since its start; '' if that has no name. */
  readonly machine: string
}

export type HistoryMessage =
  /** How late the recording is: `asked` is the node's own clock. */
  | readonly ['clock?', asked: number]
  | readonly ['clock', asked: number, now: number]
  /** Which parts of the recording are there, and what is in them, piece by piece. */
  | readonly ['parts?']
  | readonly ['parts', parts: readonly string[]]
  | readonly ['fetch', part: string, offset: number]
  /** Nothing: the part ends here. */
  | readonly ['piece', bytes: Uint8Array]
  /** They need not be kept; answered with no parts. */
  | readonly ['fetched']
