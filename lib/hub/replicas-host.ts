/** What the driver of the replicated stores needs of its hub, and of who serves the locks. */
import type { Standing } from '../protocol/membership-node.ts'
import type { LockNews, LockOrder } from '../protocol/replica.ts'
import type { ErrorRecord } from '../wire/error-record.ts'
import type { Operation } from '../wire/messages.ts'
import type { ReplicaLinkMessage, ReplicatedStore } from '../wire/replica-messages.ts'
import type { Published } from './published.ts'
import type { ClientReplies } from './stores.ts'

/** An input, to which is added whether this node may serve. */
export type Fed<T> = T extends unknown ? Omit<T, 'mayServe'> : never

/** The locks that this node serves. */
export interface ReplicaLocks {
  order(order: LockOrder): void
  /** Who hears of them from now on. */
  tell(listener: LockListener): void
}

/** Hears of every lock of this node, and of what became of its own orders. */
export interface LockListener {
  changed(type: 'lockGranted' | 'lockFreed', lock: string, token: number): void
  news(news: Fed<LockNews>): void
}

export interface ReplicasHost {
  readonly replies: ClientReplies
  readonly locks: ReplicaLocks
  /** How this node stands in its cluster, as far as it can know. */
  standing(): Standing
  /** Why a write is not taken here: a lock it is made under may have passed on. */
  staleFence?(operation: Operation): ErrorRecord | undefined
  /** What threads of this node read by themselves. */
  readonly published: Published
  /** One more of the client's writes that want no answer has taken effect, or was refused. */
  taken(client: number, store: ReplicatedStore, error?: ErrorRecord): void
  /** What the node in that place is called, or was. */
  nameOf?(place: number): string | undefined
  /** Dropped if that node is gone. */
  send(place: number, message: ReplicaLinkMessage): void
}
