/** How a value is copied, and what comes of it: the words of `value-copy.ts`. */
import { bulkBytesMin } from '../limits.ts'
import type { Repairs } from './value-repairs.ts'

export interface CopyRules {
  /** The beginning of every message: `argument`, `result`, `field "x"`. */
  readonly where: string
  /** A stored value may be read by anyone at any time: nothing in it can be shared or moved. */
  readonly stored: boolean
  readonly transfer?: readonly object[] | undefined
  /** It is to become bytes: buffers that are moved are copied like others. @default false */
  readonly asBytes?: boolean
  /** Smaller buffers go through the serializer. @default bulkBytesMin */
  readonly contentBytesMin?: number
  /** Where refs are noted; left out: the value may have none. */
  readonly baggage?: Baggage | undefined
}

/** What goes along with a value, and is known to those who carry it. */
export interface Baggage {
  /** The refs in it. */
  readonly refs: Set<number>
  /** What in it cannot leave its process, as messages call it; '' if all of it can. */
  stays: string
}

export interface ValueCopy {
  readonly graph: unknown
  readonly repairs: Repairs | undefined
  /** Plain objects and arrays only. */
  readonly freezable: boolean
  /** It holds what only a message port can carry. */
  readonly cloneOnly: boolean
  /** An estimate. */
  readonly bytes: number
  /** Large buffers of the copy, and where their content is. */
  readonly contents: ReadonlyMap<ArrayBuffer, Uint8Array>
}

/** Whether a buffer of that size is a mere number in the structure, and its content beside that. */
export function goesApart(
  bytes: number,
  { asBytes = false, contentBytesMin = bulkBytesMin }: CopyRules,
): boolean {
  return asBytes && bytes >= contentBytesMin
}
