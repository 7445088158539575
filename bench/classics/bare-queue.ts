/**
 * A work queue of bare threads: parts of a list, the last that came first, in shared memory under a
 * lock of one word. It is what a careful programmer would write without a library.
 */
import { sharedWords } from './bare.ts'

/** Which of the numbers: from there, so many. */
export interface Part {
  readonly from: number
  readonly count: number
}

/** Where what is: the lock, changes so far, numbers not sorted, how many parts wait, and these. */
const [lockAt, changesAt, unsortedAt, waitingAt, partsAt] = [0, 1, 2, 3, 4] as const

/** More than ever wait. */
const partsMax = 4096

export class BareQueue {
  readonly words: Int32Array

  constructor(words: Int32Array = sharedWords(partsAt + 2 * partsMax)) {
    this.words = words
  }

  /** One that begins with one part. */
  static begun(part: Part): BareQueue {
    const queue = new BareQueue()
    queue.words[unsortedAt] = part.count
    queue.push(part)
    return queue
  }

  push({ from, count }: Part): void {
    this.#locked(() => {
      const at = partsAt + 2 * this.#word(waitingAt)
      this.words[at] = from
      this.words[at + 1] = count
      this.words[waitingAt] = this.#word(waitingAt) + 1
    })
    this.#tell()
  }

  /** So many numbers are where they belong. */
  sorted(count: number): void {
    if (Atomics.sub(this.words, unsortedAt, count) === count) this.#tell()
  }

  /** Waits until there is one; undefined when all is sorted. */
  pop(): Part | undefined {
    for (;;) {
      const changes = Atomics.load(this.words, changesAt)
      const part = this.#locked(() => this.#take())
      if (part !== undefined) return part
      if (Atomics.load(this.words, unsortedAt) === 0) return undefined
      Atomics.wait(this.words, changesAt, changes)
    }
  }

  #take(): Part | undefined {
    const waiting = this.#word(waitingAt)
    if (waiting === 0) return undefined
    this.words[waitingAt] = waiting - 1
    const at = partsAt + 2 * (waiting - 1)
    return { from: this.#word(at), count: this.#word(at + 1) }
  }

  #word(at: number): number {
    return this.words[at] as number
  }

  #tell(): void {
    Atomics.add(this.words, changesAt, 1)
    Atomics.notify(this.words, changesAt)
  }

  #locked<Result>(act: () => Result): Result {
    while (Atomics.compareExchange(this.words, lockAt, 0, 1) !== 0) {
      Atomics.wait(this.words, lockAt, 1)
    }
    try {
      return act()
    } finally {
      Atomics.store(this.words, lockAt, 0)
      Atomics.notify(this.words, lockAt, 1)
    }
  }
}
