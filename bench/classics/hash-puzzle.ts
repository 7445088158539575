/**
 * The hash puzzle: which is the first number that, appended to a seed, gives a SHA-512 below a
 * target? Whoever looks at numbers from the front takes the next batch of them, and
 * stops at a batch that lies behind what somebody has found: no number before that is left out, so
 * the answer is that of one thread.
 *
 * `StrictCentralized` fits the number of the next batch: `add` is one message, and no batch is
 * given away twice. `LinFastRead` fits what was found: it is read before each batch, in the node's
 * own memory, and written once or twice in all.
 */
import { hash } from 'node:crypto'
import { goaway } from 'goaway'
import { LinFastRead, StrictCentralized } from 'goaway/sync'
import { sharedWords } from './bare.ts'
import { type Classic, upTo } from './classic.ts'

/** Some milliseconds of work. */
const batch = 2048
/** Stands behind all numbers. */
const none = 2 ** 31 - 1

const queue = StrictCentralized('hash puzzle', { taken: 0 })
const found = LinFastRead('hash puzzle', { number: none })

/** A digest is below it once in so many times. */
function targetOf(difficulty: number): string {
  return Math.floor(2 ** 32 / difficulty)
    .toString(16)
    .padStart(8, '0')
}

/** The first of a batch that fits, or `none`. */
function firstFit(difficulty: number, number: number): number {
  const target = targetOf(difficulty)
  for (let tried = number * batch; tried < (number + 1) * batch; tried++) {
    if (hash('sha512', `lock ${tried}`) < target) return tried
  }
  return none
}

/** The routine. */
export function search(difficulty: number): void {
  for (;;) {
    const number = queue.add('taken') - 1
    if (number * batch > found.number) return
    const fit = firstFit(difficulty, number)
    if (fit !== none) found.update('number', (first) => Math.min(first, fit))
  }
}

/** The same with two shared words: batches that were taken, and what was found. */
export function searchBare(difficulty: number, words: Int32Array): void {
  for (;;) {
    const number = Atomics.add(words, 0, 1)
    const first = Atomics.load(words, 1)
    if (number * batch > first) return
    const fit = firstFit(difficulty, number)
    let seen = first
    while (fit < seen) {
      const before = Atomics.compareExchange(words, 1, seen, fit)
      if (before === seen) break
      seen = before
    }
  }
}

/** Sizes are the numbers that have to be tried for one that fits, on an average. */
export const hashPuzzle: Classic<number, number> = {
  name: 'hash puzzle',
  sizes: { tiny: 30_000, quick: 100_000, half: 1_000_000, full: 3_000_000 },
  hasTarget: true,

  prepare: (difficulty) => difficulty,

  alone(difficulty) {
    for (let number = 0; ; number++) {
      const fit = firstFit(difficulty, number)
      if (fit !== none) return fit
    }
  },

  async together(difficulty, workers) {
    queue.taken = 0
    found.number = none
    await Promise.all(upTo(workers).map(() => goaway(search, difficulty)))
    return found.number
  },

  async bare(difficulty, workers) {
    const words = sharedWords(2)
    words[1] = none
    await workers.run(import.meta.url, searchBare, () => [difficulty, words])
    return words[1]
  },

  check(result, expected) {
    if (result !== expected) throw new Error(`Cannot accept ${result}: it should be ${expected}`)
  },
}
