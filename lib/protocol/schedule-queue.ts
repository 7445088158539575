/**
 * The queue of the schedule machine: by priority, children before roots, the latest child first,
 * the earliest root first. What was given out and comes back stands where it stood.
 */
import type { Lane } from './schedule-state.ts'

/** What the queue looks at of a routine. */
export interface QueuedRoutine {
  readonly id: number
  readonly child: boolean
  readonly priority: number
  /** 0: queued. */
  thread: number
}

export interface RoutineQueue<Routine extends QueuedRoutine> {
  readonly routines: ReadonlyMap<number, Routine>
  /** By falling priority. */
  lanes: Lane[]
  queued: number
}

function laneOf(state: { lanes: Lane[] }, priority: number): Lane {
  const { lanes } = state
  let index = 0
  while (index < lanes.length && (lanes[index] as Lane).priority > priority) index++
  const found = lanes[index]
  if (found?.priority === priority) return found
  const lane: Lane = { priority, children: [], roots: [], rootsHead: 0 }
  lanes.splice(index, 0, lane)
  return lane
}

/** Puts a routine where it starts next among its like: the place it had before it was given out. */
export function putBack<Routine extends QueuedRoutine>(
  state: RoutineQueue<Routine>,
  routine: Routine,
): void {
  routine.thread = 0
  state.queued++
  const lane = laneOf(state, routine.priority)
  if (routine.child) lane.children.push(routine.id)
  else if (lane.rootsHead > 0) lane.roots[--lane.rootsHead] = routine.id
  else lane.roots.unshift(routine.id)
}

/** Puts a routine back by when it came: others that were given out may come back before it. */
export function putInOrder<Routine extends QueuedRoutine & { readonly since: number }>(
  state: RoutineQueue<Routine>,
  { id, child, priority, since }: Routine,
): void {
  state.queued++
  const lane = laneOf(state, priority)
  const ids = child ? lane.children : lane.roots
  // Both grow with the time. Of what was withdrawn nothing is known any more: it is skipped.
  const sinceAt = (at: number): number | undefined => state.routines.get(ids[at] as number)?.since
  let at = child ? ids.length : lane.rootsHead
  if (child) while (at > 0 && (sinceAt(at - 1) ?? Infinity) > since) at--
  else while (at < ids.length && (sinceAt(at) ?? 0) < since) at++
  ids.splice(at, 0, id)
}

export function enqueue<Routine extends QueuedRoutine>(
  state: RoutineQueue<Routine>,
  routine: Routine,
): void {
  state.queued++
  const lane = laneOf(state, routine.priority)
  if (routine.child) lane.children.push(routine.id)
  else lane.roots.push(routine.id)
}

/**
 * Takes a queued routine out for good, so that nothing is left of it where it stood: it may come
 * again while that has not come up. Quick for those that would start last.
 */
export function remove<Routine extends QueuedRoutine>(
  state: RoutineQueue<Routine>,
  { id, child, priority }: Routine,
): void {
  const lane = laneOf(state, priority)
  const ids = child ? lane.children : lane.roots
  ids.splice(child ? ids.indexOf(id) : ids.lastIndexOf(id), 1)
  dropIfEmpty(state, lane)
  state.queued--
}

function dropIfEmpty(state: { lanes: Lane[] }, lane: Lane): void {
  if (lane.children.length > 0 || lane.rootsHead < lane.roots.length) return
  state.lanes.splice(state.lanes.indexOf(lane), 1)
}

/** The next routine of the queue, skipping those that were cancelled; it stays queued. */
export function peek<Routine extends QueuedRoutine>(
  state: RoutineQueue<Routine>,
): Routine | undefined {
  for (let lane = state.lanes[0]; lane !== undefined; lane = state.lanes[0]) {
    while (lane.children.length > 0) {
      const routine = state.routines.get(lane.children[lane.children.length - 1] as number)
      if (routine?.thread === 0) return routine
      lane.children.pop()
    }
    while (lane.rootsHead < lane.roots.length) {
      const routine = state.routines.get(lane.roots[lane.rootsHead] as number)
      if (routine?.thread === 0) return routine
      lane.rootsHead++
    }
    state.lanes.shift()
  }
  return undefined
}

/** Takes the routine that {@link peek} found. */
export function take<Routine extends QueuedRoutine>(
  state: RoutineQueue<Routine>,
  routine: Routine,
): void {
  const lane = laneOf(state, routine.priority)
  if (routine.child) lane.children.pop()
  else if (++lane.rootsHead > 1024 && lane.rootsHead * 2 > lane.roots.length) {
    lane.roots.splice(0, lane.rootsHead)
    lane.rootsHead = 0
  }
  dropIfEmpty(state, lane)
  state.queued--
}
