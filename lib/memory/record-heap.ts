/**
 * Room for records, in segments. What was retired is used again for records of its size, after all
 * who might read it have done so.
 */
import { retiredBytesMax, retiredRecordsMax, segmentBytes, segmentsMax } from '../limits.ts'
import type { Epochs } from './epochs.ts'
import { type Memory, memoryOver, placeAt } from './memory-layout.ts'
import { classWords, sizeClass } from './size-classes.ts'

const segmentWords = segmentBytes / 4

interface Batch {
  readonly epoch: number
  readonly places: readonly number[]
  readonly sizes: readonly number[]
}

export interface HeapStats {
  readonly segments: number
  readonly segmentBytes: number
  readonly liveRecords: number
  readonly liveBytes: number
  /** Records that wait until nobody can be reading them. */
  readonly retired: number
  readonly freeRecords: number
}

export class RecordHeap {
  readonly #epochs: Epochs
  readonly #noGrace: boolean
  readonly #segments: Memory[] = []
  /** Places that are free, by the class of their size. */
  readonly #free: number[][] = []
  /** Of the last segment, words in use. Its word 0 in the first is nobody's: place 0 is none. */
  #used = segmentWords
  readonly #sealed: Batch[] = []
  #places: number[] = []
  #sizes: number[] = []
  #retiredBytes = 0
  #retired = 0
  #live = 0
  #liveWords = 0
  #freeRecords = 0

  /** @param noGrace reuses memory that may be read: for tests that must notice */
  constructor(epochs: Epochs, noGrace = false) {
    this.#epochs = epochs
    this.#noGrace = noGrace
  }

  segment(index: number): Memory | undefined {
    return this.#segments[index]
  }

  /** A place of so many words; 0 if there is no room. */
  allocate(words: number): number {
    const size = sizeClass(words)
    const place =
      this.#reuse(size) ?? this.#append(size) ?? this.#reuse(size, true) ?? this.#grow(size)
    if (place === 0) return 0
    this.#live += 1
    this.#liveWords += classWords(size)
    return place
  }

  /** Nobody who comes now finds this place of so many words. */
  retire(place: number, words: number): void {
    const size = sizeClass(words)
    this.#live -= 1
    this.#liveWords -= classWords(size)
    if (this.#noGrace) {
      this.#release(place, size)
      return
    }
    this.#retired += 1
    this.#places.push(place)
    this.#sizes.push(size)
    this.#retiredBytes += classWords(size) * 4
    if (this.#places.length >= retiredRecordsMax || this.#retiredBytes >= retiredBytesMax) {
      this.#reclaim()
    }
  }

  stats(): HeapStats {
    return {
      segments: this.#segments.length,
      segmentBytes: this.#segments.length * segmentBytes,
      liveRecords: this.#live,
      liveBytes: this.#liveWords * 4,
      retired: this.#retired,
      freeRecords: this.#freeRecords,
    }
  }

  #reuse(size: number, reclaim = false): number | undefined {
    if (reclaim) this.#reclaim()
    const place = this.#free[size]?.pop()
    if (place !== undefined) this.#freeRecords -= 1
    return place
  }

  #append(size: number): number | undefined {
    const words = classWords(size)
    if (this.#used + words > segmentWords) return undefined
    const place = placeAt(this.#segments.length - 1, this.#used)
    this.#used += words
    return place
  }

  #grow(size: number): number {
    if (this.#segments.length >= segmentsMax) return 0
    let segment: Memory
    try {
      segment = memoryOver(new SharedArrayBuffer(segmentBytes))
    } catch {
      // The machine has no more memory: what finds no room is read by message.
      return 0
    }
    this.#segments.push(segment)
    this.#used = this.#segments.length === 1 ? 1 : 0
    return this.#append(size) ?? 0
  }

  #reclaim(): void {
    if (this.#places.length > 0) {
      const epoch = this.#epochs.now
      if (this.#epochs.advance()) {
        this.#sealed.push({ epoch, places: this.#places, sizes: this.#sizes })
        this.#places = []
        this.#sizes = []
        this.#retiredBytes = 0
      }
    }
    const oldest = this.#epochs.oldest()
    let over = 0
    for (const { epoch, places, sizes } of this.#sealed) {
      if (epoch >= oldest) break
      over += 1
      this.#retired -= places.length
      for (const [index, place] of places.entries()) this.#release(place, sizes[index] as number)
    }
    if (over > 0) this.#sealed.splice(0, over)
  }

  #release(place: number, size: number): void {
    this.#free[size] ??= []
    this.#free[size].push(place)
    this.#freeRecords += 1
  }
}
