/**
 * Quicksort with a work queue: a part of the numbers is cut in two, of which one goes into the
 * queue for whoever is free, until parts are small enough to be sorted by who has them.
 *
 * What is cut is shared through an object: a field a part. `StrictCentralized` fits: a part is
 * written once, read once and gone, so copies at every node would be in vain, and of two routines
 * that want the same part one has to lose. The state of the queue, which parts wait and how many
 * numbers are still unsorted, is one value, changed by `update`: so no lock is held while somebody
 * looks, and who has nothing to do waits until there is. Sorted parts come back as results.
 */
import { goaway } from 'goaway'
import { StrictCentralized } from 'goaway/sync'
import { sharedNumbers } from './bare.ts'
import { BareQueue, type Part } from './bare-queue.ts'
import { type Classic, checkSameNumbers, randomNumbers, upTo } from './classic.ts'

/** Parts below this share of all are not cut any more. */
const partsWanted = 24
/** Shorter runs are sorted by insertion. */
const runLength = 24

/** Cuts so that nothing before the place is greater than anything from there on. */
function cut(numbers: Float64Array, from: number, to: number): number {
  const at = (index: number): number => numbers[index] as number
  const [first, middle, last] = [at(from), at((from + to) >> 1), at(to - 1)]
  const median = Math.max(Math.min(first, middle), Math.min(Math.max(first, middle), last))
  let low = from - 1
  let high = to
  for (;;) {
    do low++
    while (at(low) < median)
    do high--
    while (at(high) > median)
    if (low >= high) return high + 1
    const moved = at(low)
    numbers[low] = at(high)
    numbers[high] = moved
  }
}

function sort(numbers: Float64Array, start: number, to: number): void {
  let from = start
  while (to - from > runLength) {
    const middle = cut(numbers, from, to)
    sort(numbers, from, middle)
    from = middle
  }
  for (let next = from + 1; next < to; next++) {
    const value = numbers[next] as number
    let at = next - 1
    for (; at >= from && (numbers[at] as number) > value; at--) {
      numbers[at + 1] = numbers[at] as number
    }
    numbers[at + 1] = value
  }
}

interface Queue {
  readonly waiting: readonly Part[]
  /** Numbers that nobody has sorted yet. */
  readonly unsorted: number
}

type Fields = Record<`part ${number}`, Float64Array> & { queue: Queue }

const shared = StrictCentralized<Fields>('quicksort')

interface Sorted {
  readonly from: number
  readonly numbers: Float64Array
}

/** Takes the largest part that waits, once one does; undefined when all is sorted. */
function take(): Part | undefined {
  for (;;) {
    shared.waitFor('queue', ({ waiting, unsorted }) => waiting.length > 0 || unsorted === 0)
    let taken: Part | undefined
    const { unsorted } = shared.update('queue', (queue) => {
      const [largest, ...waiting] = [...queue.waiting].sort((one, other) => other.count - one.count)
      taken = largest
      return { ...queue, waiting }
    })
    if (taken !== undefined || unsorted === 0) return taken
  }
}

/** The routine. @returns what it has sorted */
export function sortParts(partMax: number): Sorted[] {
  const sorted: Sorted[] = []
  for (let part = take(); part !== undefined; part = take()) {
    const { from } = part
    let numbers = shared.get(`part ${from}`)
    shared.delete(`part ${from}`)
    while (numbers.length > partMax) {
      const middle = cut(numbers, 0, numbers.length)
      const other = { from: from + middle, count: numbers.length - middle }
      shared.set(`part ${other.from}`, numbers.subarray(middle))
      shared.update('queue', (queue) => ({ ...queue, waiting: [...queue.waiting, other] }))
      numbers = numbers.subarray(0, middle)
    }
    sort(numbers, 0, numbers.length)
    sorted.push({ from, numbers })
    const { length } = numbers
    shared.update('queue', (queue) => ({ ...queue, unsorted: queue.unsorted - length }))
  }
  return sorted
}

/** The same in place, in memory that all share. */
export function sortBare(numbers: Float64Array, words: Int32Array, partMax: number): void {
  const queue = new BareQueue(words)
  for (let part = queue.pop(); part !== undefined; part = queue.pop()) {
    const { from } = part
    let to = from + part.count
    while (to - from > partMax) {
      const middle = cut(numbers, from, to)
      queue.push({ from: middle, count: to - middle })
      to = middle
    }
    sort(numbers, from, to)
    queue.sorted(to - from)
  }
}

/** Sizes are numbers. */
export const quicksort: Classic<Float64Array, Float64Array> = {
  name: 'quicksort',
  sizes: { tiny: 20_000, quick: 300_000, half: 2_000_000, full: 4_000_000 },
  hasTarget: false,

  prepare: (count) => randomNumbers(count, 1),

  alone(given) {
    const numbers = given.slice()
    sort(numbers, 0, numbers.length)
    return numbers
  },

  async together(given, workers) {
    const count = given.length
    shared.set('part 0', given)
    shared.set('queue', { waiting: [{ from: 0, count }], unsorted: count })
    const partMax = Math.ceil(count / partsWanted)
    const all = await Promise.all(upTo(workers).map(() => goaway(sortParts, partMax)))
    const numbers = new Float64Array(count)
    for (const part of all.flat()) numbers.set(part.numbers, part.from)
    return numbers
  },

  async bare(given, workers) {
    const count = given.length
    const numbers = sharedNumbers(count)
    numbers.set(given)
    const { words } = BareQueue.begun({ from: 0, count })
    const partMax = Math.ceil(count / partsWanted)
    await workers.run(import.meta.url, sortBare, () => [numbers, words, partMax])
    return numbers
  },

  check: checkSameNumbers,
}
