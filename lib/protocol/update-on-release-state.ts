/**
 * What the `UpdateOnRelease` machine remembers: a tree of plain data. Every node has the part of a
 * replica and client; the master has a second one beside it. Names are keys of Maps, never of
 * objects: a field may be called `__proto__`.
 */
import type { EncodedValue } from '../wire/messages.ts'
import type {
  FromMasterMessage,
  ReleaseWrite,
  ToMasterMessage,
  UpdateOnReleaseMessage,
  UpdateOnReleaseOperation,
} from '../wire/update-on-release-messages.ts'
import type {
  LeaseOver,
  LockLost,
  LockNews,
  LockOrder,
  ReplicaInput,
  ReplicaOutput,
  ReplicaParameters,
} from './replica.ts'

export type UpdateOnReleaseInput =
  | ReplicaInput<UpdateOnReleaseOperation, UpdateOnReleaseMessage>
  | LockNews
  | LeaseOver

export type UpdateOnReleaseOutput = ReplicaOutput<UpdateOnReleaseMessage> | LockOrder | LockLost

/** Faults that tests plant, to see whether they are found out. */
export type UpdateOnReleaseMutant =
  | 'no token check'
  | 'no order check'
  | 'grant before applied'
  | 'release not atomic'
  | 'ack all at once'
  | 'reply before applied'
  | 'reads before snapshot'
  | 'removed are heard'
  | 'lease not asked'

export interface ReplicaField {
  /** Number of the entry that wrote it: no two writes of a field have the same. */
  readonly version: number
  readonly value: EncodedValue
}

/** Objects as they are after some entry of the log. */
export type ReplicaObjects = Map<string, Map<string, ReplicaField>>

/** An entry of the log, on its way into the replica. */
export type LogEntry = Extract<FromMasterMessage, readonly ['push', ...unknown[]]>

/** A call of a thread of this node that has no answer yet. */
export type OpenCall =
  | { readonly kind: 'acquire'; readonly object: string; readonly owner: number }
  /** A `release` or an `init`, which the master performs whether or not anyone wants the answer. */
  | { readonly kind: 'write' }
  /** It was asked before there was a replica to read. */
  | { readonly kind: 'read'; readonly operation: UpdateOnReleaseOperation }
  | { readonly kind: 'wait'; readonly object: string; readonly field: string }

/** What the master said to a call, until the replica has what it is to show by then. */
export interface GatedAnswer {
  readonly gseq: number
  readonly client: number
  readonly call: number
  /** A grant's token, or the answer of a `release` or an `init`. */
  readonly answer: number | null
}

/** A lock that a thread of this node was granted, until it asks for its release. */
export interface NodeHold {
  readonly token: number
  readonly owner: number
}

/** Calls that wait for a field. */
export interface FieldWait {
  readonly client: number
  readonly call: number
}

export interface ArrivingSnapshot {
  readonly gseq: number
  /** So many are still to come. */
  missing: number
  readonly objects: ReplicaObjects
}

export interface LockAsker {
  readonly place: number
  readonly object: string
  readonly owner: number
  readonly thread: number
}

export interface LockHolder extends LockAsker {
  readonly client: number
  readonly call: number
  readonly token: number
}

/** A release that is answered when every member has applied it. */
export interface AwaitedRelease extends GatedAnswer {
  readonly place: number
}

/** What only the master has. */
export interface MasterState {
  /** Places over which users' locks are spread. */
  readonly lockPlaces: readonly number[]
  /** The number of the log's last entry. */
  gseq: number
  /** Names that some `init` has named, by object. They stay when the field is deleted. */
  readonly initialised: Map<string, Set<string>>
  /** By object. */
  readonly holders: Map<string, LockHolder>
  /** Locks that were ordered, by client and call. */
  readonly asked: Map<number, Map<number, LockAsker>>
  /** Members that were sent a snapshot, and all entries after it. */
  readonly joined: Set<number>
  /** The last entry that a node has said it has applied. */
  readonly applied: Map<number, number>
  awaited: AwaitedRelease[]
  /** Messages of nodes that are in a view which this node has not seen yet. */
  readonly early: Map<number, ToMasterMessage[]>
  /** The token of each lock's holder, as this node's lock machine tells it. */
  readonly tokens: Map<string, number>
  /** The largest token that was seen of each lock that another node serves. */
  readonly foreignTokens: Map<string, number>
}

