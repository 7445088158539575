/**
 * Between the nodes that keep `LinFastRead` objects: docs/protocols/lin-fast-read.md. A message is
 * a tuple that opens with its name. `epoch` is that of the sender's view; with `ver` it makes the
 * stamp of an update.
 */
import type { GoawayErrorCode } from '../errors.ts'
import type { EncodedValue, StrictOperation, WriteOutcome } from './messages.ts'

/** What changes an object: goes to its home. All other operations are answered where they are. */
export type UpdateOperation = Extract<
  StrictOperation,
  readonly ['init' | 'set' | 'add' | 'compareAndSet' | 'replace' | 'delete', ...unknown[]]
>

/** `[true, version]`: a conditional write took place, and the field has the value it wanted. */
export type UpdateAnswer = null | number | boolean | WriteOutcome | readonly [true, number]

/** A field as an update leaves it. Version 0: it is deleted. */
export type FieldRow = readonly [field: string, version: number, value: EncodedValue]

/** An update of the node with this place, and its answer: it is not to be performed again. */
export type UpdateRecord = readonly [place: number, sequence: number, answer: UpdateAnswer]

/** The smallest token of a lock with which a write may still come. */
export type LeastToken = readonly [lock: string, token: number]

export type LinFastReadMessage =
  /** UPD. All updates of the sender before `ackUpTo` have been answered. */
  | readonly [
      'update',
      epoch: number,
      sequence: number,
      ackUpTo: number,
      operation: UpdateOperation,
    ]
  /** INV. `names`: what an `init` has named for the first time. */
  | readonly [
      'invalidate',
      epoch: number,
      object: string,
      ver: number,
      rows: readonly FieldRow[],
      names: readonly string[],
      record: UpdateRecord,
      ackUpTo: number,
      tokens: readonly LeastToken[],
    ]
  /** ACK: everything of this object up to `ver` is installed. */
  | readonly ['acknowledge', epoch: number, object: string, ver: number]
  /** VAL: everything of this object up to this stamp is committed. */
  | readonly ['validate', epoch: number, object: string, ver: number]
  /**
   * INV of many fields at once, after a view. `isWhole`: what is not in it does not exist.
   * `isCommitted`: there is nothing in it to wait for.
   */
  | readonly [
      'restore',
      epoch: number,
      object: string,
      ver: number,
      isWhole: boolean,
      isCommitted: boolean,
      rows: readonly FieldRow[],
      names: readonly string[],
      records: readonly UpdateRecord[],
    ]
  /** The receiver has been sent every object of the sender. */
  | readonly ['synced', epoch: number]
  /** The sender has them. */
  | readonly ['complete', epoch: number]
  /** REPLY, and its like where the update was refused. */
  | readonly ['reply', sequence: number, answer: UpdateAnswer]
  | readonly ['refusal', sequence: number, code: GoawayErrorCode, message: string]
