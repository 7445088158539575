/** What waits in the schedule, and what runs. */
import { isRunning, type ScheduleState, type ThreadState } from './schedule-state.ts'

/** Routines that have not begun: queued, or behind another on a thread. */
export function countWaiting(state: ScheduleState): number {
  let waiting = state.queued
  for (const { held, unbegun } of state.threads.values()) {
    waiting += unbegun.length
    // The first on a thread without another has begun, or is about to.
    if (unbegun.length > 0 && held.size === unbegun.length) waiting--
  }
  return waiting
}

/** Threads that run, by what is known of them. */
export function countRunning(state: ScheduleState): number {
  let running = 0
  for (const thread of state.threads.values()) if (isRunning(thread)) running++
  return running
}

/** What is behind the routine that the thread has begun, or is about to begin. */
export function behind(thread: ThreadState): number[] {
  return thread.held.size > thread.unbegun.length ? thread.unbegun : thread.unbegun.slice(1)
}

/** Whether a routine waits behind another: whoever parks meanwhile makes room for it. */
export function hasBehind(state: ScheduleState): boolean {
  for (const thread of state.threads.values()) if (behind(thread).length > 0) return true
  return false
}

/**
 * Routines that have not begun, but for those that a thread is about to begin: first those that
 * would begin last.
 */
export function* lastFirst(state: ScheduleState): Generator<number> {
  for (const { children, roots, rootsHead } of [...state.lanes].reverse()) {
    for (let at = roots.length - 1; at >= rootsHead; at--) {
      const id = roots[at] as number
      if (state.routines.get(id)?.thread === 0) yield id
    }
    for (const id of children) if (state.routines.get(id)?.thread === 0) yield id
  }
  for (const thread of state.threads.values()) yield* [...behind(thread)].reverse()
}
