/**
 * When memory that was in use may be used again: once nobody can be reading it.
 *
 * Rules: a reader stores the hub's epoch in a word of its own before it loads a place, and 0 when
 * it has copied what lies there. What is retired in epoch E is reused when no reader's word says E
 * or less, and the epoch has moved on since: who reads then has loaded its place after the change.
 */
import { epochsBehindMax } from '../limits.ts'
import { wordEpoch, wordReading } from '../wire/shared-words.ts'

/** Epochs are counted without end here, and in the words from 1 to this. */
const wordsOfEpochs = 2 ** 31 - 1

export class Epochs {
  readonly #hubWords: Int32Array
  readonly #readers = new Set<Int32Array>()
  #now: number
  /** What `oldest` said last. */
  #oldest: number

  /** @param first where the count begins: for tests */
  constructor(hubWords: Int32Array, first = 1) {
    this.#hubWords = hubWords
    this.#now = first
    this.#oldest = first
    this.#store()
  }

  get now(): number {
    return this.#now
  }

  attach(words: Int32Array): void {
    this.#readers.add(words)
  }

  /** That thread reads no more, though its word may say that it does. */
  detach(words: Int32Array): void {
    this.#readers.delete(words)
  }

  /**
   * Begins the next epoch. False if a reader was so far behind, when `oldest` looked last, that its
   * word might come again.
   */
  advance(): boolean {
    if (this.#now - this.#oldest >= epochsBehindMax) return false
    this.#now += 1
    this.#store()
    return true
  }

  /** The first epoch of which something may still be read. */
  oldest(): number {
    let behind = 0
    for (const words of this.#readers) {
      const reading = Atomics.load(words, wordReading)
      if (reading !== 0) behind = Math.max(behind, this.#behind(reading))
    }
    this.#oldest = this.#now - behind
    return this.#oldest
  }

  #behind(reading: number): number {
    return (wordFor(this.#now) - reading + wordsOfEpochs) % wordsOfEpochs
  }

  #store(): void {
    Atomics.store(this.#hubWords, wordEpoch, wordFor(this.#now))
  }
}

function wordFor(epoch: number): number {
  return ((epoch - 1) % wordsOfEpochs) + 1
}
