/**
 * The targets of the local library, each as a ratio of one run: `npm run bench:local`, or with the
 * names of sections: `npm run bench:local -- routines blocking start puzzle memory`.
 */
import { spawn } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { goaway, init, isSpawner, shutdown } from 'goaway'
import { Piscina } from 'piscina'
import { bareBlocking } from './bare-blocking.ts'
import { bareWorkers } from './bare-workers.ts'
import { compare, median, ratio, type Target, type Timing } from './measure.ts'
import { isQuick, runSections, sectionsNamed } from './part.ts'
import { report } from './report.ts'
import { acquisitions, blockingReads, hashes, trivial } from './routines.ts'

const rounds = isQuick ? 5 : 15
const threads = 2

async function routines(): Promise<Target[]> {
  const filename = fileURLToPath(new URL('./routines.js', import.meta.url))
  const pool = new Piscina({ filename, minThreads: threads, maxThreads: threads })
  const oneByOne = await compare(
    [
      { name: 'piscina', run: (count) => repeat(count, () => pool.run(1)) },
      { name: 'goaway', run: (count) => repeat(count, () => goaway(trivial, 1)) },
    ],
    1_000,
    rounds,
  )
  const burst = 500
  const together = (start: () => Promise<unknown>) => async (count: number) => {
    for (let left = count; left > 0; left -= burst) {
      await Promise.all(Array.from({ length: burst }, start))
    }
  }
  const bursts = await compare(
    [
      { name: 'piscina', run: together(() => pool.run(1)) },
      { name: 'goaway', run: together(() => goaway(trivial, 1)) },
    ],
    10 * burst,
    rounds,
  )
  await pool.destroy()
  const [piscinaOne, goawayOne] = oneByOne as [Timing, Timing]
  const [piscinaBurst, goawayBurst] = bursts as [Timing, Timing]
  return [
    {
      what: 'a trivial routine, awaited one by one',
      figures: figuresOf(oneByOne),
      unit: 'µs',
      ratio: ratio(goawayOne, piscinaOne),
      wanted: { atMost: 1.6 },
    },
    {
      what: `a burst of ${burst} trivial routines`,
      figures: Object.fromEntries(bursts.map(({ name, micros }) => [name, 1000 / median(micros)])),
      unit: '1,000 routines/s',
      ratio: 1 / ratio(goawayBurst, piscinaBurst),
      wanted: { atLeast: 3 },
    },
  ]
}

async function repeat(count: number, act: () => Promise<unknown>): Promise<void> {
  for (let left = count; left > 0; left--) await act()
}

async function blocking(): Promise<Target[]> {
  const bare = bareBlocking()
  const count = 2_000
  const timings: Record<string, number[]> = { bare: [], sleeping: [], read: [], lock: [] }
  for (let round = -2; round < rounds; round++) {
    const measured = {
      bare: await bare.run(count, 2_000),
      sleeping: await bare.run(count, 0),
      read: await goaway(blockingReads, count),
      lock: await goaway(acquisitions, count),
    }
    if (round < 0) continue
    for (const [name, ms] of Object.entries(measured)) timings[name]?.push((ms * 1000) / count)
  }
  await bare.end()
  const of = (name: string): Timing => ({ name, micros: timings[name] ?? [] })
  const limits = {
    'bare call (spins)': median(of('bare').micros),
    'bare call (sleeps)': median(of('sleeping').micros),
  }
  return [
    {
      what: "blocking s.get('x') in a routine, to a bare blocking call that spins",
      figures: { ...limits, goaway: median(of('read').micros) },
      unit: 'µs',
      ratio: ratio(of('read'), of('bare')),
      wanted: { atMost: 1.6 },
    },
    {
      what: 'acquire and release of a free lock, to the same',
      figures: { ...limits, goaway: median(of('lock').micros) },
      unit: 'µs',
      ratio: ratio(of('lock'), of('bare')),
      wanted: { atMost: 1.8 },
    },
  ]
}

