/**
 * What a node knows of the refs that are at it: who holds each, what the owner counts of that, and
 * who waits for a value. A hold belongs to a *holder*, named by what it is, and may be several.
 */
import { refsPerNode } from '../limits.ts'

/**
 * A ref at this node. It is there while anything here holds it; a copy of the value stays until the
 * owner frees the ref, or is lost.
 */
export interface RefEntry {
  readonly ref: number
  readonly owner: number
  /** All holds of all holders here. */
  holds: number
  /** The value is at this node. */
  hasValue: boolean
  /** At the owner: the nodes that were sent the value. */
  readonly copies: Set<number>
  /** Holds that the owner counts of this node, or will when it has read what was sent to it. */
  granted: number
  /** The owner was told of a hold, and has not answered. */
  asking: boolean
  /** Who sent the ref here meanwhile: each is told when the owner has answered. */
  senders: number[]
  /** The value was asked for, and has not come. */
  fetching: boolean
  waiting: { readonly client: number; readonly call: number }[]
  /** The owner is lost, or has nothing any more: what is here is all there will be. */
  isLost: boolean
}

/** A fault that a test plants, to see that it is found. */
export type RefMutant =
  | 'no hold while on the way'
  | 'a drop counts for all'
  | 'forgotten while asking'
  | 'asked for each time'
  | 'freed with the last hold here'
  | 'copies are forgotten'

export interface RefState {
  readonly place: number
  readonly mutant: RefMutant | undefined
  entries: Map<number, RefEntry>
  /** By holder: its refs, with how often it holds each. */
  holders: Map<string, Map<number, number>>
  /** Places of nodes that are lost: they are never given again. */
  lostPlaces: Set<number>
}

export function ownerOf(ref: number): number {
  return Math.floor(ref / refsPerNode)
}

/** Who may hold a ref. */
export const holderNames = {
  /** Objects of a ref in a thread. */
  client: (client: number) => `client ${client}`,
  /** Results and values on their way to a thread. */
  delivery: (client: number) => `delivery ${client}`,
  /** A routine that was started here, from its submission until it is settled. */
  routine: (routine: number) => `routine ${routine}`,
  /** A routine of another node that runs here. */
  order: (from: number, routine: number) => `order ${from} ${routine}`,
  /** At the owner: another node. */
  node: (place: number) => `node ${place}`,
  /** What was sent to that node, until it is known to the owner. */
  transit: (place: number) => `transit ${place}`,
  /** What has just come, until it is known what becomes of it. */
  passing: 'passing',
  /** What is asked of the owner. */
  asking: 'asking',
  fetching: 'fetching',
} as const

export function newEntry(state: RefState, ref: number, hasValue: boolean): RefEntry {
  const owner = ownerOf(ref)
  const entry: RefEntry = {
    ref,
    owner,
    holds: 0,
    hasValue,
    copies: new Set(),
    granted: 0,
    asking: false,
    senders: [],
    fetching: false,
    waiting: [],
    isLost: state.lostPlaces.has(owner),
  }
  state.entries.set(ref, entry)
  return entry
}

/** Of a ref that is not at this node nothing is held. */
export function hold(state: RefState, holder: string, ref: number): void {
  const entry = state.entries.get(ref)
  if (entry === undefined) return
  let held = state.holders.get(holder)
  if (held === undefined) {
    held = new Map()
    state.holders.set(holder, held)
  }
  held.set(ref, (held.get(ref) ?? 0) + 1)
  entry.holds++
}

/** Lets go of so many holds, of those that there are. */
export function letGo(state: RefState, holder: string, ref: number, most = 1): void {
  const held = state.holders.get(holder)
  const count = held?.get(ref) ?? 0
  const gone = Math.min(count, most)
  if (held === undefined || gone <= 0) return
  if (gone < count) held.set(ref, count - gone)
  else held.delete(ref)
  if (held.size === 0) state.holders.delete(holder)
  const entry = state.entries.get(ref)
  if (entry !== undefined) entry.holds -= gone
}

/** Lets go of all that the holder holds; returns what that was. */
export function letGoAll(state: RefState, holder: string): number[] {
  const refs = [...(state.holders.get(holder)?.keys() ?? [])]
  for (const ref of refs) letGo(state, holder, ref, Infinity)
  return refs
}
