/**
 * The hash puzzle: which is the first number that, appended to a seed, gives a SHA-512 that starts
 * with so many zeros? Whoever looks at numbers from the front takes the next batch of them, and
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

/** The first of a batch that fits, or `none`. */
function firstFit(digits: number, number: number): number {
  const wanted = '0'.repeat(digits)
  for (let tried = number * batch; tried < (number + 1) * batch; tried++) {
    if (hash('sha512', `puzzle 46: ${tried}`).startsWith(wanted)) return tried
  }
  return none
}

/** The routine. */
export function search(digits: number): void {
  for (;;) {
    const number = queue.add('taken') - 1
    if (number * batch > found.number) return
    const fit = firstFit(digits, number)
    if (fit !== none) found.update('number', (first) => Math.min(first, fit))
  }
}

/** The same with two shared words: batches that were taken, and what was found. */
export function searchBare(digits: number, words: Int32Array): void {
  for (;;) {
    const number = Atomics.add(words, 0, 1)
    const first = Atomics.load(words, 1)
    if (number * batch > first) return
    const fit = firstFit(digits, number)
    let seen = first
    while (fit < seen) {
      const before = Atomics.compareExchange(words, 1, seen, fit)
      if (before === seen) break
      seen = before
    }
  }
}

/** Sizes are the zeros to start with, as hexadecimal digits. */
export const hashPuzzle: Classic<number> = {
  name: 'hash puzzle',
  sizes: { tiny: 3, quick: 4, full: 5 },
  hasTarget: true,

  alone(digits) {
    for (let number = 0; ; number++) {
      const fit = firstFit(digits, number)
      if (fit !== none) return fit
    }
  },

  async together(digits, workers) {
    queue.taken = 0
    found.number = none
    await Promise.all(upTo(workers).map(() => goaway(search, digits)))
    return found.number
  },

  async bare(digits, workers) {
    const words = sharedWords(2)
    words[1] = none
    await workers.run(import.meta.url, searchBare, () => [digits, words])
    return words[1]
  },

  check(result, expected) {
    if (result !== expected) throw new Error(`Cannot accept ${result}: it should be ${expected}`)
  },
}