export interface UpdateOnReleaseState {
  readonly mutant: UpdateOnReleaseMutant | null
  readonly place: number
  readonly masterPlace: number
  /** Members of the view; empty before the first. */
  members: readonly number[]
  epoch: number
  /** The master was removed: what the replica shows stays as it is. */
  isMasterLost: boolean
  /** This node was removed, or may not serve: it does nothing more. */
  isOver: boolean
  /** Everything up to this entry of the log is in the replica; -1: there is no replica yet. */
  applied: number
  objects: ReplicaObjects
  arriving: ArrivingSnapshot | null
  /** Entries that came before one that goes before them. Links keep order, so there are none. */
  readonly ahead: Map<number, LogEntry>
  /** By client and call. */
  readonly open: Map<number, Map<number, OpenCall>>
  gated: GatedAnswer[]
  /** By client and object. */
  readonly holds: Map<number, Map<string, NodeHold>>
  /** By object and field, in the order of arrival. */
  readonly waits: Map<string, Map<string, FieldWait[]>>
  readonly master: MasterState | null
}

export interface UpdateOnReleaseParameters extends ReplicaParameters {
  readonly mutant?: UpdateOnReleaseMutant
}

export function initialState(parameters: UpdateOnReleaseParameters): UpdateOnReleaseState {
  const { place, founders, placement, mutant } = parameters
  const masterPlace = founders === 0 ? 0 : 1
  const isMaster = place === masterPlace
  const spread = placement === 'hash' ? Math.max(founders, 1) : 1
  return {
    mutant: mutant ?? null,
    place,
    masterPlace,
    members: [],
    epoch: 0,
    isMasterLost: false,
    isOver: false,
    applied: isMaster ? 0 : -1,
    objects: new Map(),
    arriving: null,
    ahead: new Map(),
    open: new Map(),
    gated: [],
    holds: new Map(),
    waits: new Map(),
    master: isMaster ? initialMaster(spread) : null,
  }
}

function initialMaster(spread: number): MasterState {
  return {
    lockPlaces: Array.from({ length: spread }, (_, index) => index + 1),
    gseq: 0,
    initialised: new Map(),
    holders: new Map(),
    asked: new Map(),
    joined: new Set(),
    applied: new Map(),
    awaited: [],
    early: new Map(),
    tokens: new Map(),
    foreignTokens: new Map(),
  }
}

/** Keeps an entry of a map of maps. */
export function putInner<Outer, Inner, Value>(
  maps: Map<Outer, Map<Inner, Value>>,
  outer: Outer,
  inner: Inner,
  value: Value,
): void {
  const map = maps.get(outer)
  if (map === undefined) maps.set(outer, new Map([[inner, value]]))
  else map.set(inner, value)
}

/** Takes an entry out of a map of maps, and the map with its last one. */
export function takeInner<Outer, Inner, Value>(
  maps: Map<Outer, Map<Inner, Value>>,
  outer: Outer,
  inner: Inner,
): Value | undefined {
  const map = maps.get(outer)
  const value = map?.get(inner)
  if (map?.delete(inner) === true && map.size === 0) maps.delete(outer)
  return value
}

/** The writes with each field once: the last one counts. */
export function lastWrites(writes: readonly ReleaseWrite[]): readonly ReleaseWrite[] {
  const fields = new Set(writes.map(([field]) => field))
  if (fields.size === writes.length) return writes
  return [...new Map(writes.map((write) => [write[0], write])).values()]
}
