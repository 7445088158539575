/**
 * A thread's view of one object's cells in shared memory.
 *
 * The quick way is the caller's own, without a call:
 *
 *     const cell = cells.get(field)
 *     if (cell !== undefined && Atomics.load(cell.words, cell.at) === cell.word) return cell
 *
 * and for anything else `find`. A cell changes when it is read again: take from it what is needed
 * at once.
 */
import { replicaAttemptsMax } from '../limits.ts'
import {
  blockGeneration,
  blockHead,
  blockHeadWords,
  blockIndex,
  entryHeadWords,
  entryName,
  flagContinued,
  flagMoved,
  type Memory,
  memoryOver,
  wordsFor,
  wordUnread,
} from './memory-layout.ts'
import type { ReplicaReader } from './replica-reader.ts'
import { readText, textBytes } from './text-bytes.ts'

/** A field as it was read: version 0 and `undefined` if it is absent. */
export interface CellRead {
  readonly version: number
  readonly value: unknown
}

/** What is read of a field that has no cell. */
export const absentCell: CellRead = Object.freeze({ version: 0, value: undefined })

export class Cell implements CellRead {
  readonly words: Int32Array
  readonly at: number
  /** The state word in which the value was read; one that never is, where it must be read anew. */
  word: number = wordUnread
  version = 0
  value: unknown = undefined
  /** The value is frozen, or plain: it serves for all reads of its version. */
  isDecoded = false
  /** Of a value that each read decodes anew, and the word in which they were read. */
  bytes: Uint8Array | undefined = undefined
  bytesWord: number = wordUnread
  /** For who reads it: whatever was found out of the field's name. */
  isProperty = false

  constructor(words: Int32Array, at: number) {
    this.words = words
    this.at = at
  }
}

export interface BlockSource {
  /**
   * The object's blocks of this generation from that one on, or, if it has moved, those of the next
   * from the first on. Undefined: not to be had now. What comes later is given to `addBlocks`.
   *
   * @param generation 0 if none is known
   */
  blocks(from: number, generation: number): readonly SharedArrayBuffer[] | undefined
}

export class ObjectCells {
  readonly cells = new Map<string, Cell>()
  readonly #reader: ReplicaReader
  readonly #source: BlockSource
  readonly #blocks: Memory[] = []
  #generation = 0
  /** How far the directory was looked through. */
  #block = 0
  #at = blockHeadWords
  /** The cells before the object moved: their values are still those of their versions. */
  #former: ReadonlyMap<string, Cell> | undefined

  constructor(reader: ReplicaReader, source: BlockSource) {
    this.#reader = reader
    this.#source = source
  }

  get generation(): number {
    return this.#generation
  }

  /** How many blocks of this generation are known. */
  get blocksKnown(): number {
    return this.#blocks.length
  }

  /**
   * The field as it is now: its cell, or `absentCell` if it has none. Undefined: ask the hub.
   */
  find(field: string): CellRead | undefined {
    const known = this.cells.get(field)
    if (known !== undefined) {
      if (this.refresh(known)) return known
      // If the object has moved, the cell was left: there may be another.
      if (this.cells.get(field) === known) return undefined
    }
    if (!this.#look()) return undefined
    const cell = this.cells.get(field)
    if (cell === undefined) return absentCell
    return this.refresh(cell) ? cell : undefined
  }

  /**
   * Reads the cell's record anew. False: locked, elsewhere, moved or not to be had now; ask the
   * hub.
   */
  refresh(cell: Cell): boolean {
    for (let attempt = 0; attempt < replicaAttemptsMax; attempt += 1) {
      if (cell.bytes !== undefined && Atomics.load(cell.words, cell.at) === cell.bytesWord) {
        cell.value = this.#reader.decode(cell.bytes).value
        return true
      }
      const outcome = this.#reader.read(cell)
      if (outcome === 'changed') continue
      if (outcome === 'read') this.#take(cell)
      else this.#leaveIfMoved()
      return outcome === 'read'
    }
    return false
  }

  /** Blocks that came; those of another generation or already known are passed over. */
  addBlocks(buffers: readonly SharedArrayBuffer[]): void {
    for (const buffer of buffers) {
      const block = memoryOver(buffer)
      const generation = block.words[blockGeneration] as number
      if (generation > this.#generation) this.#startAnew(generation)
      const isNext = block.words[blockIndex] === this.#blocks.length
      if (generation === this.#generation && isNext) this.#blocks.push(block)
    }
  }

  #take(cell: Cell): void {
    const reader = this.#reader
    const { word, content } = reader
    if (!reader.isSame) {
      cell.version = reader.version
      const isBytes = content instanceof Uint8Array
      const { value, shareable } = isBytes
        ? reader.decode(content)
        : { value: content, shareable: true }
      cell.value = value
      cell.isDecoded = shareable && cell.version !== 0
      cell.bytes = isBytes && !shareable ? content : undefined
    }
    if (cell.bytes === undefined) cell.word = word
    else {
      cell.word = wordUnread
      cell.bytesWord = word
    }
  }

  /** Looks at what was appended. False if the directory is not known to its end. */
  #look(): boolean {
    for (let attempt = 0; attempt < replicaAttemptsMax; ) {
      const block = this.#blocks[this.#block]
      if (block === undefined) {
        if (!this.#fetch()) return false
        attempt += 1
        continue
      }
      const head = Atomics.load(block.words, blockHead)
      if ((head & flagMoved) !== 0) {
        this.#leave()
        continue
      }
      if (head >>> 2 > this.#at) this.#parse(block, head >>> 2)
      if ((head & flagContinued) === 0) {
        this.#former = undefined
        return true
      }
      this.#block += 1
      this.#at = blockHeadWords
    }
    return false
  }

  #parse(block: Memory, end: number): void {
    const { words, bytes } = block
    while (this.#at < end) {
      const at = this.#at
      const measure = words[at + entryName] as number
      const field = readText(measure, bytes, (at + entryHeadWords) * 4)
      const cell = new Cell(words, at)
      const former = this.#former?.get(field)
      if (former?.isDecoded === true) {
        cell.version = former.version
        cell.value = former.value
        cell.isDecoded = true
      }
      this.cells.set(field, cell)
      this.#at += entryHeadWords + wordsFor(textBytes(measure))
    }
  }

  #fetch(): boolean {
    const buffers = this.#source.blocks(this.#blocks.length, this.#generation)
    if (buffers !== undefined) this.addBlocks(buffers)
    return this.#blocks[this.#block] !== undefined
  }

  #leaveIfMoved(): void {
    const first = this.#blocks[0]
    if (first !== undefined && (Atomics.load(first.words, blockHead) & flagMoved) !== 0) {
      this.#leave()
    }
  }

  /** Nothing in the known blocks is true any more. */
  #leave(): void {
    this.#startAnew(this.#generation)
  }

  #startAnew(generation: number): void {
    if (this.cells.size > 0) this.#former = new Map(this.cells)
    this.cells.clear()
    this.#blocks.length = 0
    this.#generation = generation
    this.#block = 0
    this.#at = blockHeadWords
  }
}
