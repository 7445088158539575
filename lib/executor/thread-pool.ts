/** What an executor asks of whoever makes threads. */
import type { HistoryTarget } from '../history/recorder.ts'
import type { ThreadPort } from '../wire/messages.ts'

/** What a thread is given to start with, beside its port. */
export interface ThreadStart {
  readonly words: SharedArrayBuffer
  readonly hubWords: SharedArrayBuffer
  readonly client: number
  readonly node: string
  readonly thread: number
  /** Routines that the process runs at a time. */
  readonly threads: number
  readonly clustered: boolean
  /** The program's own arguments, at a node: its threads may be older than its application. */
  readonly argv?: readonly string[]
  /** The folder that the application's code lies in, at a node that was sent it. */
  readonly code?: string
  /** Where it records, if it is to. */
  readonly history?: HistoryTarget
  /** What its routines print goes to its hub, which has it written elsewhere. */
  readonly printsToHub: boolean
}

export interface PoolThread {
  /** The hub's end of the thread's port. */
  readonly port: ThreadPort
  /** Resolves when it was closed; rejects when it was killed, exited or ran out of memory. */
  readonly ended: Promise<void>
  kill(): void
}

export interface ThreadPool {
  open(start: ThreadStart): PoolThread
  /** Ends all threads at once. */
  destroy(): Promise<void>
}
