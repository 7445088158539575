/**
 * Which node a routine is sent to (docs/protocols/placement.md). Each node says how many routines
 * it takes from this one in all (`allowed`); what it does not take yet stays here, in order: higher
 * priority first, then children before roots, the latest child first, the earliest root first.
 *
 * Of the nodes that take one, one with idle threads gets it, else the least loaded. Where several
 * are equally loaded:
 * - a child stays on its own node if that is one of them, for its parent is there, and its
 *   arguments and result need no link;
 * - else the first in the cluster file goes first, and the spawner last, whose machine also runs
 *   the program.
 */

import {
  hasIdleHands,
  loadOf,
  mayRun,
  type PlacedNode,
  type PlacementGroup,
  type PlacementState,
  type WaitingRoutine,
  type Wish,
} from './placement-state.ts'
import { enqueue, peek, putInOrder, take } from './schedule-queue.ts'

export function initialPlacement(place: number): PlacementState {
  const groups = new Map()
  return { place, nodes: [], groups, waiting: new Map(), arrivals: 0, recalls: new Map() }
}

/** In the order of the file, the spawner last. */
function byPreference(one: PlacedNode, other: PlacedNode): number {
  const rank = ({ index }: PlacedNode): number => (index === 0 ? Infinity : index)
  if (rank(one) === rank(other)) return one.place - other.place
  return rank(one) < rank(other) ? -1 : 1
}

export function addNode(state: PlacementState, node: PlacedNode): void {
  state.nodes.push(node)
  state.nodes.sort(byPreference)
  for (const group of state.groups.values()) group.nodes = nodesFor(state, group.on)
}

/** Takes a node out, and gives the routines that no other may run: they wait no more. */
export function removeNode(state: PlacementState, place: number): number[] {
  state.nodes = state.nodes.filter((node) => node.place !== place)
  // It will not answer any more.
  state.recalls.delete(place)
  for (const { asked } of state.nodes) asked.delete(place)
  const stranded: number[] = []
  for (const group of state.groups.values()) {
    group.nodes = nodesFor(state, group.on)
    if (group.nodes.length === 0) stranded.push(...group.routines.keys())
  }
  for (const id of stranded) withdraw(state, id)
  return stranded
}

function nodesFor(state: PlacementState, on: string): PlacedNode[] {
  return state.nodes.filter((node) => mayRun(node, on))
}

/** Whether there is a node that may run it. */
export function hasNodeFor(state: PlacementState, on: string): boolean {
  return state.nodes.some((node) => mayRun(node, on))
}

function keyOf({ on, apart }: Wish): string {
  return apart === '' ? on : `${on}\n${apart}`
}

function groupOf(state: PlacementState, wish: Wish): PlacementGroup {
  const key = keyOf(wish)
  let group = state.groups.get(key)
  if (group === undefined) {
    const { on, apart } = wish
    const nodes = nodesFor(state, on)
    group = { on, apart, routines: new Map(), lanes: [], queued: 0, nodes }
    state.groups.set(key, group)
  }
  return group
}

/** A routine came. There has to be a node for it. Gives its place in the order. */
export function wait(
  state: PlacementState,
  id: number,
  child: boolean,
  priority: number,
  { on, apart }: Wish,
): number {
  const group = groupOf(state, { on, apart })
  const since = state.arrivals++
  const routine = { id, child, priority, on, apart, since, from: -1, thread: 0 }
  group.routines.set(id, routine)
  state.waiting.set(id, group)
  enqueue(group, routine)
  return since
}

/** A routine was given back: it stands where it stood. `from`: the node's place. */
export function waitAgain(state: PlacementState, routine: Omit<WaitingRoutine, 'thread'>): void {
  const group = groupOf(state, routine)
  const { id, child, priority, on, apart, since, from } = routine
  const waiting = { id, child, priority, on, apart, since, from, thread: 0 }
  group.routines.set(id, waiting)
  state.waiting.set(id, group)
  putInOrder(group, waiting)
}

/** The routine waits no more; false if it did not. */
export function withdraw(state: PlacementState, id: number): boolean {
  const group = state.waiting.get(id)
  if (group === undefined) return false
  state.waiting.delete(id)
  group.routines.delete(id)
  group.queued--
  if (group.queued === 0) state.groups.delete(keyOf(group))
  return true
}

function goesBefore(one: WaitingRoutine, other: WaitingRoutine): boolean {
  if (one.priority !== other.priority) return one.priority > other.priority
  if (one.child !== other.child) return one.child
  return one.child ? one.since > other.since : one.since < other.since
}

/** Whether the routine should rather be at the first node than at the other. */
function suits(
  state: PlacementState,
  { child, apart, from }: WaitingRoutine,
  one: PlacedNode,
  other: PlacedNode,
): boolean {
  if (apart !== '' && (one.name === apart) !== (other.name === apart)) return other.name === apart
  const hasHands = hasIdleHands(one)
  if (hasHands !== hasIdleHands(other)) return hasHands
  if (from >= 0 && (one.place === from) !== (other.place === from)) return other.place === from
  const difference = loadOf(one) - loadOf(other)
  return difference < 0 || (difference === 0 && child && one.place === state.place)
}

/** The best node of the group that takes a routine now. */
function nodeFor(
  state: PlacementState,
  group: PlacementGroup,
  routine: WaitingRoutine,
): PlacedNode | undefined {
  let best: PlacedNode | undefined
  for (const node of group.nodes) {
    if (node.sent >= node.allowed) continue
    // It waits for another rather than behind what it is to stay away from.
    const avoids = group.apart !== '' && node.name === group.apart && group.nodes.length > 1
    if (avoids && !hasIdleHands(node)) continue
    if (best === undefined || suits(state, routine, node, best)) best = node
  }
  return best
}

/** The next routine that can be sent, and where: it is counted as sent. */
export function place(state: PlacementState): { id: number; node: PlacedNode } | undefined {
  let next: WaitingRoutine | undefined
  let from: PlacementGroup | undefined
  let to: PlacedNode | undefined
  for (const group of state.groups.values()) {
    const head = peek(group)
    if (head === undefined || (next !== undefined && !goesBefore(head, next))) continue
    const node = nodeFor(state, group, head)
    if (node === undefined) continue
    next = head
    from = group
    to = node
  }
  if (next === undefined || from === undefined || to === undefined) return undefined
  take(from, next)
  from.routines.delete(next.id)
  state.waiting.delete(next.id)
  if (from.queued === 0) state.groups.delete(keyOf(from))
  to.sent++
  to.mine++
  return { id: next.id, node: to }
}
