/**
 * The hub's side of one published object: its directory of cells. Written by the hub alone.
 *
 * Rules: entries are appended and never change their place; what is appended is locked until the
 * change it belongs to is complete, and it can be found before anything of that change is unlocked.
 */
import { directoryBytesMax, directoryBytesMin } from '../limits.ts'
import {
  bitElsewhere,
  bitLocked,
  blockGeneration,
  blockHead,
  blockHeadWords,
  blockIndex,
  entryHeadWords,
  entryName,
  entryPlace,
  flagContinued,
  flagMoved,
  type Memory,
  memoryOver,
  wordsFor,
} from './memory-layout.ts'
import { measureText, textBytes, writeText } from './text-bytes.ts'

/** One cell: its state word is `words[at]`, the word of its place the next. */
export interface WriterCell {
  readonly words: Int32Array
  readonly at: number
  isAbsent: boolean
}

/** `used` are the words that its entries take, told to readers or not yet. */
interface Block extends Memory {
  used: number
}

export class PublishedObject {
  readonly generation: number
  readonly cells = new Map<string, WriterCell>()
  readonly #changesMax: number
  readonly #blocks: Block[] = []
  #last: Block
  /** From this block on, readers have not been told of all. */
  #firstOpen = 0
  #absent = 0
  #isWorn = false
  #bytes = 0

  constructor(generation: number, changesMax: number) {
    this.generation = generation
    this.#changesMax = changesMax
    this.#last = this.#append(0)
    this.commit()
  }

  get absent(): number {
    return this.#absent
  }

  /** Some cell has changed so often that its words would come again. */
  get isWorn(): boolean {
    return this.#isWorn
  }

  get bytes(): number {
    return this.#bytes
  }

  blocks(from: number): SharedArrayBuffer[] {
    return this.#blocks.slice(from).map(({ words }) => words.buffer as SharedArrayBuffer)
  }

  /** The field's cell, locked. One that is made here is found by readers after `commit`. */
  lock(field: string): WriterCell {
    const known = this.cells.get(field)
    if (known === undefined) return this.#make(field)
    const { words, at } = known
    const state = words[at] as number
    // The count stands while the cell is locked: nobody remembers a word with this bit.
    Atomics.store(words, at, (state & ~bitElsewhere) | bitLocked)
    return known
  }

  /** Tells readers of what was appended, backwards, so that they find all of it or nothing. */
  commit(): void {
    for (let index = this.#blocks.length - 1; index >= this.#firstOpen; index -= 1) {
      const { words, used } = this.#blocks[index] as Block
      const isLast = index === this.#blocks.length - 1
      Atomics.store(words, blockHead, (used << 2) | (isLast ? 0 : flagContinued))
    }
    this.#firstOpen = this.#blocks.length - 1
  }

  place({ words, at }: WriterCell, place: number): void {
    Atomics.store(words, at + entryPlace, place)
  }

  /** The cell is valid from now on, as its place says or, `elsewhere`, as the hub says. */
  unlock(cell: WriterCell, elsewhere: boolean): void {
    const { words, at } = cell
    const changes = ((words[at] as number) >>> 2) + 1
    if (changes >= this.#changesMax) this.#isWorn = true
    Atomics.store(words, at, (changes << 2) | (elsewhere ? bitElsewhere : 0))
    const isAbsent = !elsewhere && words[at + entryPlace] === 0
    if (isAbsent !== cell.isAbsent) this.#absent += isAbsent ? 1 : -1
    cell.isAbsent = isAbsent
  }

  /**
   * The same cells in a new directory, without those of deleted fields; this one is locked for
   * ever.
   */
  move(): PublishedObject {
    const moved = new PublishedObject(this.generation + 1, this.#changesMax)
    for (const [field, cell] of this.cells) {
      const { words, at } = cell
      const state = words[at] as number
      const isLocked = (state & bitLocked) !== 0
      Atomics.store(words, at, (state & ~bitElsewhere) | bitLocked)
      if (cell.isAbsent && !isLocked) continue
      const copy = moved.lock(field)
      moved.place(copy, words[at + entryPlace] as number)
      if (!isLocked) moved.unlock(copy, (state & bitElsewhere) !== 0)
    }
    moved.commit()
    for (const { words } of this.#blocks) Atomics.or(words, blockHead, flagMoved)
    return moved
  }

  /** Nothing of it is true any more, and nothing else will be. */
  close(): void {
    for (const field of this.cells.keys()) this.lock(field)
    for (const { words } of this.#blocks) Atomics.or(words, blockHead, flagMoved)
  }

  #make(field: string): WriterCell {
    const measure = measureText(field)
    const needed = entryHeadWords + wordsFor(textBytes(measure))
    if (this.#last.used + needed > this.#last.words.length) this.#last = this.#append(needed)
    const { words, bytes, used: at } = this.#last
    this.#last.used += needed
    words[at] = bitLocked
    words[at + entryName] = measure
    writeText(field, measure, bytes, (at + entryHeadWords) * 4)
    const cell = { words, at, isAbsent: false }
    this.cells.set(field, cell)
    return cell
  }

  #append(needed: number): Block {
    const wanted = Math.max(directoryBytesMin, (this.#blocks.at(-1)?.bytes.length ?? 0) * 2)
    const bytes = Math.max(Math.min(wanted, directoryBytesMax), (blockHeadWords + needed) * 4)
    const memory = memoryOver(new SharedArrayBuffer(bytes))
    memory.words[blockGeneration] = this.generation
    memory.words[blockIndex] = this.#blocks.length
    const block = { ...memory, used: blockHeadWords }
    this.#blocks.push(block)
    this.#bytes += bytes
    return block
  }
}
