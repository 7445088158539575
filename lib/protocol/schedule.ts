/**
 * Which routine starts when, and on which thread (docs/protocols/schedule.md). A routine has a
 * thread of its own while it runs or blocks; parked routines share threads only when `threadsMax`
 * is reached; children start before roots, the latest first, so that fork-join stays narrow.
 *
 * Inputs are facts; nothing is assigned before a `dispatch`, so that a burst of submissions leaves
 * in a few orders. A running thread gets a *window* of routines in advance; the driver can take
 * those back that have not begun (`revoke`), and tells how it went in `revoked`.
 */
import { slotsPerThreadMax } from '../limits.ts'
import type { Machine } from './machine.ts'
import { enqueue, peek, putBack, remove, take } from './schedule-queue.ts'
import {
  canShare,
  isIdle,
  isRunning,
  type RoutineState,
  type ScheduleParameters,
  type ScheduleState,
  type ThreadState,
} from './schedule-state.ts'
import { behind, countRunning } from './schedule-waiting.ts'

export type { ScheduleParameters, ScheduleState } from './schedule-state.ts'
export { countRunning, countWaiting, hasBehind, lastFirst } from './schedule-waiting.ts'

export type ScheduleInput =
  | {
      type: 'submit'
      id: number
      child: boolean
      priority: number
      isolate: boolean
      fn: string
    }
  | { type: 'cancel'; id: number }
  | { type: 'warm'; threads: number }
  | { type: 'threadOpened'; thread: number }
  | { type: 'threadLost'; thread: number }
  | { type: 'ended'; id: number }
  | { type: 'withdrawn'; id: number }
  | { type: 'parked'; thread: number; returned: readonly number[] }
  | { type: 'resumed'; thread: number }
  | { type: 'blocked'; thread: number }
  | { type: 'unblocked'; thread: number }
  | { type: 'revoked'; id: number; taken: boolean }
  | { type: 'retire'; thread: number }
  | { type: 'dispatch' }

export type ScheduleOutput =
  | { type: 'openThread'; thread: number }
  | { type: 'closeThread'; thread: number }
  /** `share`: begin it although others are parked on the thread. */
  | { type: 'assign'; thread: number; id: number; share: boolean }
  /** Take it back if it has not begun; answered by `revoked`. */
  | { type: 'revoke'; thread: number; id: number }
  /** It was cancelled before it began and never will. */
  | { type: 'dropped'; id: number }
  /** It runs, or may: ask it to stop. */
  | { type: 'stop'; id: number; thread: number }
  /** These had begun on a thread that is gone. */
  | { type: 'lost'; thread: number; ids: number[] }
  /** The thread is more than is needed: `retire` it if that lasts. */
  | { type: 'spare'; thread: number }

type Outputs = ScheduleOutput[]

function assign(state: ScheduleState, thread: ThreadState, outputs: Outputs): void {
  const routine = peek(state) as RoutineState
  take(state, routine)
  routine.thread = thread.id
  if (thread.parked) thread.sharing = true
  if (thread.held.size === 0) thread.fn = routine.fn
  else if (thread.fn !== routine.fn) thread.fn = ''
  thread.held.add(routine.id)
  thread.unbegun.push(routine.id)
  thread.parked = false
  if (routine.isolate) thread.exclusive = true
  outputs.push({ type: 'assign', thread: thread.id, id: routine.id, share: thread.sharing })
}

function open(state: ScheduleState, outputs: Outputs): void {
  const id = state.nextThread++
  state.threads.set(id, {
    id,
    phase: 'opening',
    parked: false,
    blocked: false,
    exclusive: false,
    sharing: false,
    fn: '',
    held: new Set(),
    unbegun: [],
  })
  outputs.push({ type: 'openThread', thread: id })
}

/**
 * A thread for the routine now; or an order to open one; or neither, when all that may are taken.
 *
 * Where more routines wait than threads may be opened, they have to share in the end. Those that
 * are alike do so at once: a thousand waits for a timer must not wait for threads to start as well.
 */