/** Milliseconds from the start of a process to the first line it prints. */
function firstLine(program: string): Promise<number> {
  const file = fileURLToPath(new URL(program, import.meta.url))
  return new Promise((resolve, reject) => {
    const start = performance.now()
    const child = spawn(process.execPath, [file], { stdio: ['ignore', 'pipe', 'inherit'] })
    let took = Number.NaN
    child.stdout.once('data', () => {
      took = performance.now() - start
    })
    child.on('error', reject)
    child.on('close', () => resolve(took))
  })
}

async function start(): Promise<Target[]> {
  const timings = await compareStarts(isQuick ? 7 : 21)
  const [piscina, own] = timings
  return [
    {
      what: 'from process start to the first result',
      figures: figuresOf(timings),
      unit: 'ms',
      ratio: ratio(own, piscina),
      wanted: { atMost: 1.8 },
    },
  ]
}

async function compareStarts(count: number): Promise<[Timing, Timing]> {
  const piscina: Timing = { name: 'piscina', micros: [] }
  const own: Timing = { name: 'goaway', micros: [] }
  for (let round = 0; round < count; round++) {
    piscina.micros.push(await firstLine('./start-piscina.js'))
    own.micros.push(await firstLine('./start-goaway.js'))
  }
  return [piscina, own]
}

async function puzzle(): Promise<Target[]> {
  const numbers = isQuick ? 300_000 : 1_000_000
  const bare = bareWorkers(threads)
  const partsOf = (count: number): Parameters<typeof hashes>[] =>
    Array.from({ length: threads }, (_, from) => ['goaway', from, count, threads])
  const timings = await compare(
    [
      { name: 'plain loop', run: (count) => void hashes('goaway', 0, count, 1) },
      { name: 'bare workers', run: (count) => bare.run(partsOf(count)) },
      {
        name: 'goaway',
        async run(count) {
          await Promise.all(partsOf(count).map((part) => goaway(hashes, ...part)))
        },
      },
    ],
    numbers,
    isQuick ? 5 : 9,
  )
  await bare.end()
  const [plain, limit, own] = timings as [Timing, Timing, Timing]
  const what = `${numbers} hashes on ${threads} threads`
  const figures = figuresOf(timings)
  const unit = 'µs a hash'
  return [
    {
      what: `${what}, to one plain loop`,
      figures: { ...figures, 'speed-up of bare workers': ratio(plain, limit) },
      unit,
      ratio: ratio(plain, own),
      wanted: { atLeast: 1.85 },
    },
    {
      what: `${what}, to bare workers`,
      figures,
      unit,
      ratio: ratio(own, limit),
      wanted: { atMost: 1.05 },
    },
  ]
}

/** Resident memory after a collection, in MiB. */
function memory(): number {
  globalThis.gc?.()
  return process.memoryUsage().rss / 2 ** 20
}

async function manyRoutines(): Promise<Target[]> {
  const batch = 1_000
  const early = 100_000
  const all = isQuick ? 300_000 : 1_000_000
  let first = 0
  for (let done = 0; done < all; done += batch) {
    await Promise.all(Array.from({ length: batch }, () => goaway(trivial, done)))
    if (done + batch === early) first = memory()
  }
  const last = memory()
  return [
    {
      what: `memory after ${all} routines, to that after ${early}`,
      figures: { first, last },
      unit: 'MiB resident',
      ratio: last / first,
      wanted: { atMost: 1.2 },
    },
  ]
}

function figuresOf(timings: readonly Timing[]): Record<string, number> {
  return Object.fromEntries(timings.map(({ name, micros }) => [name, median(micros)]))
}

if (isSpawner) {
  const sections = { routines, blocking, start, puzzle, memory: manyRoutines }
  const wanted = sectionsNamed(Object.keys(sections))
  await init({ threads })
  const targets = await runSections(sections, wanted)
  await shutdown()
  report('local', targets)
}
