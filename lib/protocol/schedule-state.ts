/** What the schedule machine remembers. Plain data: an explorer copies, compares and hashes it. */
import { slotsPerThreadMax } from '../limits.ts'

export interface ScheduleParameters {
  /** Threads that may run at a time. */
  readonly threads: number
  /** Threads, blocked ones not counted, before parked routines share. */
  readonly threadsMax: number
  /** Threads in all. */
  readonly threadsCeiling: number
  /** Routines that a running thread may get in advance. */
  readonly window: number
}

export interface RoutineState {
  readonly id: number
  readonly child: boolean
  readonly priority: number
  readonly isolate: boolean
  /** Routines of one function are alike. */
  readonly fn: string
  /** 0: queued. */
  thread: number
}

export interface ThreadState {
  readonly id: number
  phase: 'opening' | 'open' | 'closing'
  /** Its event loop was idle when it was last heard of. */
  parked: boolean
  blocked: boolean
  /** Holds an isolated routine. */
  exclusive: boolean
  /** Was given routines although it had parked ones: what it gets begins beside them. */
  sharing: boolean
  /** The function of all that it holds; empty if they are not alike. */
  fn: string
  /** Routines it has: begun, parked, or assigned in advance. */
  held: Set<number>
  /** Those of `held` that may not have begun, in the order in which they will. */
  unbegun: number[]
}

/** A queue that also takes back what was given out, at its front. */
export interface Lane {
  readonly priority: number
  /** Children: the last is next. */
  children: number[]
  /** Roots from `rootsHead` on: the first is next. */
  roots: number[]
  rootsHead: number
}

export interface ScheduleState {
  readonly parameters: ScheduleParameters
  threads: Map<number, ThreadState>
  routines: Map<number, RoutineState>
  /** By falling priority. */
  lanes: Lane[]
  queued: number
  nextThread: number
  /** A routine came that goes before some that may be in a window. */
  upset: boolean
}

export function isIdle(thread: ThreadState): boolean {
  return thread.phase === 'open' && !thread.blocked && thread.held.size === 0
}

export function isRunning(thread: ThreadState): boolean {
  if (thread.phase === 'opening') return true
  return thread.phase === 'open' && !thread.blocked && !thread.parked && thread.held.size > 0
}

export function canShare(thread: ThreadState): boolean {
  return (
    thread.phase === 'open' &&
    thread.parked &&
    !thread.blocked &&
    !thread.exclusive &&
    thread.held.size < slotsPerThreadMax
  )
}
