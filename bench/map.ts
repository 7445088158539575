/**
 * `map` of trivial items, beside what it is made of and what it replaces: `npm run bench:map`. On
 * two threads, and over TCP to two local nodes. Ratios of one run mean something; times do not.
 */
import process from 'node:process'
import { fileURLToPath } from 'node:url'
import { goaway, init, isSpawner, map, shutdown } from 'goaway'
import { Piscina } from 'piscina'
import { type Contender, compare, median, ratio, type Timing } from './measure.ts'
import { trivial } from './routines.ts'

const quick = process.argv.includes('--quick')
const rounds = quick ? 3 : 9
const count = quick ? 200_000 : 1_000_000
const chunkItems = 8192

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
  async run(items) {
    const list = Array.from({ length: items / 10 }, (_, id) => ({ id, name: `item ${id}` }))
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

function piscinaItems(pool: Piscina): Contender {
  return {
    name: 'piscina.run, one an item',
    async run(items) {
      // In bursts: all at once would be slower still.
      const results: number[] = []
      const part = items / 20
      for (let from = 0; from < part; from += 500) {
        const burst = numbers(500).map((at) => pool.run(from + at) as Promise<number>)
        results.push(...(await Promise.all(burst)))
      }
      check(results, part)
    },
  }
}

/** Contenders that do a part of the items only: how many times more the others do. */
const parts: Readonly<Record<string, number>> = {
  [objects.name]: 10,
  'piscina.run, one an item': 20,
}

function show(title: string, timings: readonly Timing[]): void {
  const [own] = timings as [Timing]
  console.log(`\n${title}\n`)
  for (const timing of timings) {
    const part = parts[timing.name] ?? 1
    const perSecond = 1e6 / (median(timing.micros) * part)
    const times = ratio(timing, own) * part
    const rate = `${Math.round(perSecond / 1000)} k items/s`.padStart(18)
    console.log(`${timing.name.padEnd(26)}${rate}   ${times.toFixed(2)} × the time of await map`)
  }
}

if (isSpawner) {
  const pool = new Piscina({
    filename: fileURLToPath(new URL('./routines.js', import.meta.url)),
    minThreads: 2,
    maxThreads: 2,
  })
  await init({ threads: 2 })
  const local = [gathered, iterated, objects, bare, piscinaItems(pool)]
  show(`${count} trivial items, 2 threads`, await compare(local, count, rounds))
  await pool.destroy()
  await shutdown()
  await init({ launch: 'local', nodes: [{ threads: 1 }, { threads: 1 }], threads: 0 } as never)
  const remote = [gathered, iterated, bare]
  show(`${count} trivial items, 2 nodes over TCP`, await compare(remote, count, rounds))
  await shutdown()
}
