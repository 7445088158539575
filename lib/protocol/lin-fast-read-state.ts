/**
 * What a node remembers of `LinFastRead` objects, and the few questions that all parts of the
 * machine ask of it. The rules are in `docs/protocols/lin-fast-read.md`.
 *
 * Rule 1: state is a tree of plain data; no part of it is reached by two ways and written by one.
 * Rule 2: names are keys of Maps, never of objects: a field may be called `__proto__`.
 * Rule 3: the updates of one object have one order, and its stamps tell it.
 */
import type { GoawayErrorCode } from '../errors.ts'
import { updatesPerEpoch } from '../limits.ts'
import type {
  FieldRow,
  LinFastReadMessage,
  UpdateAnswer,
  UpdateOperation,
} from '../wire/lin-fast-read-messages.ts'
import type { EncodedValue, EntryRow, FieldState } from '../wire/messages.ts'
import { rendezvous } from './rendezvous.ts'
import type { ReplicaOutput, ReplicaParameters } from './replica.ts'

/** Faults that a test plants, to see whether they are found. */
export type LinFastReadMutant =
  | 'no epoch filter'
  | 'no lease test'
  | 'no wait of readers on an invalid cell'
  | 'epoch not in the stamp'
  | 'ack before install'
  | 'reply before all acks'
  | 'no recs on retry'
  | 'late replies are taken'
  | 'no wait of what changes nothing'
  | 'joiners read at once'
  | 'orphans stay'

export interface LinFastReadParameters extends ReplicaParameters {
  readonly mutant?: LinFastReadMutant
}

export type LinFastReadOutput = ReplicaOutput<LinFastReadMessage>

export interface CopiedField {
  /** Of the newest update that is installed. */
  stamp: number
  /** The stamp under which the value was first installed; 0: deleted. */
  version: number
  value: EncodedValue
  /** At the home: what was committed last, while the newest is not; `null`: not known. */
  before: FieldState | null
}

/** Who is told when an update of the home commits. */
export type Waiter = readonly [place: number, sequence: number, outcome: Outcome]

export type Outcome =
  | { readonly type: 'answer'; readonly answer: UpdateAnswer }
  | { readonly type: 'refuse'; readonly code: GoawayErrorCode; readonly message: string }

/** At the home: an update that has not been acknowledged by all. */
export interface PendingUpdate {
  readonly rows: readonly FieldRow[]
  /** Of this update, and of those after it that change nothing. */
  readonly waiters: Waiter[]
  /** Members that have not acknowledged it. */
  missing: number
  /** Re-proposed, though it was committed before: nobody waits for it to become valid. */
  readonly isCommitted: boolean
}

export interface CopiedObject {
  home: number
  /** Of the newest update that is installed. */
  stamp: number
  /** What has a stamp up to this one is committed. */
  committed: number
  /** The epoch in which it came to be here as a whole: records from before say nothing of it. */
  restoredAt: number
  /** Its home was lost, and the next one has not said yet what it has of it. */
  isOrphan: boolean
  readonly fields: Map<string, CopiedField>
  /** Names that some `init` has named. They stay when the field is deleted. */
  initialised: Set<string>
  /** Fields whose newest update is not committed, in the order of stamps. */
  readonly unsettled: Set<string>
  /** At the home, by `ver`, without a gap. */
  readonly pending: Map<number, PendingUpdate>
  /** At the home: the `ver` up to which each member has acknowledged in this epoch. */
  readonly acknowledged: Map<number, number>
  /** At a home that has taken over: not all have acknowledged what it has of it. */
  isTakenOver: boolean
}

/** An update of a thread of this node, on its way. */
export interface SentUpdate {
  readonly operation: UpdateOperation
  /** 0: nobody waits for the answer. */
  readonly client: number
  call: number
  /** Where it was sent; -1: there was no view yet. */
  home: number
}

/** What is known of the updates of a node. */
export interface RecordedClient {
  /** All of its updates before this one have been answered. */
  ackUpTo: number
  readonly records: Map<number, KeptRecord>
}

export interface KeptRecord {
  readonly object: string
  readonly epoch: number
  readonly answer: UpdateAnswer
}

export interface ParkedRead {
  readonly client: number
  readonly call: number
  /** Of `wait`: only another version will do. Of `get`: another version comes with its value. */
  readonly seenVersion: number
  readonly isWait: boolean
}

/** A `keys` or `entries` whose object has fields that are not valid. */
export interface ParkedList {
  readonly client: number
  readonly call: number
  readonly isKeys: boolean
  readonly rows: Map<string, EntryRow>
  /** Fields that are not in it yet; `null`: nothing is known of the object. */
  missing: Set<string> | null
}

export interface ParkedReads {
  readonly fields: Map<string, ParkedRead[]>
  lists: ParkedList[]
}

/** Where a call waits: for an update that was sent, or for an object. */
export type WaitingPlace = number | readonly [object: string, field: string | null]

