/** What the placement machine remembers. Plain data: an explorer copies, compares and hashes it. */
import type { QueuedRoutine, RoutineQueue } from './schedule-queue.ts'
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
  /** Of these so many, counted in the same way, begin at once: threads of it have nothing to do. */
  eager: number
  /** Of those it was sent so many have arrived, as far as it has said. */
  arrived: number
  /** Routines of this node that it has, and those of others for each of its threads. */
  mine: number
  others: number
  /** Of those it was sent, so many when it was looked for something to recall. */
  marked: number
  /** By another node's place: of these none is left that has not begun and may go there. */
  asked: Map<number, Asked>
}

/** Orders that a node was asked about: those it had been sent, and those that had arrived. */
export interface Asked {
  readonly sent: number
  readonly arrived: number
}

/** Where routines may run. */
export interface Wish {
  /** See `RoutineTerms`. */
  readonly on: string
  readonly apart: string
}

export interface WaitingRoutine extends QueuedRoutine, Wish {
  /** When it came, among all. */
  readonly since: number
  /** The place of the node that has given it back; -1: none. */
  readonly from: number
}

/** Routines that may run on the same nodes. */
export interface PlacementGroup extends RoutineQueue<WaitingRoutine>, Wish {
  routines: Map<number, WaitingRoutine>
  lanes: Lane[]
  queued: number
  /** Nodes that may run them, in order of preference where all else is equal. */
  nodes: PlacedNode[]
}

export interface OpenRecall {
  /** The place of the node that is to have them. */
  readonly to: number
  /** Orders that it had been sent by then. */
  readonly sent: number
}

export interface PlacementState {
  /** Of this node. */
  readonly place: number
  nodes: PlacedNode[]
  groups: Map<string, PlacementGroup>
  /** The group of each routine that waits. */
  waiting: Map<number, PlacementGroup>
  arrivals: number
  /** By the place of a node that was asked to give back routines. */
  recalls: Map<number, OpenRecall>
}

/** Whether a routine with this wish may be sent to the node. */
export function mayRun({ threads, name, labels }: PlacedNode, on: string): boolean {
  return threads > 0 && isMeant(name, labels, on)
}

export function isMeant(name: string, labels: readonly string[], on: string): boolean {
  return on === '' || name === on || labels.includes(on)
}

/** Whether threads of it have nothing to do, and it takes a routine for them. */
export function hasIdleHands({ threads, sent, eager, allowed }: PlacedNode): boolean {
  return threads > 0 && sent < eager && sent < allowed
}

/** Routines for each of its threads. */
export function loadOf({ others, mine, threads }: PlacedNode): number {
  return others + mine / threads
}
