/**
 * What the machines of the replicated stores (`LinFastRead`, `Weak`, `UpdateOnRelease`) have in
 * common. One machine for each store and node plays the replica, the home or master, and the client
 * of its node's threads. The driver is `lib/hub/replicas.ts`.
 *
 * Rule 1: links between members are reliable and ordered until one of the two is removed; messages
 * of different pairs, and views, come in any order.
 * Rule 2: `mayServe` is tested by the driver after the input came, and once false stays false. A
 * machine that may not serve answers no read, commits nothing and grants nothing.
 */
import type { GoawayErrorCode } from '../errors.ts'
import type {
  EncodedValue,
  FieldState,
  LockOperation,
  StrictAnswer,
  StrictOperation,
} from '../wire/messages.ts'
import { objectLockPrefix } from './lock-state.ts'
import type { Machine } from './machine.ts'

export type { ReplicatedStore } from '../wire/replica-messages.ts'

/** Who is in, as the spawner says it in numbered epochs. */
export interface View {
  readonly epoch: number
  /** Places, ascending; 0 is the spawner, which is always in. */
  readonly members: readonly number[]
}

export interface ReplicaParameters {
  /** Place of this node: never given twice. */
  readonly place: number
  /**
   * Places 1 to this one are in the first view. Only founders are ever home or master, or place 0
   * when none of them is left: only they are sure to have everything.
   */
  readonly founders: number
  /** Which node is home of an object. */
  readonly placement: 'first' | 'hash'
}

/** A request of a thread of this node. `call` 0: no answer is wanted. */
export interface ReplicaRequest<Operation = StrictOperation> {
  readonly type: 'request'
  readonly client: number
  readonly call: number
  /** The routine that asks; 0 outside of any. */
  readonly owner: number
  readonly thread: number
  /** The thread does nothing else until the answer has come. */
  readonly blocking: boolean
  readonly operation: Operation
  readonly mayServe: boolean
}

export type ReplicaInput<Operation, Message> =
  | ReplicaRequest<Operation>
  | {
      readonly type: 'message'
      readonly from: number
      readonly message: Message
      readonly mayServe: boolean
    }
  | { readonly type: 'view'; readonly view: View; readonly mayServe: boolean }
  /** The caller no longer wants the answer of this call. */
  | { readonly type: 'forget'; readonly client: number; readonly call: number }
  /** A routine came to its end, and its last request has been taken. */
  | { readonly type: 'ownerEnded'; readonly client: number; readonly owner: number }
  /** Its thread is gone, and no request of it will be taken any more. */
  | { readonly type: 'clientLost'; readonly client: number }
  /** Of the lock machine of this node, if it serves any locks. */
  | { readonly type: 'lockGranted'; readonly lock: string; readonly token: number }
  | { readonly type: 'lockFreed'; readonly lock: string; readonly token: number }

export type ReplicaOutput<Message> =
  | { readonly type: 'send'; readonly to: number; readonly message: Message }
  | {
      readonly type: 'answer'
      readonly client: number
      readonly call: number
      readonly answer: StrictAnswer
    }
  | {
      readonly type: 'refuse'
      readonly client: number
      readonly call: number
      readonly code: GoawayErrorCode
      readonly message: string
      /** Whether the operation may have taken place, or may yet. */
      readonly maybeExecuted?: boolean
      /** Place of the node whose loss is the reason. */
      readonly lost?: number
    }
  /** The request waits; its answer comes from a later step. */
  | { readonly type: 'parked'; readonly client: number; readonly call: number }
  /** What this node's replica shows of a field from now on. */
  | ({ readonly type: 'cell'; readonly object: string } & CellRow)

/** What a replica shows of a field. Not valid: it is about to change, and its readers wait. */
export interface CellRow {
  readonly field: string
  readonly state: FieldState
  readonly isValid: boolean
}

/** A machine whose replica can be read by others than itself. */
export interface ReplicaMachine<State, Input, Output, Parameters>
  extends Machine<State, Input, Output, Parameters> {
  /**
   * All fields of the object that are there or about to be; `null`: it may not be read now. Once it
   * may be, `cell` outputs tell all that becomes of it.
   */
  cells(state: State, object: string): readonly CellRow[] | null
}

/** Orders to the lock machine of this node, of a machine whose objects have locks of their own. */
export type LockOrder =
  | {
      readonly type: 'lock'
      readonly client: number
      readonly call: number
      readonly owner: number
      readonly thread: number
      readonly blocking: boolean
      readonly operation: LockOperation
    }
  /** The call that was ordered waits, and is to leave the queue: nothing is answered to it. */
  | { readonly type: 'lockForget'; readonly client: number; readonly call: number }

/**
 * What the lock machine answers to a {@link LockOrder}. A lock of an object is freed by an order
 * alone: `ownerEnded` and `clientLost` leave that to the machine that ordered it.
 */
export type LockNews =
  | {
      readonly type: 'lockAnswered'
      readonly client: number
      readonly call: number
      readonly token: number
      readonly mayServe: boolean
    }
  | {
      readonly type: 'lockRefused'
      readonly client: number
      readonly call: number
      readonly code: GoawayErrorCode
      readonly message: string
      readonly mayServe: boolean
    }

/** The lease of this node is over, or it is out: told to a machine whose objects have locks. */
export interface LeaseOver {
  readonly type: 'leaseOver'
  readonly mayServe: boolean
}

/** A thread of this node holds an object's lock no more, and has not released it. */
export interface LockLost {
  readonly type: 'lockLost'
  readonly client: number
  readonly lock: string
  readonly token: number
  readonly code: GoawayErrorCode
  readonly message: string
  /** Place of the node whose loss is the reason. */
  readonly lost?: number
}

/** An object's own lock, in the table of all locks. No user's lock begins like this. */
export function updateOnReleaseLock(object: string): string {
  return `${objectLockPrefix}update-on-release ${object}`
}

/** A field with a value, as an answer of `get`. */
export function fieldState(version: number, value: EncodedValue): FieldState {
  return version === 0 ? [0, undefined] : [version, value]
}
