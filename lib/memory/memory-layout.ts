/**
 * How replicas lie in shared memory: which bits and words mean what. Rules: docs/replicas.md.
 *
 * All is in 32-bit words. A *directory block* is a buffer of its own: a head, then entries, one a
 * cell. A *record* is a value with its version, somewhere in a segment.
 */
import { segmentBytes } from '../limits.ts'

// A block's head.

/** Words that are in use, in the upper 30 bits, and the two flags. */
export const blockHead = 0
/** Counts the moves of the object, from 1. */
export const blockGeneration = 1
export const blockIndex = 2
export const blockHeadWords = 3
/** The object's cells go on in the next block. */
export const flagContinued = 1
/** The object has moved: nothing in its blocks is true any more. */
export const flagMoved = 2

// An entry: state, place, name.

export const entryPlace = 1
export const entryName = 2
export const entryHeadWords = 3

/** In a state word, below its count of changes: not valid now. */
export const bitLocked = 1
/** In a state word: too large to lie here. Never together with `bitLocked`. */
export const bitElsewhere = 2
export const stateBits = bitLocked | bitElsewhere
/** The last count of changes; the object is moved before a word could come again. */
export const changesMax = 2 ** 30 - 1
/** No state word is ever this, for both bits are set. */
export const wordUnread = -1

// A record: version, head, content.

export const recordHead = 2
export const recordHeadWords = 3

/** Kinds of values, in the lower bits of a record's head, below the length in bytes. */
export const kindUndefined = 0
export const kindNull = 1
export const kindFalse = 2
export const kindTrue = 3
export const kindNumber = 4
export const kindBytes = 5
/** And the three of texts, from here: see text-bytes.ts. */
export const kindText = 8
export const kindBits = 4

/** A place is a segment and a word in it. Place 0 is no record's: it says "absent". */
const segmentWords = segmentBytes / 4
const wordBits = 31 - Math.clz32(segmentWords)

export function placeAt(segment: number, word: number): number {
  return ((segment << wordBits) | word) >>> 0
}

export function segmentOf(place: number): number {
  return place >>> wordBits
}

export function wordOf(place: number): number {
  return place & (segmentWords - 1)
}

export function wordsFor(bytes: number): number {
  return (bytes + 3) >>> 2
}

/** A segment or a block, as words and as bytes. */
export interface Memory {
  readonly words: Int32Array
  readonly bytes: Buffer
}

export function memoryOver(buffer: SharedArrayBuffer): Memory {
  return { words: new Int32Array(buffer), bytes: Buffer.from(buffer) }
}
