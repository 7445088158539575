/**
 * What the hub asks of whoever serves the objects and locks: itself, or another hub over a link.
 */
import type { ErrorRecord } from '../wire/error-record.ts'
import type { Answer, Operation } from '../wire/messages.ts'
import type { ReplicatedOperation } from '../wire/replica-messages.ts'

/** One request of a thread. `call` 0: no answer is wanted. */
export interface StoreRequest {
  readonly client: number
  readonly call: number
  readonly owner: number
  readonly thread: number
  readonly blocking: boolean
  /** Of the client's node, under which a lock is asked for where another node serves it. */
  readonly session?: number
  readonly operation: Operation
}

/** Where answers go. */
export interface StoreReplies {
  answer(client: number, call: number, answer: Answer): void
  refuse(client: number, call: number, error: ErrorRecord): void
  /** There is no answer yet: what it waits for has not happened. */
  parked(request: StoreRequest): void
}

/** Where a hub's own clients are answered, and told what they did not ask for. */
export interface ClientReplies extends StoreReplies {
  /** The client no longer has a lock that it was granted. */
  lockLost(client: number, lock: string, token: number, error: ErrorRecord): void
}

export interface Stores {
  request(request: StoreRequest): void
  /**
   * Stop waiting: a call that waits is refused with the reason; any other has its answer on the
   * way.
   */
  forget(client: number, call: number, reason: ErrorRecord): void
  ownerEnded(client: number, owner: number): void
  clientLost(client: number): void
}

/** Stores that know who holds their locks. */
export interface LockStores extends Stores {
  /** Whether the lock is held by that token, as far as this node can know now. */
  holds(lock: string, token: number): boolean
}

/** The stores of this very node, which serve other nodes as well. */
export interface OwnStores extends LockStores {
  /** What these clients hold under that session of their node passes on. */
  sessionEnded(clients: readonly number[], session: number): void
  /** The locks that are held here. */
  held(): Iterable<HeldHere>
}

export interface HeldHere {
  readonly name: string
  readonly token: number
  readonly client: number
}

export function isReplicated(operation: Operation): operation is ReplicatedOperation {
  switch (operation[0]) {
    case 'lin-fast-read':
    case 'weak':
    case 'weak-causal':
    case 'update-on-release':
      return true
    default:
      return false
  }
}

/** What is asked, of whatever store. */
export function verbOf(operation: Operation): string {
  return isReplicated(operation) ? operation[1][0] : operation[0]
}