function placeFor(
  state: ScheduleState,
  routine: RoutineState,
  outputs: Outputs,
): ThreadState | undefined {
  let shared: ThreadState | undefined
  let alike: ThreadState | undefined
  let counted = 0
  let opening = 0
  for (const thread of state.threads.values()) {
    if (isIdle(thread)) return thread
    if (thread.phase !== 'closing' && !thread.blocked) counted++
    if (thread.phase === 'opening') opening++
    if (!canShare(thread)) continue
    const { size } = thread.held
    if (shared === undefined || size < shared.held.size) shared = thread
    if (thread.fn !== routine.fn) continue
    if (alike === undefined || size < alike.held.size) alike = thread
  }
  const { threadsMax, threadsCeiling } = state.parameters
  const mayShare = !routine.isolate
  const crowded = state.queued > threadsMax - counted
  if (crowded && mayShare && alike !== undefined) return alike
  const room = counted < threadsMax && state.threads.size < threadsCeiling
  if (!room && mayShare && shared !== undefined) return shared
  // One that is opening already may be for this routine.
  if (state.threads.size < threadsCeiling && opening < state.queued) open(state, outputs)
  return undefined
}

/** Takes back from windows what a newcomer goes before. */
function settleUpset(state: ScheduleState, outputs: Outputs): void {
  state.upset = false
  const next = peek(state)
  if (next === undefined) return
  for (const thread of state.threads.values()) {
    // From the back, so that what is put back keeps its order.
    for (const id of [...thread.unbegun].reverse()) {
      const routine = state.routines.get(id) as RoutineState
      const before =
        next.priority > routine.priority ||
        (next.priority === routine.priority && next.child && !routine.child)
      if (before) outputs.push({ type: 'revoke', thread: thread.id, id })
    }
  }
}

/** Gives running threads work in advance, evenly, and only while every thread that may run does. */
function fillWindows(state: ScheduleState, running: number, outputs: Outputs): void {
  const share = Math.min(state.parameters.window, Math.floor(state.queued / running))
  if (share === 0) return
  for (const thread of state.threads.values()) {
    if (!isRunning(thread) || thread.phase !== 'open' || thread.exclusive) continue
    if (thread.unbegun.length * 2 > share) continue
    while (thread.unbegun.length < share && thread.held.size < slotsPerThreadMax) {
      const next = peek(state)
      if (next === undefined || next.isolate) return
      assign(state, thread, outputs)
    }
  }
}

/** Whether there is a thread that holds nothing, or can be one that does. */
function hasFreeThread(state: ScheduleState): boolean {
  const { threadsMax, threadsCeiling } = state.parameters
  let counted = 0
  for (const thread of state.threads.values()) {
    if (isIdle(thread)) return true
    if (thread.phase !== 'closing' && !thread.blocked) counted++
  }
  return counted < threadsMax && state.threads.size < threadsCeiling
}

/**
 * Fewer threads run than may: half of what waits longest behind another is taken back, for a
 * thread that is free or can be opened. Where parked routines have to be joined, what a sharing
 * thread is about to begin beside its own stays there: it would go round in circles.
 */
function steal(state: ScheduleState, outputs: Outputs): void {
  const free = hasFreeThread(state)
  let canJoin = free
  let most: number[] = []
  let from = 0
  for (const thread of state.threads.values()) {
    if (canShare(thread)) canJoin = true
    const waiting = free || !thread.sharing ? behind(thread) : thread.unbegun.slice(1)
    if (waiting.length > most.length) {
      most = waiting
      from = thread.id
    }
  }
  if (!canJoin) return
  for (const id of most.slice(Math.floor(most.length / 2)).reverse()) {
    outputs.push({ type: 'revoke', thread: from, id })
  }
}

function dispatch(state: ScheduleState): Outputs {
  const outputs: Outputs = []
  if (state.upset) settleUpset(state, outputs)
  let running = countRunning(state)
  while (running < state.parameters.threads) {
    const next = peek(state)
    if (next === undefined) break
    const opened = state.threads.size
    const thread = placeFor(state, next, outputs)
    if (thread !== undefined) assign(state, thread, outputs)
    else if (state.threads.size === opened) break
    running++
  }
  if (state.queued > 0) {
    if (running >= state.parameters.threads) fillWindows(state, running, outputs)
  } else if (running < state.parameters.threads) steal(state, outputs)
  return outputs
}

/** The routine has begun, and with it all that stood before it on its thread. */
function begun(thread: ThreadState, id: number): void {
  const index = thread.unbegun.indexOf(id)
  if (index >= 0) thread.unbegun.splice(0, index + 1)
}

/** The routine is over; or, if it was taken back for good, those before it may not have begun. */
function ended(state: ScheduleState, id: number, hasBegun: boolean): Outputs {
  const routine = state.routines.get(id)
  if (routine === undefined) return []
  state.routines.delete(id)
  const thread = state.threads.get(routine.thread)
  if (routine.thread === 0) remove(state, routine)
  if (thread === undefined) return []
  if (hasBegun) begun(thread, id)
  else thread.unbegun = thread.unbegun.filter((one) => one !== id)
  thread.held.delete(id)
  if (routine.isolate) thread.exclusive = false
  if (thread.held.size > 0) return []
  thread.parked = false
  thread.sharing = false
  const surplus = state.threads.size > state.parameters.threads
  return surplus && thread.phase === 'open' ? [{ type: 'spare', thread: thread.id }] : []
}

