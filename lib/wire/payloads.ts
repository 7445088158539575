/** Values on their way: opaque to all but who gave them and who reads them. */

/** What travels as itself, and what the hub can count and compare. */
export type InlineValue = number | string | boolean | null | undefined
/** A value on its way or at rest: as itself, or as bytes that only its reader looks into. */
export type EncodedValue = InlineValue | Uint8Array

/** What this library needs of a MessagePort, so that pure rooms need no `node:` import. */
export interface MessagePortLike {
  postMessage(message: unknown, transfer?: readonly unknown[]): void
  close(): void
}

/** A port between a thread and its hub: one of Node, or of a simulation. */
export interface ThreadPort extends MessagePortLike {
  on(event: 'message', listener: (message: unknown) => void): unknown
  /** Takes what has come and was not told of, where this is no port of Node. */
  receive?(): { message: unknown } | undefined
}

/**
 * Packed arguments, results or streamed values. Small ones are bytes in the frame; large ones, and
 * those with a transfer list, lie as one message on a port of their own, which the hub hands on
 * unopened.
 */
export type BarePayload = InlineValue | Uint8Array | MessagePortLike
/**
 * The same with what those who carry it have to know: the refs in it, and what in it cannot leave
 * its process, as messages call it ('' for nothing).
 */
export type Parcel = readonly [payload: BarePayload, refs: readonly number[], stays: string]
export type Payload = BarePayload | Parcel
