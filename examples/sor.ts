/**
 * Red-black successive over-relaxation, a classic of distributed shared memory: how warm is each
 * point of a plate whose upper edge is kept at 1 and whose other edges at 0? The points are
 * coloured as on a chess board; in turn all red and all black ones are moved towards the mean of
 * their four neighbours, and beyond. The plate is cut into bands, one a routine, and each band is a
 * shared object with a field a row.
 *
 * `UpdateOnRelease` fits: a routine writes its rows and the number of its step under its band's
 * lock, at no price; all of it shows to the others at the release, with one message to each, and
 * they read it from local memory. No other routine wants that lock, so nobody waits for it. With
 * `StrictCentralized` each row is a message to be answered before the next one.
 */
import { goaway, isSpawner } from 'goaway'
import { StrictCentralized, type SyncMethods, UpdateOnRelease } from 'goaway/sync'

const size = 25
const sweeps = 70
const warmUpSweeps = 10
const bandCount = 4
/** How far beyond the mean: what is best for a square of this size. */
const omega = 2 / (1 + Math.sin(Math.PI / (size - 1)))

const models = ['UpdateOnRelease', 'StrictCentralized'] as const
type Model = (typeof models)[number]

type SharedRows = Record<`row ${number}`, Float64Array> & {
  /** Half sweeps that are in these rows. */
  step: number
}

/** A band as all see it. */
interface SharedBand {
  readonly rows: Pick<SyncMethods<SharedRows>, 'get' | 'set' | 'waitFor'>
  /** What `act` does to the rows is done under the band's lock, if it has one. */
  change(act: () => void): void
}

function openBand(model: Model, plate: string, number: number): SharedBand {
  const name = `${plate} ${number}`
  if (model === 'StrictCentralized') {
    return { rows: StrictCentralized<SharedRows>(name), change: (act) => act() }
  }
  const rows = UpdateOnRelease<SharedRows>(name)
  return { rows, change: (act) => rows.with(act) }
}

/** The first and the last row of a band; the outermost rows of the plate belong to none. */
function rowsOf(number: number): [first: number, last: number] {
  const rowBefore = (band: number): number => Math.floor((band * (size - 2)) / bandCount)
  return [rowBefore(number) + 1, rowBefore(number + 1)]
}

/** Where a routine computes: all rows of the plate, of which it looks at its own and two more. */
type Plate = readonly Float64Array[]

function coldPlate(): Plate {
  return Array.from({ length: size }, (_, row) => new Float64Array(size).fill(row === 0 ? 1 : 0))
}

const rowOf = (plate: Plate, row: number): Float64Array => plate[row] as Float64Array

/** Moves the points of one colour. */
function relax(plate: Plate, first: number, last: number, colour: number): void {
  for (let row = first; row <= last; row++) {
    const [above, here, below] = [row - 1, row, row + 1].map((at) => rowOf(plate, at)) as Three
    for (let column = 1 + ((row + colour + 1) % 2); column < size - 1; column += 2) {
      const value = here[column] as number
      const vertical = (above[column] as number) + (below[column] as number)
      const horizontal = (here[column - 1] as number) + (here[column + 1] as number)
      here[column] = value + omega * ((vertical + horizontal) / 4 - value)
    }
  }
}
type Three = [Float64Array, Float64Array, Float64Array]

/**
 * A neighbour may be one step ahead, never two, for it needs this band's rows in turn. The points
 * that it has changed meanwhile are of the colour that is moved here now, so nobody looks at them.
 */
export function relaxBand(model: Model, name: string, number: number, sweeps: number): void {
  const plate = coldPlate()
  const [first, last] = rowsOf(number)
  const { rows, change } = openBand(model, name, number)
  const neighbours = [
    { band: number - 1, row: first - 1 },
    { band: number + 1, row: last + 1 },
  ].filter(({ band }) => band >= 0 && band < bandCount)
  const shared = neighbours.map(({ band, row }) => ({ row, ...openBand(model, name, band) }))
  for (let step = 1; step <= 2 * sweeps; step++) {
    for (const { row, rows } of step === 1 ? [] : shared) {
      rows.waitFor('step', (done) => done >= step - 1)
      rowOf(plate, row).set(rows.get(`row ${row}`))
    }
    relax(plate, first, last, step % 2)
    change(() => {
      for (let row = first; row <= last; row++) rows.set(`row ${row}`, rowOf(plate, row))
      // Last, for who reads without waiting for a release.
      rows.set('step', step)
    })
  }
}

/** The inner rows of a plate that routines have relaxed. */
async function relaxTogether(model: Model, name: string, sweeps: number): Promise<Plate> {
  const bands = Array.from({ length: bandCount }, (_, number) => number)
  await Promise.all(bands.map((number) => goaway(relaxBand, model, name, number, sweeps)))
  return bands.flatMap((number) => {
    const { rows, change } = openBand(model, name, number)
    const [first, last] = rowsOf(number)
    const read: Float64Array[] = []
    // Whoever wants the latest takes the lock.
    change(() => {
      for (let row = first; row <= last; row++) read.push(rows.get(`row ${row}`))
    })
    return read
  })
}

/** The same without the library: one loop, one thread. */
function relaxAlone(): Plate {
  const plate = coldPlate()
  for (let step = 1; step <= 2 * sweeps; step++) relax(plate, 1, size - 2, step % 2)
  return plate.slice(1, -1)
}

function countDifferences(one: Plate, other: Plate): number {
  const [left, right] = [one, other].map((plate) => plate.flatMap((row) => [...row]))
  return left?.filter((value, at) => !Object.is(value, right?.[at])).length ?? 0
}

async function main(): Promise<void> {
  const alone = relaxAlone()
  // The first sweeps are slow, whatever the model: threads start, and all is still to be compiled.
  for (const model of models) await relaxTogether(model, 'warm-up', warmUpSweeps)
  for (const model of models) {
    const start = performance.now()
    const plate = await relaxTogether(model, 'plate', sweeps)
    const ms = performance.now() - start
    const each = ((ms / sweeps / 2) * 1000).toFixed(0)
    console.log(`${model}: ${ms.toFixed(0)} ms, ${each} µs a half sweep`)
    const [points, differ] = [size * plate.length, countDifferences(alone, plate)]
    console.log(`  points that differ from a plain loop's in any bit: ${differ} of ${points}`)
    const middle = rowOf(plate, (size - 3) / 2)[(size - 1) / 2] as number
    console.log(`  the middle is ${middle.toFixed(6)} warm: a quarter, by symmetry`)
  }
}

if (isSpawner) await main()