function cancel(state: ScheduleState, id: number): Outputs {
  const routine = state.routines.get(id)
  if (routine === undefined) return []
  if (routine.thread === 0) {
    // Its place in the lane is skipped when it comes up.
    state.routines.delete(id)
    state.queued--
    return [{ type: 'dropped', id }]
  }
  return [{ type: 'stop', id, thread: routine.thread }]
}

function revoked(state: ScheduleState, id: number, taken: boolean): Outputs {
  const routine = state.routines.get(id)
  const thread = routine && state.threads.get(routine.thread)
  if (routine === undefined || thread === undefined) return []
  if (!taken) {
    begun(thread, id)
    return []
  }
  thread.held.delete(id)
  thread.unbegun = thread.unbegun.filter((one) => one !== id)
  if (routine.isolate) thread.exclusive = false
  putBack(state, routine)
  return []
}

function threadLost(state: ScheduleState, id: number): Outputs {
  const thread = state.threads.get(id)
  if (thread === undefined) return []
  state.threads.delete(id)
  const ids = [...thread.held]
  for (const one of ids) state.routines.delete(one)
  return [{ type: 'lost', thread: id, ids }]
}

function parked(state: ScheduleState, id: number, returned: readonly number[]): Outputs {
  const thread = state.threads.get(id)
  if (thread === undefined) return []
  for (let index = returned.length - 1; index >= 0; index--) {
    revoked(state, returned[index] as number, true)
  }
  thread.unbegun.length = 0
  thread.parked = thread.held.size > 0
  return []
}

function blocked(state: ScheduleState, id: number): Outputs {
  const thread = state.threads.get(id)
  if (thread === undefined) return []
  thread.blocked = true
  return [...thread.unbegun]
    .reverse()
    .map((one): ScheduleOutput => ({ type: 'revoke', thread: id, id: one }))
}

function retire(state: ScheduleState, id: number): Outputs {
  const thread = state.threads.get(id)
  if (thread === undefined || !isIdle(thread)) return []
  let staying = 0
  for (const { phase } of state.threads.values()) if (phase !== 'closing') staying++
  if (staying <= state.parameters.threads) return []
  thread.phase = 'closing'
  return [{ type: 'closeThread', thread: id }]
}

function submit(state: ScheduleState, input: ScheduleInput & { type: 'submit' }): Outputs {
  const { id, child, priority, isolate, fn } = input
  const routine: RoutineState = { id, child, priority, isolate, fn, thread: 0 }
  state.routines.set(id, routine)
  enqueue(state, routine)
  if (child || priority !== 0) state.upset = true
  return []
}

function warm(state: ScheduleState, threads: number): Outputs {
  const outputs: Outputs = []
  while (state.threads.size < threads) open(state, outputs)
  return outputs
}

function setThread(state: ScheduleState, id: number, change: Partial<ThreadState>): Outputs {
  const thread = state.threads.get(id)
  if (thread !== undefined) Object.assign(thread, change)
  return []
}

export const schedule: Machine<ScheduleState, ScheduleInput, ScheduleOutput, ScheduleParameters> = {
  initial(parameters) {
    return {
      parameters,
      threads: new Map(),
      routines: new Map(),
      lanes: [],
      queued: 0,
      nextThread: 1,
      upset: false,
    }
  },

  step(state, input) {
    switch (input.type) {
      case 'submit':
        return submit(state, input)
      case 'dispatch':
        return dispatch(state)
      case 'ended':
        return ended(state, input.id, true)
      case 'withdrawn':
        return ended(state, input.id, false)
      case 'resumed':
        return setThread(state, input.thread, { parked: false })
      case 'parked':
        return parked(state, input.thread, input.returned)
      case 'blocked':
        return blocked(state, input.thread)
      case 'unblocked':
        return setThread(state, input.thread, { blocked: false, parked: false })
      case 'revoked':
        return revoked(state, input.id, input.taken)
      case 'cancel':
        return cancel(state, input.id)
      case 'threadOpened':
        return setThread(state, input.thread, { phase: 'open' })
      case 'threadLost':
        return threadLost(state, input.thread)
      case 'retire':
        return retire(state, input.thread)
      case 'warm':
        return warm(state, input.threads)
    }
  },
}
