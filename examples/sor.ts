/**
 * Red-black successive over-relaxation, a classic of distributed shared memory: how warm is each
 * point of a plate whose upper edge is kept at 1 and whose other edges at 0? The points are
 * coloured as on a chess board; in turn all red and all black ones are moved towards the mean of
 * their four neighbours, and beyond. Each routine has a band of rows to itself and shares the two
 * at its edges.
 *
 * `UpdateOnRelease` fits: the rows and the number of the step that made them show to the others at
 * once, with one message for all three, and are read from local memory. The lock of an edge is
 * taken by its own routine alone, so that nobody waits for a lock. With `StrictCentralized` each
 * field is a message, to be written and, unless its master is this node, to be read.
 */
import { goaway, isSpawner } from 'goaway'
import { StrictCentralized, UpdateOnRelease } from 'goaway/sync'

const size = 49
const sweeps = 140
const warmUpSweeps = 20
const bandCount = 4
/** How far beyond the mean: what is best for a square of this size. */
const omega = 2 / (1 + Math.sin(Math.PI / (size - 1)))

const models = ['UpdateOnRelease', 'StrictCentralized'] as const
type Model = (typeof models)[number]
/** Rows, one after the other. */
type Result = Float64Array

/** What a band's routine shows to its neighbours. */
interface Edge {
  upper: Float64Array
  lower: Float64Array
  /** Half sweeps that are in these rows. */
  step: number
}

/** The edge of a band as its neighbours read it, and how it is written, by the band's routine. */
interface SharedEdge {
  readonly edge: {
    waitFor(field: 'step', until: (step: number) => boolean): number
    readonly upper: Float64Array
    readonly lower: Float64Array
  }
  publish(next: Edge): void
}

function shareEdge(model: Model, name: string): SharedEdge {
  if (model === 'UpdateOnRelease') {
    const edge = UpdateOnRelease<Edge>(name)
    return { edge, publish: (next) => edge.with(() => Object.assign(edge, next)) }
  }
  const edge = StrictCentralized<Edge>(name)
  // Field by field, the step last: whoever sees it sees the rows.
  return { edge, publish: (next) => Object.assign(edge, next) }
}

/** Rows `first` to `last` of the plate, and one more on either side, which belong to others. */
class Band {
  readonly first: number
  readonly last: number
  readonly #points: Float64Array

  constructor(first: number, last: number) {
    this.first = first
    this.last = last
    this.#points = new Float64Array((last - first + 3) * size)
    if (first === 1) this.row(0).fill(1)
  }

  row(row: number): Float64Array {
    const start = (row - this.first + 1) * size
    return this.#points.subarray(start, start + size)
  }

  /** Moves all points of one colour. */
  relax(colour: number): void {
    for (let row = this.first; row <= this.last; row++) {
      const [above, here, below] = [this.row(row - 1), this.row(row), this.row(row + 1)]
      for (let column = 1 + ((row + colour + 1) % 2); column < size - 1; column += 2) {
        const value = here[column] as number
        const vertical = (above[column] as number) + (below[column] as number)
        const horizontal = (here[column - 1] as number) + (here[column + 1] as number)
        here[column] = value + omega * ((vertical + horizontal) / 4 - value)
      }
    }
  }

  /** Its own rows. */
  result(): Result {
    return this.#points.slice(size, -size)
  }
}

/** The rows of a band, whose number counts from 0. */
function bandOf(number: number): Band {
  const inner = size - 2
  const first = 1 + Math.floor((number * inner) / bandCount)
  return new Band(first, Math.floor(((number + 1) * inner) / bandCount))
}

/**
 * A neighbour may be one step ahead, never two, for it needs this band's rows in turn. The points
 * that it has changed meanwhile are of the colour that is moved here now, so nobody looks at them.
 */
export function relaxBand(model: Model, plate: string, number: number, sweeps: number): Result {
  const band = bandOf(number)
  const edgeOf = (other: number) => shareEdge(model, `${plate} ${other}`)
  const { publish } = edgeOf(number)
  const above = number === 0 ? undefined : edgeOf(number - 1).edge
  const below = number === bandCount - 1 ? undefined : edgeOf(number + 1).edge
  for (let step = 1; step <= 2 * sweeps; step++) {
    if (step > 1) {
      const hasCome = (done: number): boolean => done >= step - 1
      above?.waitFor('step', hasCome)
      below?.waitFor('step', hasCome)
      if (above !== undefined) band.row(band.first - 1).set(above.lower)
      if (below !== undefined) band.row(band.last + 1).set(below.upper)
    }
    band.relax(step % 2)
    publish({ upper: band.row(band.first), lower: band.row(band.last), step })
  }
  return band.result()
}

function relaxTogether(model: Model, plate: string, sweeps: number): Promise<Result[]> {
  return Promise.all(
    Array.from({ length: bandCount }, (_, number) =>
      goaway(relaxBand, model, plate, number, sweeps),
    ),
  )
}

/** The same without the library: one loop, one thread. */
function relaxAlone(): Result {
  const plate = new Band(1, size - 2)
  for (let step = 1; step <= 2 * sweeps; step++) plate.relax(step % 2)
  return plate.result()
}

function concatenate(parts: readonly Result[]): Result {
  return Float64Array.from(parts.flatMap((part) => [...part]))
}

function differences(one: Result, other: Result): number {
  return one.filter((value, at) => value !== other[at]).length + Math.abs(one.length - other.length)
}

async function main(): Promise<void> {
  const start = performance.now()
  const alone = relaxAlone()
  console.log(`A plain loop:      ${(performance.now() - start).toFixed(0)} ms`)
  // The first sweeps are slow, whatever the model: threads start, and all is still to be compiled.
  for (const model of models) await relaxTogether(model, 'warm-up', warmUpSweeps)
  for (const model of models) {
    const start = performance.now()
    const parts = await relaxTogether(model, 'plate', sweeps)
    const ms = performance.now() - start
    const each = ((ms / sweeps / 2) * 1000).toFixed(0)
    const differ = differences(concatenate(parts), alone)
    console.log(`${`${model}:`.padEnd(18)} ${ms.toFixed(0)} ms, ${each} µs a half sweep`)
    console.log(
      `  points that differ from the plain loop's in any bit: ${differ} of ${alone.length}`,
    )
  }
  const middle = alone[(alone.length - 1) / 2] as number
  console.log(`The middle of the plate is ${middle.toFixed(6)} warm: a quarter, by symmetry`)
}

if (isSpawner) await main()