export interface LinFastReadState {
  readonly place: number
  readonly founders: number
  readonly placement: 'first' | 'hash'
  readonly mutant: LinFastReadMutant | null
  epoch: number
  members: readonly number[]
  /** Members that are home of objects. */
  homes: readonly number[]
  /** It had a lease: until then it is told views, and nothing else. */
  hasServed: boolean
  /** The lease has run out, or this node is not in the view: it serves no more, for ever. */
  isOver: boolean
  /** It has, or had, all that the homes have. */
  isComplete: boolean
  /** Homes that have sent all they have, while it is not complete. */
  readonly synced: Set<number>
  readonly objects: Map<string, CopiedObject>
  readonly clients: Map<number, RecordedClient>
  /** Of each lock that a write came under, the smallest token with which another may come. */
  readonly leastTokens: Map<string, number>
  /** The same of locks that this node serves; those that were granted last come last. */
  readonly servedTokens: Map<string, number>
  /** Messages of views that have not come. */
  held: { readonly from: number; readonly message: LinFastReadMessage }[]
  /** As a home: members that have all it has; and of these those that have what it took over. */
  readonly knowing: Set<number>
  readonly told: Set<number>
  lastSequence: number
  /** By sequence number, upwards. */
  readonly updates: Map<number, SentUpdate>
  readonly reads: Map<string, ParkedReads>
  /** Where the calls of a client wait. A client without any is not kept. */
  readonly waiting: Map<number, Map<number, WaitingPlace>>
  parkedReads: number
}

export const absent: FieldState = Object.freeze([0, undefined] as const)

export function initialState(parameters: LinFastReadParameters): LinFastReadState {
  const { place, founders, placement, mutant } = parameters
  // The first view holds all founders, also where it never comes because a later one does.
  const first = Array.from({ length: founders + 1 }, (_, at) => at)
  return {
    place,
    founders,
    placement,
    mutant: mutant ?? null,
    epoch: 0,
    members: first,
    homes: homesOf(first, founders, placement),
    hasServed: false,
    isOver: false,
    isComplete: place <= founders || mutant === 'joiners read at once',
    synced: new Set(),
    objects: new Map(),
    clients: new Map(),
    leastTokens: new Map(),
    servedTokens: new Map(),
    held: [],
    knowing: new Set(first),
    told: new Set(first),
    lastSequence: 0,
    updates: new Map(),
    reads: new Map(),
    waiting: new Map(),
    parkedReads: 0,
  }
}

export function homesOf(
  members: readonly number[],
  founders: number,
  placement: 'first' | 'hash',
): readonly number[] {
  const homes = members.filter((place) => place > 0 && place <= founders)
  if (homes.length === 0) return [0]
  return placement === 'first' ? homes.slice(0, 1) : homes
}

export function homeOf(state: LinFastReadState, object: string): number {
  const known = state.objects.get(object)
  return known === undefined ? rendezvous(object, state.homes) : known.home
}

/** Stamps are compared as numbers: the epoch first, then `ver`. */
export function stampOf(state: LinFastReadState, epoch: number, ver: number): number {
  return (state.mutant === 'epoch not in the stamp' ? 0 : epoch) * updatesPerEpoch + ver
}

export function verOf(stamp: number): number {
  return stamp % updatesPerEpoch
}

export function openObject(state: LinFastReadState, name: string): CopiedObject {
  const known = state.objects.get(name)
  if (known !== undefined) return known
  const object: CopiedObject = {
    home: homeOf(state, name),
    stamp: 0,
    committed: 0,
    restoredAt: state.epoch,
    isOrphan: false,
    fields: new Map(),
    initialised: new Set(),
    unsettled: new Set(),
    pending: new Map(),
    acknowledged: new Map(),
    isTakenOver: false,
  }
  state.objects.set(name, object)
  return object
}

export function others(state: LinFastReadState): readonly number[] {
  return state.members.filter((place) => place !== state.place)
}

/** Puts the rows in; they are not valid before they are committed. */
export function installRows(
  object: CopiedObject,
  rows: readonly FieldRow[],
  stamp: number,
  isHome: boolean,
): void {
  for (const [name, version, value] of rows) {
    const before = isHome ? committedState(object, name) : null
    object.fields.set(name, { stamp, version, value, before })
    // It goes to the end: the set is in the order of stamps.
    object.unsettled.delete(name)
    object.unsettled.add(name)
  }
  object.stamp = stamp
}

/** The field as it was committed last; `null` where that is not known. */
export function committedState(object: CopiedObject | undefined, name: string): FieldState | null {
  const field = object?.fields.get(name)
  if (object === undefined || field === undefined) return absent
  return field.stamp <= object.committed ? shownState(field) : field.before
}

export function shownState({ version, value }: CopiedField): FieldState {
  return version === 0 ? absent : [version, value]
}

/** Whether the node may answer for objects of this home. */
export function isReadable(state: LinFastReadState, home: number): boolean {
  return state.epoch > 0 && (state.isComplete || state.synced.has(home))
}

/** What a read of the field is answered now; `null`: it has to wait. */
export function readField(
  state: LinFastReadState,
  objectName: string,
  fieldName: string,
): FieldState | null {
  if (!isReadable(state, homeOf(state, objectName))) return null
  const object = state.objects.get(objectName)
  if (state.mutant === 'no wait of readers on an invalid cell') {
    const field = object?.fields.get(fieldName)
    return field === undefined ? absent : shownState(field)
  }
  return committedState(object, fieldName)
}

export function send(outputs: LinFastReadOutput[], to: number, message: LinFastReadMessage): void {
  outputs.push({ type: 'send', to, message })
}
