/**
 * The traveling salesman: the shortest tour through all cities, by branch and bound. Beginnings of
 * tours are the work; whoever is free takes the next. A beginning that cannot end shorter than the
 * best tour known is left, so everybody has to know how short that is, and the better it is known,
 * the less is done.
 *
 * `LinFastRead` fits the bound: it is read millions of times, in the node's own memory, and written
 * when somebody finds a shorter tour, some dozen times. `StrictCentralized` fits the queue: `add`
 * is one message, and gives each beginning to one routine. (`Weak` would do for the bound as well:
 * an old bound costs time, never the answer. But then the shortest of all would have to be found
 * in the end among what each has found.)
 */
import { goaway } from 'goaway'
import { LinFastRead, StrictCentralized } from 'goaway/sync'
import { randomOf } from '../../test/hub/random.ts'
import { sharedWords } from './bare.ts'
import { type Classic, upTo } from './classic.ts'

interface Tour {
  readonly length: number
  /** In their order; the first stands once. */
  readonly cities: readonly number[]
}

const noTour: Tour = { length: 2 ** 31 - 1, cities: [] }

/** Where the shortest tour so far is kept. */
interface Shortest {
  length(): number
  offer(tour: Tour): void
}

const queue = StrictCentralized('traveling salesman', { taken: 0 })
const shortest = LinFastRead('traveling salesman', { tour: noTour })

/** Whole numbers, so that a length does not depend on the order of additions. */
class Country {
  readonly count: number
  readonly distances: Int32Array
  /** Of each city the others, the nearest first. */
  readonly nearest: readonly (readonly number[])[]

  constructor(count: number) {
    this.count = count
    const random = randomOf(7)
    const places = upTo(count).map(() => [random() * 10_000, random() * 10_000] as const)
    this.distances = new Int32Array(
      places.flatMap(([x, y]) => places.map(([u, v]) => Math.round(Math.hypot(x - u, y - v)))),
    )
    this.nearest = upTo(count).map((city) =>
      upTo(count)
        .filter((other) => other !== city)
        .sort((one, other) => this.distance(city, one) - this.distance(city, other)),
    )
  }

  distance(from: number, to: number): number {
    return this.distances[from * this.count + to] as number
  }

  /** All ways to begin: from city 0 over two others. */
  beginnings(): (readonly number[])[] {
    return (this.nearest[0] as number[]).flatMap((second) =>
      (this.nearest[second] as number[])
        .filter((third) => third !== 0)
        .map((third) => [0, second, third]),
    )
  }

  lengthOf(cities: readonly number[]): number {
    const steps = cities.map((city, at) =>
      this.distance(city, cities[(at + 1) % cities.length] ?? 0),
    )
    return steps.reduce((sum, step) => sum + step, 0)
  }
}

/** Tries every tour with a beginning, but for those that are too long already. */
class Search {
  readonly #country: Country
  readonly #shortest: Shortest
  readonly #cities: number[] = []
  /** What it costs at least to leave each city. */
  readonly #leave: readonly number[]
  #known = 0
  #steps = 0

  constructor(country: Country, shortest: Shortest) {
    this.#country = country
    this.#shortest = shortest
    this.#leave = upTo(country.count).map((city) =>
      country.distance(city, country.nearest[city]?.[0] ?? 0),
    )
  }

  try(beginning: readonly number[]): void {
    const { count } = this.#country
    this.#known = this.#shortest.length()
    let length = 0
    let visited = 0
    for (const [at, city] of beginning.entries()) {
      this.#cities[at] = city
      visited |= 1 << city
      if (at > 0) length += this.#country.distance(beginning[at - 1] as number, city)
    }
    const open = upTo(count).filter((city) => (visited & (1 << city)) === 0)
    const least = open.reduce((sum, city) => sum + (this.#leave[city] as number), 0)
    this.#extend(beginning.length, visited, length, least)
  }

  /** @param least what it costs at least to leave the cities not visited yet */
  #extend(depth: number, visited: number, length: number, least: number): void {
    const country = this.#country
    const at = this.#cities[depth - 1] as number
    if (depth === country.count) {
      this.#offer(length + country.distance(at, 0))
      return
    }
    // Even a look at memory costs something.
    this.#steps += 1
    if ((this.#steps & 15) === 0) this.#known = this.#shortest.length()
    for (const city of country.nearest[at] as readonly number[]) {
      if ((visited & (1 << city)) !== 0) continue
      const longer = length + country.distance(at, city)
      // All that follow are farther away.
      if (longer + least >= this.#known) return
      this.#cities[depth] = city
      const rest = least - (this.#leave[city] as number)
      this.#extend(depth + 1, visited | (1 << city), longer, rest)
    }
  }

  #offer(length: number): void {
    if (length >= this.#known) return
    this.#known = length
    this.#shortest.offer({ length, cities: [...this.#cities] })
  }
}

/** The routine. */
export function travel(cities: number): void {
  const country = new Country(cities)
  const search = new Search(country, {
    length: () => shortest.tour.length,
    offer(tour) {
      shortest.update('tour', (known) => (tour.length < known.length ? tour : known))
    },
  })
  const beginnings = country.beginnings()
  for (;;) {
    const beginning = beginnings[queue.add('taken') - 1]
    if (beginning === undefined) return
    search.try(beginning)
  }
}

/**
 * The same with two shared words: beginnings that were taken, and the shortest length.
 *
 * @returns the shortest tour that it has found itself
 */
export function travelBare(cities: number, words: Int32Array): Tour {
  const country = new Country(cities)
  let best = noTour
  const search = new Search(country, {
    length: () => Atomics.load(words, 1),
    offer(tour) {
      best = tour
      let seen = Atomics.load(words, 1)
      while (tour.length < seen) {
        const before = Atomics.compareExchange(words, 1, seen, tour.length)
        if (before === seen) return
        seen = before
      }
    },
  })
  const beginnings = country.beginnings()
  for (;;) {
    const beginning = beginnings[Atomics.add(words, 0, 1)]
    if (beginning === undefined) return best
    search.try(beginning)
  }
}

const shorter = (one: Tour, other: Tour): Tour => (other.length < one.length ? other : one)

/** Sizes are cities. */
export const travelingSalesman: Classic<Country, Tour> = {
  name: 'traveling salesman',
  sizes: { tiny: 8, quick: 15, half: 17, full: 18 },
  hasTarget: false,

  prepare: (cities) => new Country(cities),

  alone(country) {
    let best = noTour
    const search = new Search(country, {
      length: () => best.length,
      offer(tour) {
        best = tour
      },
    })
    for (const beginning of country.beginnings()) search.try(beginning)
    return best
  },

  async together({ count }, workers) {
    queue.taken = 0
    shortest.tour = noTour
    await Promise.all(upTo(workers).map(() => goaway(travel, count)))
    return shortest.tour
  },

  async bare({ count }, workers) {
    const words = sharedWords(2)
    words[1] = noTour.length
    const tours = await workers.run(import.meta.url, travelBare, () => [count, words])
    return tours.reduce(shorter, noTour)
  },

  // There may be several of the same length.
  check({ length, cities }, expected) {
    const country = new Country(expected.cities.length)
    const isTour = new Set(cities).size === country.count && cities.length === country.count
    if (isTour && country.lengthOf(cities) === length && length === expected.length) return
    const found = `${length} over ${cities}, not ${expected.length} over ${expected.cities}`
    throw new Error(`Cannot accept a tour: its length is ${found}`)
  },
}
