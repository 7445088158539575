/**
 * Trivial routines beside what others have for the same job, in one run: pools of threads, and for
 * another process BullMQ. `npm run bench:peers`, or with the names of sections: `pools queue`.
 * What is not installed is left out: `npm ci --prefix bench/peers`.
 */
import { goaway, init, isSpawner, shutdown } from 'goaway'
import {
  type Contender,
  compare,
  compared,
  fastest,
  median,
  type Target,
  type Timing,
} from './measure.ts'
import { isQuick, runSections, sectionsNamed } from './part.ts'
import { openPools, type PoolPeer } from './pool-peers.ts'
import { openQueue } from './queue-peer.ts'
import { report } from './report.ts'
import { trivial } from './routines.ts'

const rounds = isQuick ? 7 : 15
const threads = 2
const burst = 500
const mapExecute = ', mapExecute'
const leftOut: string[] = []
const remote = goaway.with({ on: 'node-1' })

type RunAll = (values: readonly number[]) => Promise<unknown>
type Run = (value: number) => Promise<unknown>

function oneByOne(name: string, run: Run): Contender {
  return {
    name,
    async run(count) {
      for (let at = 0; at < count; at++) {
        if ((await run(at)) !== at) throw new Error(`Wrong result of ${name}`)
      }
    },
  }
}

function inBursts(name: string, runAll: RunAll): Contender {
  const values = Array.from({ length: burst }, (_, at) => at)
  return {
    name,
    async run(count) {
      for (let left = count; left > 0; left -= burst) {
        const results = (await runAll(values)) as number[]
        if (results.length !== burst || results[burst - 1] !== burst - 1) {
          throw new Error(`Wrong results of ${name}`)
        }
      }
    },
  }
}

const together =
  (run: Run): RunAll =>
  (values) =>
    Promise.all(values.map(run))

/** A pool's calls in a burst, and its own call for many where it has one. */
function bursts(pool: PoolPeer): Contender[] {
  const { name, runAll } = pool
  const each = inBursts(
    name,
    together((value) => pool.run(value)),
  )
  return runAll === undefined ? [each] : [each, inBursts(`${name}${mapExecute}`, runAll)]
}

/** Rates; of those awaited one by one with a name that says so. */
function thousands(timings: readonly Timing[], manner = ''): Record<string, number> {
  const rates = timings.map(({ name, micros }) => [`${name}${manner}`, 1000 / median(micros)])
  return Object.fromEntries(rates)
}

async function pools(): Promise<Target[]> {
  const opened = openPools(threads)
  leftOut.push(...opened.leftOut)
  if (opened.pools.length === 0) return []
  await init({ threads })
  const run: Run = (value) => goaway(trivial, value)
  const inMany = [inBursts('goaway', together(run)), ...opened.pools.flatMap(bursts)]
  const many = await compare(inMany, 10 * burst, rounds)
  const inTurn = [
    oneByOne('goaway', run),
    ...opened.pools.map((pool) => oneByOne(pool.name, (value) => pool.run(value))),
  ]
  const single = await compare(inTurn, isQuick ? 500 : 1_000, rounds)
  await Promise.all(opened.pools.map((pool) => pool.end()))
  await shutdown()
  const [own, ...others] = many as [Timing, ...Timing[]]
  // A call for all of them is another job: `map` is measured beside it.
  const best = fastest(others.filter(({ name }) => !name.endsWith(mapExecute)))
  return [
    {
      what: `a burst of ${burst} trivial routines, to as many calls of the fastest pool`,
      figures: { ...thousands(many), ...thousands(single, ', one by one') },
      unit: '1,000/s',
      ...compared(best, own),
      wanted: { atLeast: 1.5 },
    },
  ]
}

async function queue(): Promise<Target[]> {
  const opened = await openQueue()
  if (typeof opened === 'string') {
    leftOut.push(opened)
    return []
  }
  await init({ launch: 'local', nodes: [{ name: 'node-1', threads }], threads: 1 })
  const run: Run = (value) => remote(trivial, value)
  // As many as of the pools: with fewer, V8 has not met all of it before what is measured begins.
  const many = await compare(
    [inBursts('goaway', together(run)), inBursts('BullMQ', (values) => opened.runAll(values))],
    10 * burst,
    rounds,
  )
  const single = await compare(
    [oneByOne('goaway', run), oneByOne('BullMQ', (value) => opened.run(value))],
    isQuick ? 100 : 300,
    rounds,
  )
  await shutdown()
  await opened.end()
  const [own, other] = many as [Timing, Timing]
  return [
    {
      what: `bursts of ${burst} remote routines, awaited, to BullMQ`,
      figures: { ...thousands(many), ...thousands(single, ', one by one') },
      unit: '1,000/s',
      ...compared(other, own),
      wanted: { atLeast: 10 },
    },
  ]
}

if (isSpawner) {
  const sections = { pools, queue }
  const targets = await runSections(sections, sectionsNamed(Object.keys(sections)))
  report('peer-routines', targets, { leftOut })
}
