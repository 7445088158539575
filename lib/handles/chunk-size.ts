/**
 * How many items the next chunk of a `map` has: some milliseconds of work, as far as the chunks
 * that have ended tell. Where it is known how many items are left, the last chunks are small, so
 * that no thread has much to do when the others are done.
 */
import { mapChunkGrowth, mapChunkItemsMax, mapChunkMs, mapChunkMsMin } from '../limits.ts'

/** How far a new measurement moves the mean. */
const weight = 0.5
/** Of what is left, a chunk has at most this part of each thread's share. */
const sharePart = 0.5

export class ChunkSize {
  readonly #fixed: number | undefined
  /** Mean time of an item; undefined before any is known. */
  #itemMs: number | undefined
  /** Items of the largest chunk that has ended. */
  #seen = 0

  /** @param fixed what the caller has set */
  constructor(fixed?: number) {
    this.#fixed = fixed
  }

  /**
   * @param remaining items that are left, if known
   * @param threads that share them
   */
  next(remaining: number | undefined, threads: number): number {
    if (this.#fixed !== undefined) return this.#fixed
    if (this.#itemMs === undefined) return 1
    const size = this.#within(mapChunkMs)
    if (remaining === undefined) return size
    const share = Math.ceil((remaining / threads) * sharePart)
    return Math.min(size, Math.max(share, this.#within(mapChunkMsMin)))
  }

  /** Items that take so long; never many more than were seen to. */
  #within(ms: number): number {
    const most = Math.min(mapChunkItemsMax, this.#seen * mapChunkGrowth)
    const fit = Math.floor(ms / Math.max(this.#itemMs ?? 0, Number.MIN_VALUE))
    return Math.max(1, Math.min(fit, most))
  }

  /** A chunk has ended. */
  learn(items: number, elapsedMs: number): void {
    if (items === 0) return
    const itemMs = elapsedMs / items
    const before = this.#itemMs
    // The first items of a thread compile the code that the others run.
    const mean = before === undefined ? itemMs : before + (itemMs - before) * weight
    this.#itemMs = Math.max(0, mean)
    this.#seen = Math.max(this.#seen, items)
  }
}
