/** A node as whoever places routines sees it. */
import type { ErrorRecord } from '../wire/error-record.ts'
import type { Payload } from '../wire/messages.ts'
import type { Report, Task } from './contract.ts'

export interface RemoteNode {
  readonly place: number
  /** Its number in the cluster file; 0 the spawner. */
  readonly index: number
  readonly name: string
  readonly labels: readonly string[]
  /** Routines that it runs at a time; 0: only what is to run where it was started. */
  readonly threads: number
  /** It is in this process: a value on a port can be handed to it. */
  readonly takesPorts: boolean
  /** Sends it a routine; `attempt` counts the attempts that were made elsewhere before. */
  order(task: Task, attempt: number, waitedMs: number): void
  cancel(routine: number, reason: ErrorRecord, graceMs: number): void
  credit(routine: number, values: number): void
  finish(routine: number): void
  /**
   * Asks for what has not begun of the routines that it was sent, so many at most. Answered by
   * `returned` for each, and by `recalled` in the end.
   */
  recall(most: number, terms: RecallTerms): void
}

/** What is asked of a node that is to give routines back. */
export interface RecallTerms {
  /** Of the node that is to have them: they have to be such as may go there. */
  readonly name: string
  readonly labels: readonly string[]
  /** Routines that it was sent so far. */
  readonly sent: number
}

/** What a node tells of the routines it was sent. */
export interface NodeReport extends Report {
  /**
   * So many routines it may have been sent in all; routines of others for each of its threads;
   * threads that would begin one at once; routines that have arrived there.
   */
  room(allowed: number, load: number, idle: number, arrived: number): void
  /** The routine has not begun, and never will there. */
  returned(routine: number, payload: Payload): void
  /** The answer to `recall`: see the message `recalled`. */
  recalled(arrived: number, left: number): void
}
