/**
 * Matrix multiply: each row of A times B gives one row of C. Rows need nothing of each other, so
 * they are cut into bands, and `map` gives each thread the next band when it has done one.
 *
 * Nothing is shared that changes, so no model is needed. What all routines need is B: `put` brings
 * it to each node once, however many bands it multiplies, and there all threads read the same
 * memory. Bands of A and of C go to their routine and come back as arguments and results do.
 */
import { map, put, type Ref } from 'goaway'
import { read } from 'goaway/sync'
import { sharedNumbers, sharedWords } from './bare.ts'
import { type Classic, checkSameNumbers, randomNumbers, upTo } from './classic.ts'

/** Rows of B that stay in the cache while they are gone through. */
const tileRows = 32
/** More than there are threads, so that a thread that is slow for a while holds nobody up. */
const bands = 16

/** Adds to `c` the product of some rows of A with B, of which each row has `size` numbers. */
function multiply(rows: Float64Array, b: Float64Array, c: Float64Array, size: number): void {
  for (let tile = 0; tile < size; tile += tileRows) {
    const end = Math.min(size, tile + tileRows)
    for (let start = 0; start < rows.length; start += size) {
      for (let k = tile; k < end; k++) {
        const factor = rows[start + k] as number
        const shift = k * size - start
        for (let at = start; at < start + size; at++) {
          c[at] = (c[at] as number) + factor * (b[at + shift] as number)
        }
      }
    }
  }
}

interface Band {
  readonly b: Ref<Float64Array>
  readonly size: number
  readonly rows: Float64Array
}

/** The routine: some rows of C. */
export function multiplyBand({ b, size, rows }: Band): Float64Array {
  const c = new Float64Array(rows.length)
  multiply(rows, read(b, { shared: true }), c, size)
  return c
}

/** Where the band begins and ends, in numbers. */
function bandOf(number: number, size: number): [from: number, to: number] {
  const from = (band: number): number => Math.floor((band * size) / bands) * size
  return [from(number), from(number + 1)]
}

/** The same with all in shared memory, and the number of the next band. */
export function multiplyBare(
  a: Float64Array,
  b: Float64Array,
  c: Float64Array,
  size: number,
  next: Int32Array,
): void {
  for (let band = Atomics.add(next, 0, 1); band < bands; band = Atomics.add(next, 0, 1)) {
    const [from, to] = bandOf(band, size)
    multiply(a.subarray(from, to), b, c.subarray(from, to), size)
  }
}

interface Factors {
  readonly size: number
  readonly a: Float64Array
  readonly b: Float64Array
}

function share(numbers: Float64Array): Float64Array {
  const shared = sharedNumbers(numbers.length)
  shared.set(numbers)
  return shared
}

/** Sizes are the rows of each matrix. */
export const matrixMultiply: Classic<Factors, Float64Array> = {
  name: 'matrix multiply',
  sizes: { tiny: 100, quick: 400, half: 1000, full: 1250 },
  hasTarget: true,

  prepare(size) {
    return { size, a: randomNumbers(size * size, 1), b: randomNumbers(size * size, 2) }
  },

  alone({ size, a, b }) {
    const c = new Float64Array(size * size)
    multiply(a, b, c, size)
    return c
  },

  async together({ size, a, b: factor }) {
    using b = put(factor)
    const items = upTo(bands).map((band) => ({ b, size, rows: a.slice(...bandOf(band, size)) }))
    const c = new Float64Array(size * size)
    let from = 0
    for await (const rows of map(multiplyBand, items, { chunkSize: 1 })) {
      c.set(rows, from)
      from += rows.length
    }
    return c
  },

  async bare({ size, ...factors }, workers) {
    const [a, b] = [share(factors.a), share(factors.b)]
    const c = sharedNumbers(size * size)
    const next = sharedWords(1)
    await workers.run(import.meta.url, multiplyBare, () => [a, b, c, size, next])
    return c
  },

  check: checkSameNumbers,
}
