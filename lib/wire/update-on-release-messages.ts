/**
 * What concerns `UpdateOnRelease` objects (docs/protocols/update-on-release.md): requests of
 * threads, and messages between the nodes and the master. A message is a tuple that opens with its
 * name.
 */
import type { GoawayErrorCode } from '../errors.ts'
import type { EncodedValue, EntryRow, Fences, StrictOperation } from './messages.ts'

/** What a critical section leaves of one field: a value, or with the name alone no field. */
export type ReleaseWrite = readonly [field: string, value?: EncodedValue]

/**
 * A request of a thread. Of the strict operations those that read are answered by the replica, and
 * `init` by the master; one that writes is refused, for it belongs into a release. `acquire` and
 * `tryAcquire` answer the token (0: not now), `release` the number of the log's entry it made.
 */
export type UpdateOnReleaseOperation =
  | StrictOperation
  | readonly ['acquire', object: string, stopNoticed?: boolean]
  | readonly ['tryAcquire', object: string]
  /** `ackAll`: answered when every member has applied it. `fences`: other locks of the writer. */
  | readonly [
      'release',
      object: string,
      token: number,
      writes: readonly ReleaseWrite[],
      ackAll: boolean,
      fences: Fences,
    ]

/** From a node to the master, for its clients. `call` 0: no answer is wanted. */
export type ToMasterMessage =
  /** The first message of every node. It has seen the view of this epoch, and is in it. */
  | readonly ['join', epoch: number]
  | readonly [
      'acquire',
      client: number,
      call: number,
      owner: number,
      thread: number,
      blocking: boolean,
      object: string,
      mayWait: boolean,
    ]
  /** Nobody wants what this call asked for: it leaves the queue, or gives back what it got. */
  | readonly ['forget', client: number, call: number, object: string]
  | readonly [
      'release',
      client: number,
      call: number,
      object: string,
      token: number,
      writes: readonly ReleaseWrite[],
      ackAll: boolean,
      fences: Fences,
    ]
  /** Its holder is gone, and what it has written with it. */
  | readonly ['abandon', client: number, object: string, token: number]
  | readonly [
      'init',
      client: number,
      call: number,
      object: string,
      fields: readonly (readonly [string, EncodedValue])[],
    ]
  /** Every entry of the log up to this one shows at the sender. */
  | readonly ['applied', gseq: number]

/** From the master to a node. */
export type FromMasterMessage =
  /** So many objects come, each in a message of its own, as they are after this entry. */
  | readonly ['snapshot', gseq: number, objects: number]
  | readonly ['object', gseq: number, object: string, rows: readonly EntryRow[]]
  /** An entry of the log: one release, or what an `init` wrote. */
  | readonly [
      'push',
      gseq: number,
      object: string,
      writes: readonly ReleaseWrite[],
      ackWanted: boolean,
    ]
  /** Token 0: not now. To be told when the replica has the entry `gseq`. */
  | readonly ['grant', client: number, call: number, token: number, gseq: number]
  | readonly ['reply', client: number, call: number, answer: number | null, gseq: number]
  | readonly ['refusal', client: number, call: number, code: GoawayErrorCode, message: string]

export type UpdateOnReleaseMessage = ToMasterMessage | FromMasterMessage
