/**
 * What a thread asks of a `Weak` object, and what the machines of two nodes say to each other about
 * them (docs/protocols/weak.md). All are tuples of plain values and of further tuples.
 */
import type { EncodedValue, StrictOperation } from './messages.ts'

/** `sync` and `fence` are of the whole store, not of one object. Both answer null. */
export type WeakOperation = StrictOperation | readonly ['sync'] | readonly ['fence']

/**
 * What a generation of a field began with: a write of `place` with this Lamport time. Time 0 is the
 * first generation, of all who never saw a write; its value, if it has one, is of an `init`. Where
 * `present` is false there is no value: never initialised, or deleted.
 */
export type Ground = readonly [
  lamport: number,
  place: number,
  present: boolean,
  value: EncodedValue | undefined,
]

/** All that one place has added to a generation so far: the later count replaces the earlier. */
export type Share = readonly [place: number, count: number, sum: number]

export type WeakWrite =
  | readonly ['set', object: string, field: string, value: EncodedValue]
  | readonly ['delete', object: string, field: string]
  | readonly ['init', object: string, fields: readonly (readonly [string, EncodedValue])[]]
  | readonly ['add', object: string, field: string, ground: Ground, count: number, sum: number]

/**
 * How much of some place's updates the sender had applied; only what it has not told before. `null`
 * where order is FIFO.
 */
export type Needs = readonly (readonly [place: number, count: number])[] | null

/** One write of a node; `count` is its number among the updates of that node, from 1. */
export type WeakUpdate = readonly [count: number, lamport: number, needs: Needs, write: WeakWrite]

/** Updates of a node that left, of which the others may not have all. */
export type LostUpdates = readonly (readonly [place: number, updates: readonly WeakUpdate[]])[]

export type StateRow = readonly [
  object: string,
  field: string,
  ground: Ground,
  shares: readonly Share[],
]

/** Of each place, how many of its updates are in the state. */
export type AppliedRows = readonly (readonly [place: number, count: number])[]

export type WeakMessage =
  /** `stable`: all members have this many updates of the sender. */
  | readonly ['update', stable: number, update: WeakUpdate]
  /** The receiver's updates up to this one are applied. */
  | readonly ['ack', upTo: number]
  /** Say it when you have applied this many of mine. `pull`: and how many you have made; 0: no. */
  | readonly ['probe', count: number, pull: number]
  /** The answer to a `probe` with a `pull`: the sender has made so many updates. */
  | readonly ['pulled', pull: number, upTo: number, made: number]
  /** The sender has this view; it had made so many updates before it, and has this of who left. */
  | readonly ['flush', epoch: number, made: number, lost: LostUpdates]
  /** The sender has the `flush` of this view from all its members, and applied what they tell. */
  | readonly ['settled', epoch: number]
  /** To a member that joined: part of the state. `applied` is null as long as more comes. */
  | readonly ['state', rows: readonly StateRow[], applied: AppliedRows | null, lamport: number]
