/**
 * `map` of trivial items, beside what it is made of and what it replaces: `npm run bench:map`. On
 * two threads, and over TCP to two local nodes; or one of the sections: `local cluster`.
 */
import { goaway, init, isSpawner, map, shutdown } from 'goaway'
import {
  type Contender,
  compare,
  compared,
  fastest,
  median,
  spreadOf,
  type Target,
  type Timing,
} from './measure.ts'
import { isQuick, runSections, sectionsNamed } from './part.ts'
import { openPools, type PoolPeer } from './pool-peers.ts'
import { report } from './report.ts'
import { trivial } from './routines.ts'

const rounds = isQuick ? 3 : 9
const count = 1_000_000
const threads = 2
const burst = 500
const chunkItems = 8192
const leftOut: string[] = []
const fastestPool = `map of ${count} trivial items on ${threads} threads, to the fastest pool`

/** What a chunk of a map is, as a routine of one's own would be. */
export function trivialOfAll(values: readonly number[]): number[] {
  return values.map(trivial)
}

function numbers(items: number): number[] {
  return Array.from({ length: items }, (_, at) => at)
}

function check(results: readonly number[], items: number): void {
  if (results.length !== items || results[items - 1] !== items - 1) {
    throw new Error(`Wrong results: ${results.length} of ${items}`)
  }
}

const gathered: Contender = {
  name: 'await map',
  async run(items) {
    check(await map(trivial, numbers(items)), items)
  },
}

const iterated: Contender = {
  name: 'for await of map',
  async run(items) {
    let last = -1
    for await (const value of map(trivial, numbers(items))) last = value
    if (last !== items - 1) throw new Error(`Wrong last result: ${last}`)
  },
}

const objects: Contender = {
  name: 'await map of objects',
  fewer: 10,
  async run(items) {
    const list = Array.from({ length: items }, (_, id) => ({ id, name: `item ${id}` }))
    if ((await map(idOf, list)).length !== list.length) throw new Error('Wrong results')
  },
}

export function idOf(value: { readonly id: number }): number {
  return value.id
}

/** All chunks at once, each a routine: no look at time, no order, no bound. */
const bare: Contender = {
  name: 'bare chunks',
  async run(items) {
    const all = numbers(items)
    const chunks: Promise<number[]>[] = []
    for (let from = 0; from < items; from += chunkItems) {
      chunks.push(goaway(trivialOfAll, all.slice(from, from + chunkItems)))
    }
    check((await Promise.all(chunks)).flat(), items)
  },
}

/** A pool's own call for many items, or one call an item. In bursts: all at once is slower. */
function peer({ name, run, runAll }: PoolPeer): Contender {
  const each = (values: readonly number[]): Promise<unknown> => Promise.all(values.map(run))
  return {
    name: runAll === undefined ? `${name}, a call an item` : `${name}, mapExecute`,
    fewer: isQuick ? 100 : 20,
    async run(items) {
      const results: number[] = []
      for (let from = 0; from < items; from += burst) {
        const values = numbers(burst).map((at) => from + at)
        results.push(...((await (runAll ?? each)(values)) as number[]))
      }
      check(results, items)
    },
  }
}

function thousands(timings: readonly Timing[]): Record<string, number> {
  return Object.fromEntries(timings.map(({ name, micros }) => [name, 1000 / median(micros)]))
}

/** Items a second, to what is wanted of them: no ratio of two that were measured. */
function absolute(where: string, timings: readonly Timing[], wanted: number): Target {
  const [own] = timings as [Timing]
  const rates = own.micros.map((micros) => 1e6 / micros / wanted)
  return {
    what: `map of ${count} trivial items ${where}, against ${wanted} items/s`,
    figures: thousands(timings),
    unit: '1,000 items/s',
    ratio: median(rates),
    spread: spreadOf(rates),
    wanted: { atLeast: 1 },
    isAbsolute: true,
  }
}

function beside(own: Timing, other: Timing, atLeast: number): Target {
  return {
    what: `map of ${count} trivial items on ${threads} threads, to ${other.name}`,
    figures: thousands([own, other]),
    unit: '1,000 items/s',
    ...compared(other, own),
    wanted: { atLeast },
  }
}

async function local(): Promise<Target[]> {
  const opened = openPools(threads)
  leftOut.push(...opened.leftOut)
  await init({ threads })
  const ours = [gathered, iterated, objects, bare]
  const peers = opened.pools.map(peer)
  const timings = await compare([...ours, ...peers], count, rounds)
  await Promise.all(opened.pools.map((pool) => pool.end()))
  await shutdown()
  const [own] = timings as [Timing]
  const others = timings.slice(ours.length)
  const piscina = others.find(({ name }) => name === 'piscina, a call an item')
  return [
    absolute(`on ${threads} threads`, timings, 1_000_000),
    ...(piscina === undefined ? [] : [beside(own, piscina, 15)]),
    ...(others.length === 0 ? [] : [{ ...beside(own, fastest(others), 1), what: fastestPool }]),
  ]
}

async function cluster(): Promise<Target[]> {
  const nodes = [{ threads: 1 }, { threads: 1 }]
  await init({ launch: 'local', nodes, threads: 0 } as never)
  const timings = await compare([gathered, iterated, bare], count, rounds)
  await shutdown()
  return [absolute('over TCP to 2 local nodes', timings, 300_000)]
}

if (isSpawner) {
  const sections = { local, cluster }
  const targets = await runSections(sections, sectionsNamed(Object.keys(sections)))
  report('map', targets, { leftOut })
}
