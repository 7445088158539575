/**
 * What concerns the values that are put (docs/protocols/ref.md): messages between the machines of
 * two nodes, and from a thread to its hub. A ref is a number, never given twice in an application.
 */

/**
 * An encoded value: its structure, and the large memory in it, each piece by itself so that it can
 * be used where it lies. Whoever carries it does not look into it.
 */
export type RefData = readonly Uint8Array[]

/** The same as a thread of the node is given it: memory that it shares with the others. */
export type SharedRefData = readonly [structure: Uint8Array, ...memory: SharedArrayBuffer[]]

/** Between the machines of two nodes. */
export type RefMessage =
  /** To the owner: the sender holds the ref. */
  | readonly ['hold', ref: number]
  /** From the owner: it knows that; or there is nothing to hold any more. */
  | readonly ['held', ref: number]
  | readonly ['gone', ref: number]
  /** To the owner: so many of the sender's holds are over. */
  | readonly ['drop', ref: number, holds: number]
  /** To who sent them: the receiver's own holds are known to the owner. */
  | readonly ['arrived', refs: readonly number[]]
  | readonly ['fetch', ref: number]
  | readonly ['data', ref: number, data: RefData]
  /** From the owner, to whom it has sent the value: it knows of nobody who holds the ref. */
  | readonly ['free', ref: number]

/** The same, as it goes over a link. */
export type RefLinkMessage = readonly ['ref', message: RefMessage]

/** From a thread to its hub. */
export type RefNews =
  | readonly ['put', ref: number, data: RefData]
  /** The thread has got an object of it, and has none any more. */
  | readonly ['take', ref: number]
  | readonly ['drop', ref: number]
  /** What was delivered with a result or a value was taken, or nobody wanted it. */
  | readonly ['delivered', refs: readonly number[]]

/** What a thread asks its hub for: the value. */
export type RefOperation = readonly ['ref', ref: number]
