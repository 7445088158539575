/**
 * Which node a routine is sent to (docs/protocols/placement.md). Each node says how many routines
 * it takes from this one in all (`allowed`); what it does not take yet stays here, in order: higher
 * priority first, then children before roots, the latest child first, the earliest root first.
 *
 * Of the nodes that take one, the least loaded gets it. Where several are equally loaded:
 * - a child stays on its own node if that is one of them, for its parent is there, and its
 *   arguments and result need no link;
 * - else the first in the cluster file goes first, and the spawner last, whose machine also runs
 *   the program.
 */

import { enqueue, peek, type QueuedRoutine, type RoutineQueue, take } from './schedule-queue.ts'
import type { Lane } from './schedule-state.ts'

export interface PlacedNode {
  readonly place: number
  /** Its number in the cluster file; 0 the spawner. */
  readonly index: number
  readonly name: string
  readonly labels: readonly string[]
  /** 0: it takes only what names it as `local`. */
  readonly threads: number
  /** Routines that it may have been sent in all, and those it was sent. */
  allowed: number
  sent: number
  /** Routines of this node that it has, and those of others for each of its threads. */
  mine: number
  others: number
}

export interface WaitingRoutine extends QueuedRoutine {
  /** When it came, among all. */
  readonly since: number
  readonly on: string
}

/** Routines that may run on the same nodes. */
export interface PlacementGroup extends RoutineQueue<WaitingRoutine> {
  readonly on: string
  routines: Map<number, WaitingRoutine>
  lanes: Lane[]
  queued: number
  /** Nodes that may run them, in order of preference where all else is equal. */
  nodes: PlacedNode[]
}

export interface PlacementState {
  /** Of this node. */
  readonly place: number
  nodes: PlacedNode[]
  groups: Map<string, PlacementGroup>
  /** The group of each routine that waits. */
  waiting: Map<number, PlacementGroup>
  arrivals: number
}

export function initialPlacement(place: number): PlacementState {
  return { place, nodes: [], groups: new Map(), waiting: new Map(), arrivals: 0 }
}

/** In the order of the file, the spawner last. */
function byPreference(one: PlacedNode, other: PlacedNode): number {
  const rank = ({ index }: PlacedNode): number => (index === 0 ? Infinity : index)
  if (rank(one) === rank(other)) return one.place - other.place
  return rank(one) < rank(other) ? -1 : 1
}

/** Whether a routine with this wish may be sent to the node. */
export function mayRun({ threads, name, labels }: PlacedNode, on: string): boolean {
  return threads > 0 && (on === '' || name === on || labels.includes(on))
}

export function addNode(state: PlacementState, node: PlacedNode): void {
  state.nodes.push(node)
  state.nodes.sort(byPreference)
  for (const group of state.groups.values()) group.nodes = nodesFor(state, group.on)
}

/** Takes a node out, and gives the routines that no other may run: they wait no more. */
export function removeNode(state: PlacementState, place: number): number[] {
  state.nodes = state.nodes.filter((node) => node.place !== place)
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

/** A routine came. There has to be a node for it. */
export function wait(
  state: PlacementState,
  id: number,
  child: boolean,
  priority: number,
  on: string,
): void {
  let group = state.groups.get(on)
  if (group === undefined) {
    const nodes = nodesFor(state, on)
    group = { on, routines: new Map(), lanes: [], queued: 0, nodes }
    state.groups.set(on, group)
  }
  const routine = { id, child, priority, on, since: state.arrivals++, thread: 0 }
  group.routines.set(id, routine)
  state.waiting.set(id, group)
  enqueue(group, routine)
}

/** The routine waits no more; false if it did not. */
export function withdraw(state: PlacementState, id: number): boolean {
  const group = state.waiting.get(id)
  if (group === undefined) return false
  state.waiting.delete(id)
  group.routines.delete(id)
  group.queued--
  if (group.queued === 0) state.groups.delete(group.on)
  return true
}

function goesBefore(one: WaitingRoutine, other: WaitingRoutine): boolean {
  if (one.priority !== other.priority) return one.priority > other.priority
  if (one.child !== other.child) return one.child
  return one.child ? one.since > other.since : one.since < other.since
}

function loadOf({ others, mine, threads }: PlacedNode): number {
  return others + mine / threads
}

/** The best node of the group that takes a routine now. */
function nodeFor(
  state: PlacementState,
  group: PlacementGroup,
  child: boolean,
): PlacedNode | undefined {
  let best: PlacedNode | undefined
  for (const node of group.nodes) {
    if (node.sent >= node.allowed) continue
    if (best === undefined) best = node
    else {
      const difference = loadOf(node) - loadOf(best)
      if (difference < 0 || (difference === 0 && child && node.place === state.place)) best = node
    }
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
    const node = nodeFor(state, group, head.child)
    if (node === undefined) continue
    next = head
    from = group
    to = node
  }
  if (next === undefined || from === undefined || to === undefined) return undefined
  take(from, next)
  from.routines.delete(next.id)
  state.waiting.delete(next.id)
  if (from.queued === 0) state.groups.delete(from.on)
  to.sent++
  to.mine++
  return { id: next.id, node: to }
}
