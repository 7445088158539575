/**
 * Red-black successive over-relaxation: how warm is each point of a plate whose upper edge is kept
 * at 1 and whose other edges at 0? Points are coloured as on a chess board; in turn all red and
 * all black ones are moved towards the mean of their four neighbours, and beyond. The plate is cut
 * into bands, one a routine. A routine keeps its band to itself: its neighbours see no more than
 * the first and the last row, once a half sweep. These rows are moved first, so that they are on
 * their way while the others are moved.
 *
 * `Weak` fits: each row that is shown has one writer, who waits for nobody, and who reads it waits
 * until it is of the step before. A later one does no harm: it differs only in points of the
 * colour that is moved now, at which nobody looks. (`examples/sor.ts` shows whole bands, under
 * `UpdateOnRelease`: then all rows of a step show at once.)
 */
import { goaway } from 'goaway'
import { Weak } from 'goaway/sync'
import { sharedNumbers, sharedWords } from './bare.ts'
import { type Classic, checkSameNumbers, upTo } from './classic.ts'

/** A row that is shown, and the half sweeps that are in it. */
interface Edge {
  readonly step: number
  readonly row: Float64Array
}

/** By the row's number in the plate. */
type Edges = Record<`row ${number}`, Edge>

/** Enough to warm some of the plate; a larger one takes more. */
const sweepsOf = (size: number): number => Math.ceil(size / 10)

/** How far beyond the mean: what is best for a square of this size. */
const omegaOf = (size: number): number => 2 / (1 + Math.sin(Math.PI / (size - 1)))

/**
 * Moves the points of one colour in some rows of a plate.
 *
 * @param above rows of the whole plate that stand above the first one of this
 */
function relax(
  plate: Float64Array,
  size: number,
  [from, to]: Rows,
  colour: number,
  above = 0,
): void {
  const omega = omegaOf(size)
  for (let row = from; row < to; row++) {
    const end = (row - above + 1) * size - 1
    for (let at = end + 2 - size + ((row + colour) & 1); at < end; at += 2) {
      const value = plate[at] as number
      const vertical = (plate[at - size] as number) + (plate[at + size] as number)
      const horizontal = (plate[at - 1] as number) + (plate[at + 1] as number)
      plate[at] = value + omega * ((vertical + horizontal) / 4 - value)
    }
  }
}

type Rows = readonly [from: number, to: number]

/** The rows of a band; the outermost rows of the plate belong to none. */
function rowsOf(band: number, bands: number, size: number): Rows {
  const from = (number: number): number => 1 + Math.floor((number * (size - 2)) / bands)
  return [from(band), from(band + 1)]
}

/** The routine. @returns the band's rows */
export function relaxBand(name: string, size: number, band: number, bands: number): Float64Array {
  const edges = Weak<Edges>(name)
  const [from, to] = rowsOf(band, bands, size)
  const above = from - 1
  const plate = new Float64Array((to - above + 1) * size)
  if (band === 0) plate.fill(1, 0, size)
  const rowAt = (row: number): Float64Array =>
    plate.subarray((row - above) * size, (row - above + 1) * size)
  const inner = [from + (band > 0 ? 1 : 0), to - (band < bands - 1 ? 1 : 0)] as const
  const own = [...(band > 0 ? [from] : []), ...(band < bands - 1 ? [to - 1] : [])]
  const others = [...(band > 0 ? [from - 1] : []), ...(band < bands - 1 ? [to] : [])]
  for (let step = 0; step < 2 * sweepsOf(size); step++) {
    for (const row of step === 0 ? [] : others) {
      const edge = edges.waitFor(`row ${row}`, (shown) => shown.step >= step)
      rowAt(row).set(edge.row)
    }
    for (const row of own) {
      relax(plate, size, [row, row + 1], step, above)
      edges.set(`row ${row}`, { step: step + 1, row: rowAt(row) })
    }
    relax(plate, size, inner, step, above)
  }
  return plate.subarray(size, -size)
}

/** The same in one plate that all share, beside the half sweeps that each has done. */
export function relaxBare(
  plate: Float64Array,
  done: Int32Array,
  size: number,
  band: number,
  bands: number,
): void {
  const rows = rowsOf(band, bands, size)
  const neighbours = [band - 1, band + 1].filter((one) => one >= 0 && one < bands)
  for (let step = 0; step < 2 * sweepsOf(size); step++) {
    for (const neighbour of neighbours) waitUntil(done, neighbour, step)
    relax(plate, size, rows, step)
    Atomics.store(done, band, step + 1)
    Atomics.notify(done, band)
  }
}

/** Looks for some microseconds before it sleeps, as good barriers do. */
function waitUntil(words: Int32Array, index: number, least: number): void {
  for (let looks = 0; ; looks++) {
    const value = Atomics.load(words, index)
    if (value >= least) return
    if (looks > 10_000) Atomics.wait(words, index, value)
  }
}

let runs = 0

/** Sizes are the rows of the plate, and the points of each. */
export const sor: Classic<number, Float64Array> = {
  name: 'SOR',
  sizes: { tiny: 40, quick: 500, half: 1600, full: 2100 },
  hasTarget: true,

  prepare: (size) => size,

  alone(size) {
    const plate = new Float64Array(size * size).fill(1, 0, size)
    for (let step = 0; step < 2 * sweepsOf(size); step++) relax(plate, size, [1, size - 1], step)
    return plate.slice(size, -size)
  },

  async together(size, bands) {
    // Another name each time: what a `Weak` object had before would show for a while.
    runs += 1
    const name = `SOR ${runs}`
    const rows = await Promise.all(
      upTo(bands).map((band) => goaway(relaxBand, name, size, band, bands)),
    )
    const plate = new Float64Array(size * (size - 2))
    let from = 0
    for (const some of rows) {
      plate.set(some, from)
      from += some.length
    }
    return plate
  },

  async bare(size, workers) {
    const plate = sharedNumbers(size * size).fill(1, 0, size)
    const done = sharedWords(workers.count)
    const { count } = workers
    await workers.run(import.meta.url, relaxBare, (band) => [plate, done, size, band, count])
    return plate.slice(size, -size)
  },

  check: checkSameNumbers,
}
