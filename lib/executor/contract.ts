/**
 * The contract of an executor: what runs routines. `goaway` does not know which one it has. The
 * default hands routines to the hub, whose ThreadExecutor runs them on this machine's threads.
 *
 * For every task it takes, an executor calls `settled` exactly once, whatever happens. It never
 * throws for what a function does, and never runs a task again unless `terms.attemptsMax` allows
 * it; nor one whose arguments lie on a port, for they can be read once, or of whose generator a
 * value was told. A task whose address has `items` is a chunk of `map`: its arguments and result
 * are those of `lib/wire/item-messages.ts`, and its function is called for each item.
 * `test/executor/suite.ts` is the contract as tests.
 */
import type { ErrorRecord } from '../wire/error-record.ts'
import type { FunctionAddress, Payload, RoutineTerms } from '../wire/messages.ts'

/** One routine, ready to run. */
export interface Task {
  /** Unique in the process. */
  readonly routine: number
  /** The routine that asked for it, 0 outside of any. */
  readonly owner: number
  readonly address: FunctionAddress
  /** Packed arguments. */
  readonly payload: Payload
  readonly terms: RoutineTerms
  /** Attempts that were made elsewhere before. @default 0 */
  readonly attempt?: number
  /** Milliseconds it has waited elsewhere for its start. @default 0 */
  readonly waitedMs?: number
}

/** How a routine ended: with its packed result, or with an error. */
export type Outcome =
  | { readonly ok: true; readonly payload: Payload }
  | { readonly ok: false; readonly error: ErrorRecord }

/** What an executor tells of its tasks. */
export interface Report {
  /** It runs. May be left out for one that ends at once. */
  started(routine: number, node: string, thread: number, attempt: number): void
  /** A value of its generator; never more than the credit that was given. */
  value(routine: number, payload: Payload): void
  settled(routine: number, outcome: Outcome): void
}

export interface Executor {
  submit(task: Task): void
  /**
   * Asks it to stop; after `graceMs` it is stopped by force. One that has not begun never begins.
   */
  cancel(routine: number, reason: ErrorRecord, graceMs: number): void
  /** So many more values of its generator are wanted. */
  credit(routine: number, values: number): void
  /** No more values of its generator are wanted: it is to clean up and end. */
  finish(routine: number): void
  /** Lets what runs end for `graceMs`, then stops it. Resolves when nothing of it is left. */
  close(graceMs: number): Promise<void>
}

/** Makes an executor that tells `report` of its tasks: what `init({ executor })` takes. */
export type ExecutorFactory = (report: Report) => Executor
