/**
 * A thread's reads of records in shared memory.
 *
 * Rules: while the thread's word says that it reads, nothing is called that could throw, wait or
 * come back here; what was copied is believed only if the cell's word is still the same.
 */
import type { EncodedValue } from '../wire/messages.ts'
import { wordEpoch, wordReading } from '../wire/shared-words.ts'
import {
  entryPlace,
  type Memory,
  memoryOver,
  segmentOf,
  stateBits,
  wordOf,
} from './memory-layout.ts'
import { readContent, readVersion } from './record.ts'

export interface Decoded {
  readonly value: unknown
  /** Frozen throughout: one decoding serves all who read it. Otherwise each read decodes anew. */
  readonly shareable: boolean
}

export interface ReaderSource {
  readonly hubWords: Int32Array
  readonly threadWords: Int32Array
  /** Called for bytes alone. */
  decode(encoded: EncodedValue): Decoded
  /** Undefined: not to be had now. What comes later is given to `addSegment`. */
  segment(index: number): SharedArrayBuffer | undefined
}

/**
 * What a read found: the cell as it is; that it must be tried again; that the hub must be asked.
 */
export type ReadOutcome = 'read' | 'changed' | 'ask'

/** The fields of a cell that a read of its record needs. */
export interface RecordCell {
  readonly words: Int32Array
  readonly at: number
  readonly version: number
  readonly isDecoded: boolean
}

export class ReplicaReader {
  readonly #hubWords: Int32Array
  readonly #threadWords: Int32Array
  readonly #source: ReaderSource
  readonly #segments: (Memory | undefined)[] = []

  /** What the last read has copied: valid until the next. */
  word = 0
  version = 0
  content: EncodedValue
  /** The version is the one that the cell was decoded in: there is no content. */
  isSame = false

  constructor(source: ReaderSource) {
    this.#source = source
    this.#hubWords = source.hubWords
    this.#threadWords = source.threadWords
  }

  decode(encoded: EncodedValue): Decoded {
    return this.#source.decode(encoded)
  }

  addSegment(index: number, buffer: SharedArrayBuffer): void {
    this.#segments[index] ??= memoryOver(buffer)
  }

  /** Copies the record of a cell. */
  read(cell: RecordCell): ReadOutcome {
    const threadWords = this.#threadWords
    Atomics.store(threadWords, wordReading, Atomics.load(this.#hubWords, wordEpoch))
    const word = Atomics.load(cell.words, cell.at)
    const place =
      (word & stateBits) === 0 ? Atomics.load(cell.words, cell.at + entryPlace) >>> 0 : 0
    const segment = place === 0 ? undefined : this.#segments[segmentOf(place)]
    if (segment !== undefined) this.#copy(segment, wordOf(place), cell)
    Atomics.store(threadWords, wordReading, 0)
    if ((word & stateBits) !== 0) return 'ask'
    if (segment === undefined) {
      this.version = 0
      this.content = undefined
      this.isSame = false
      if (place !== 0) return this.#fetch(segmentOf(place)) ? 'changed' : 'ask'
    }
    this.word = word
    return Atomics.load(cell.words, cell.at) === word ? 'read' : 'changed'
  }

  #copy(segment: Memory, at: number, cell: RecordCell): void {
    const version = readVersion(segment, at)
    this.isSame = cell.isDecoded && version === cell.version
    this.content = this.isSame ? undefined : readContent(segment, at)
    this.version = version
  }

  #fetch(index: number): boolean {
    if (this.#segments[index] !== undefined) return true
    const buffer = this.#source.segment(index)
    if (buffer !== undefined) this.addSegment(index, buffer)
    return this.#segments[index] !== undefined
  }
}
