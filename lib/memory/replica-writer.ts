/**
 * A hub's replicas in shared memory. The hub alone writes them; any thread of the process reads
 * them, with `ReplicaReader`. How, and why that is sound: docs/replicas.md.
 */
import { absentCellsMax, replicaValueBytesMax } from '../limits.ts'
import type { FieldState } from '../wire/messages.ts'
import { Epochs } from './epochs.ts'
import {
  changesMax,
  entryPlace,
  type Memory,
  recordHead,
  segmentOf,
  wordOf,
} from './memory-layout.ts'
import { PublishedObject, type WriterCell } from './published-object.ts'
import { contentBytes, recordHeadOf, recordWords, writeRecord } from './record.ts'
import { type HeapStats, RecordHeap } from './record-heap.ts'

/** A field as readers are to see it. An invalid one is locked: its state is not looked at. */
export interface CellRow {
  readonly field: string
  /** `[0, undefined]`: absent. */
  readonly state: FieldState
  readonly isValid: boolean
}

export interface ReplicaStats extends HeapStats {
  /** Of shared memory, in all. */
  readonly bytes: number
  readonly objects: number
  readonly cells: number
}

/** For tests: to come sooner where it takes long, and to spoil what must be noticed. */
export interface WriterOptions {
  readonly absentCellsMax?: number
  readonly changesMax?: number
  readonly firstEpoch?: number
  readonly noGrace?: boolean
}

/** Instead of a place: the cell stays locked; its value is read by message. */
const placeLocked = -1
const placeElsewhere = -2

export class ReplicaWriter {
  readonly #epochs: Epochs
  readonly #heap: RecordHeap
  readonly #objects = new Map<string, PublishedObject>()
  readonly #absentCellsMax: number
  readonly #changesMax: number

  constructor(hubWords: Int32Array, options: WriterOptions = {}) {
    this.#epochs = new Epochs(hubWords, options.firstEpoch)
    this.#heap = new RecordHeap(this.#epochs, options.noGrace)
    this.#absentCellsMax = options.absentCellsMax ?? absentCellsMax
    this.#changesMax = options.changesMax ?? changesMax
  }

  /** A thread may read from now on. Before it is given any block. */
  attach(threadWords: Int32Array): void {
    this.#epochs.attach(threadWords)
  }

  /** That thread is gone for certain, perhaps in the midst of a read. */
  detach(threadWords: Int32Array): void {
    this.#epochs.detach(threadWords)
  }

  /** From now on threads may read the object. What is published already is left as it is. */
  publish(key: string, rows: Iterable<CellRow>): void {
    if (this.#objects.has(key)) return
    const object = new PublishedObject(1, this.#changesMax)
    this.#objects.set(key, object)
    this.#write(key, object, rows)
  }

  isPublished(key: string): boolean {
    return this.#objects.has(key)
  }

  /**
   * Readers see all of these rows or none: who has read one of them as it is now finds each other
   * as it is now, or locked. Each field once. Nothing happens if the object is not published.
   */
  show(key: string, rows: readonly CellRow[]): void {
    const object = this.#objects.get(key)
    if (object !== undefined) this.#write(key, object, rows)
  }

  /** There is no hub any more: whoever reads has to ask, and so comes to know it. */
  close(): void {
    for (const object of this.#objects.values()) object.close()
  }

  /** The blocks of the object's directory from this one on: none if it is not published. */
  blocks(key: string, from: number): readonly SharedArrayBuffer[] {
    return this.#objects.get(key)?.blocks(from) ?? []
  }

  /** Changes when the object has moved to new blocks. 0: not published. */
  generation(key: string): number {
    return this.#objects.get(key)?.generation ?? 0
  }

  segment(index: number): SharedArrayBuffer | undefined {
    return this.#heap.segment(index)?.words.buffer as SharedArrayBuffer | undefined
  }

  stats(): ReplicaStats {
    const heap = this.#heap.stats()
    let bytes = heap.segmentBytes
    let cells = 0
    for (const object of this.#objects.values()) {
      bytes += object.bytes
      cells += object.cells.size
    }
    return { ...heap, bytes, objects: this.#objects.size, cells }
  }

  #write(key: string, object: PublishedObject, given: Iterable<CellRow>): void {
    // A field that is absent and has no cell needs none.
    const rows: CellRow[] = []
    for (const row of given) {
      if (!row.isValid || row.state[0] !== 0 || object.cells.has(row.field)) rows.push(row)
    }
    // Records first: the cells are locked for as short as can be.
    const places: number[] = []
    for (const row of rows) places.push(row.isValid ? this.#store(row.state) : placeLocked)
    const cells: WriterCell[] = []
    for (const row of rows) cells.push(object.lock(row.field))
    object.commit()
    for (const [index, cell] of cells.entries()) {
      const place = places[index] as number
      if (place !== placeLocked) this.#replace(object, cell, Math.max(place, 0))
    }
    for (const [index, cell] of cells.entries()) {
      const place = places[index] as number
      if (place !== placeLocked) object.unlock(cell, place === placeElsewhere)
    }
    const { absent } = object
    const isSparse = absent > this.#absentCellsMax && absent * 2 > object.cells.size
    if (isSparse || object.isWorn) this.#objects.set(key, object.move())
  }

  #store([version, value]: FieldState): number {
    if (version === 0) return 0
    const head = recordHeadOf(value)
    if (contentBytes(head) > replicaValueBytesMax) return placeElsewhere
    const place = this.#heap.allocate(recordWords(head))
    if (place === 0) return placeElsewhere
    writeRecord(this.#segmentAt(place), wordOf(place), head, version, value)
    return place
  }

  #replace(object: PublishedObject, cell: WriterCell, place: number): void {
    const old = (cell.words[cell.at + entryPlace] as number) >>> 0
    object.place(cell, place)
    if (old === 0) return
    const head = this.#segmentAt(old).words[wordOf(old) + recordHead] as number
    this.#heap.retire(old, recordWords(head))
  }

  #segmentAt(place: number): Memory {
    return this.#heap.segment(segmentOf(place)) as Memory
  }
}
