/**
 * What the machine of `Weak` objects remembers: a tree of plain data. Names are keys of Maps, never
 * of objects: a field may be called `__proto__`. The rules are in `docs/protocols/weak.md`.
 */
import {
  weakAcknowledgeBytes,
  weakAcknowledgeUpdates,
  weakQueueMax,
  weakWindowBytes,
  weakWindowUpdates,
} from '../limits.ts'
import type { EncodedValue } from '../wire/messages.ts'
import type { StateRow, WeakMessage, WeakOperation, WeakUpdate } from '../wire/weak-messages.ts'
import type { ReplicaInput, ReplicaOutput, ReplicaParameters, ReplicaRequest } from './replica.ts'

export type WeakInput = ReplicaInput<WeakOperation, WeakMessage>
export type WeakOutput = ReplicaOutput<WeakMessage>
export type WeakRequest = ReplicaRequest<WeakOperation>

/** Faults that tests plant, to see that they are found. */
export type WeakMutant =
  | 'no FIFO check'
  | 'no stamp comparison'
  | 'ack before apply'
  | 'sync counts nothing'
  | 'no forwarding at a removal'
  | 'nothing kept for a second removal'
  | 'counter overwritten by last writer'
  | 'no causal wait'
  | 'state sent at once'
  | 'late messages of a lost node taken'
  | 'init like any write'
  | 'no pull in a fence'

export interface WeakBounds {
  readonly windowUpdates: number
  readonly windowBytes: number
  readonly acknowledgeUpdates: number
  readonly acknowledgeBytes: number
  readonly queueMax: number
}

export interface WeakParameters extends ReplicaParameters {
  /** In which order updates of different nodes are applied. @default 'fifo' */
  readonly order?: 'fifo' | 'causal'
  /** Smaller ones, for tests. */
  readonly bounds?: Partial<WeakBounds>
  readonly mutant?: WeakMutant
}

export interface WeakCell {
  // Of the ground: see `Ground` in lib/wire/weak-messages.ts.
  lamport: number
  place: number
  isPresent: boolean
  value: EncodedValue | undefined
  /** What places have added to this generation, by place. */
  readonly shares: Map<number, readonly [count: number, sum: number]>
  /** What readers see: 0 is absent. */
  version: number
  shown: EncodedValue | undefined
}

export interface WeakWait {
  readonly client: number
  readonly call: number
}

export interface WeakObject {
  readonly fields: Map<string, WeakCell>
  /** Calls that the next change of a field answers, in the order of arrival. */
  readonly waits: Map<string, WeakWait[]>
  waitCount: number
}

/** What this node knows of another. */
export interface WeakPeer {
  /** The latest view that it said it has, and how many updates it had made before that. */
  flushed: number
  made: number
  /** The latest view of which it has everything. */
  settled: number
  /** How many of our updates it has applied, and up to which one it was asked to say so. */
  acked: number
  asked: number
  /** Of its updates, what we have not acknowledged. */
  owedUpdates: number
  owedBytes: number
  /** Its probes that wait for updates. */
  readonly probes: (readonly [count: number, pull: number])[]
}

/** A `sync`, or a `fence` if it pulls. */
export interface WeakSync {
  readonly client: number
  readonly call: number
  /** Of our updates. */
  readonly count: number
  readonly pull: number
  /** Members that have not answered (-1), or whose updates we have not all applied. */
  readonly awaits: Map<number, number>
}

export interface WeakState {
  readonly mutant: WeakMutant | null
  readonly place: number
  readonly founders: number
  readonly order: 'fifo' | 'causal'
  readonly bounds: WeakBounds
  epoch: number
  /** All others in the view. */
  others: readonly number[]
  /** Nothing is served before it has all that was before it. */
  isReady: boolean
  /** It may not serve, or is out of the view: for ever. */
  isOver: boolean
  /** The latest view of which it has everything. */
  settled: number
  /** Lamport time of the latest update seen. */
  lamport: number
  /** The version last given at this node. */
  version: number
  /** Updates made here, and how many of them all members have. */
  made: number
  stable: number
  /** Sizes of those between the two, and their sum. */
  readonly underWay: number[]
  underWayBytes: number
  readonly peers: Map<number, WeakPeer>
  /** Of each other place there ever was, how many of its updates are applied. */
  readonly applied: Map<number, number>
  /** Of these, the ones that others may not have. */
  readonly logs: Map<number, WeakUpdate[]>
  /** Updates that others have to come before. */
  readonly early: Map<number, WeakUpdate[]>
  /** Places whose logs are kept though they left, and the view that told so. */
  readonly lost: Map<number, number>
  /** Causal order: how much of `applied` our updates have told. */
  readonly told: Map<number, number>
  /** At place 0: members that have no state yet. */
  readonly joiners: Set<number>
  /** Of the state, what has come so far; and messages that came before it was whole. */
  readonly parts: StateRow[]
  readonly held: (readonly [from: number, message: WeakMessage])[]
  /** Requests that wait for the state, or for room in the window. */
  readonly queue: WeakRequest[]
  readonly queued: Map<number, number>
  readonly syncs: WeakSync[]
  /** The number of the latest `fence`. */
  pulls: number
  readonly objects: Map<string, WeakObject>
  /** Where the waits of a client stand, by call. */
  readonly waiting: Map<number, Map<number, readonly [object: string, field: string]>>
}

const defaultBounds: WeakBounds = {
  windowUpdates: weakWindowUpdates,
  windowBytes: weakWindowBytes,
  acknowledgeUpdates: weakAcknowledgeUpdates,
  acknowledgeBytes: weakAcknowledgeBytes,
  queueMax: weakQueueMax,
}

export function initialWeak(parameters: WeakParameters): WeakState {
  return {
    mutant: parameters.mutant ?? null,
    place: parameters.place,
    founders: parameters.founders,
    order: parameters.order ?? 'fifo',
    bounds: Object.freeze({ ...defaultBounds, ...parameters.bounds }),
    epoch: 0,
    others: [],
    isReady: false,
    isOver: false,
    settled: 0,
    lamport: 0,
    version: 0,
    made: 0,
    stable: 0,
    underWay: [],
    underWayBytes: 0,
    peers: new Map(),
    applied: new Map(),
    logs: new Map(),
    early: new Map(),
    lost: new Map(),
    told: new Map(),
    joiners: new Set(),
    parts: [],
    held: [],
    queue: [],
    queued: new Map(),
    syncs: [],
    pulls: 0,
    objects: new Map(),
    waiting: new Map(),
  }
}

export function newPeer(flushed: number, acked: number): WeakPeer {
  return {
    flushed,
    made: 0,
    settled: 0,
    acked,
    asked: acked,
    owedUpdates: 0,
    owedBytes: 0,
    probes: [],
  }
}

/** It has everything that any member had when it came to this view. */
export function isSettled(state: WeakState): boolean {
  return state.settled === state.epoch
}
