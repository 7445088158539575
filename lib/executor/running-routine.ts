/** A routine as the executor of this node keeps it, from its submission until it is settled. */
import { recordOf } from '../client/error-codec.ts'
import type { Timer } from '../clock.ts'
import { GoawayError, type GoawayErrorCode, type GoawayErrorDetails } from '../errors.ts'
import { queuedRoutinesMax } from '../limits.ts'
import type { ErrorRecord } from '../wire/error-record.ts'
import type { Task } from './contract.ts'

export interface RunningRoutine {
  readonly task: Task
  attempt: number
  /** 0 while it is queued. */
  thread: number
  slot: number
  ticket: number
  /** Known to its caller as running. */
  announced: boolean
  /** Why it is being stopped, if it is. */
  stopping: ErrorRecord | undefined
  /** How it is to end if its thread gives it back: it has not begun, and is no longer to begin. */
  unwanted: ErrorRecord | undefined
  /** That is so for its time in the queue alone, and until it is known to have begun in time. */
  waitedTooLong: boolean
  queueTimer: Timer | undefined
  /** Ends its time to run, or its time to stop. */
  timer: Timer | undefined
  /** When its thread is killed, if it is being stopped. */
  killAt: number
  /** Values that its consumer wants and has not been sent. */
  credit: number
  /** A value of it has been sent: it cannot begin again from its first. */
  yielded: boolean
  /** Its arguments have left for its thread; they can be sent once only. */
  handedOver: boolean
}

export function queuedRoutine(task: Task): RunningRoutine {
  return {
    task,
    attempt: task.attempt ?? 0,
    thread: 0,
    slot: -1,
    ticket: 0,
    announced: false,
    stopping: undefined,
    unwanted: undefined,
    waitedTooLong: false,
    queueTimer: undefined,
    timer: undefined,
    killAt: Infinity,
    credit: 0,
    yielded: false,
    handedOver: false,
  }
}

/** What messages call it. */
export function titleOf({ task }: { readonly task: Task }): string {
  return task.terms.name || task.address.name || task.address.module
}

export function failure(
  code: GoawayErrorCode,
  message: string,
  details: GoawayErrorDetails = {},
): ErrorRecord {
  return recordOf(new GoawayError(code, message, details))
}

/** Why a thread is gone, and what to do about it. */
export function whyLost(cause: unknown): string {
  if (!(cause instanceof Error)) return 'it was closed'
  const { code, message } = cause as NodeJS.ErrnoException
  if (code === 'ERR_WORKER_OUT_OF_MEMORY') {
    return `${message}; raise init({ resourceLimits: { maxOldGenerationSizeMb } }) or hold less`
  }
  if (/^worker exited with code/.test(message)) {
    return `${message}; process.exit() in a routine ends its thread: return or throw instead`
  }
  return message
}

/** Why an executor that has so many routines takes no other. */
export function overloaded(routines: number): ErrorRecord | undefined {
  if (routines < queuedRoutinesMax) return undefined
  const text = `${queuedRoutinesMax} are waiting or running; await some first`
  return failure('ERR_GOAWAY_LIMIT', `Cannot take another routine: ${text}`)
}

/** Why an executor that was closed takes no routine. */
export function notStarted(): GoawayError {
  const text = 'Cannot start a routine: shutdown() was called; call init() to start anew'
  return new GoawayError('ERR_GOAWAY_SHUTDOWN', text)
}
