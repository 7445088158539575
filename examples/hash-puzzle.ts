/**
 * A puzzle like that of mining: find a number that, appended to a seed, gives a SHA-512 that starts
 * with zeros. Each routine tries every n-th number; the first to find one stops the others.
 */
import { availableParallelism } from 'node:os'
import { setTimeout as sleep } from 'node:timers/promises'
import { context, goaway, init, isSpawner } from 'goaway'
import { Lock, StrictCentralized } from 'goaway/sync'
import yargs from 'yargs'
import { showEveryMs, startProgress } from './progress.ts'
import { chanceOfFit, digest, firstFit, target } from './puzzle.ts'

const lock = Lock('workers')
const workers = StrictCentralized('workers', { atWork: 0, done: 0 })
const result = StrictCentralized<{ solution?: number; tried: number }>('result', { tried: 0 })

/** Numbers between two looks at `cancelled` and the clock: some milliseconds. */
const batch = 4096
/** Each report is a message, so a routine makes only a few a second. */
const reportEveryMs = 200
/** A search that is cancelled still counts itself out: on a busy machine that takes a while. */
const graceMs = 30_000

/**
 * Tries `first`, `first + step`, `first + 2 * step`, ... until one fits or another routine was
 * faster.
 */
export function search(seed: string, zeros: number, first: number, step: number): void {
  lock.with(() => {
    workers.atWork += 1
  })
  const me = context()
  let tried = 0
  let reportedAt = performance.now()
  let found: number | undefined
  for (let from = first; found === undefined && !me.cancelled; from += batch * step) {
    found = firstFit(seed, zeros, from, step, batch)
    tried += found === undefined ? batch : (found - from) / step + 1
    if (performance.now() - reportedAt < reportEveryMs) continue
    result.add('tried', tried)
    tried = 0
    reportedAt = performance.now()
  }
  result.add('tried', tried)
  if (found !== undefined) result.compareAndSet('solution', undefined, found)
  lock.with(() => {
    workers.atWork -= 1
    workers.done += 1
  })
}

/** The same work without the library: one loop, one thread. @returns milliseconds */
function timePlainLoop(seed: string, zeros: number, numbers: number): number {
  const start = performance.now()
  for (let from = 0; from < numbers; ) {
    const found = firstFit(seed, zeros, from, 1, numbers - from)
    from = found === undefined ? numbers : found + 1
  }
  return performance.now() - start
}

function million(count: number): string {
  return `${(count / 1e6).toFixed(2)} million`
}

async function showUntil(ended: AbortSignal, zeros: number): Promise<void> {
  const progress = startProgress()
  try {
    for (;;) {
      await sleep(showEveryMs, undefined, { signal: ended })
      const { tried } = result
      const chance = chanceOfFit(zeros, tried)
      const likely = `chance so far ${(chance * 100).toFixed(0)} %`
      const counted = `${million(tried)} tried by ${workers.atWork} workers`
      progress.show(chance, `${counted}, ${likely}`)
    }
  } catch (error) {
    if (!ended.aborted) throw error
  } finally {
    progress.stop()
  }
}

/** @returns milliseconds, the start of the threads included */
async function solve(seed: string, zeros: number, threads: number): Promise<number> {
  const start = performance.now()
  await init({ threads })
  const routines = Array.from({ length: threads }, (_, n) =>
    goaway.with({ graceMs })(search, seed, zeros, n, threads),
  )
  const ended = new AbortController()
  const shown = showUntil(ended.signal, zeros)
  try {
    // The first to end has found a number, or has failed and says why.
    await Promise.race(routines)
  } finally {
    for (const routine of routines) routine.cancel('another routine was faster')
    await Promise.allSettled(routines)
    ended.abort()
    await shown
  }
  return performance.now() - start
}

async function main(): Promise<void> {
  const { seed, zeros, threads } = readOptions()
  console.log(`Looking for a number whose SHA-512 after '${seed}' starts with ${target(zeros)}.`)
  const milliseconds = await solve(seed, zeros, threads)
  const { solution, tried } = result
  if (solution === undefined) throw new Error('No routine has found a number')
  const hash = digest(seed, solution)
  console.log(`Solution: ${seed}${solution}`)
  console.log(
    `Check:    ${hash.slice(0, 32)}... ${hash.startsWith(target(zeros)) ? 'holds' : 'FAILS'}`,
  )
  console.log(`Time:     ${(milliseconds / 1000).toFixed(2)} s for ${million(tried)} numbers`)
  console.log(`Workers:  ${workers.done} done, ${workers.atWork} at work`)
  const sample = Math.ceil(tried / 4)
  console.log(`One plain loop now tries ${million(sample)} of the same numbers, for comparison.`)
  const plain = timePlainLoop(seed, zeros, sample)
  const speedUp = plain / sample / (milliseconds / tried)
  console.log(`Plain:    ${(plain / 1000).toFixed(2)} s for ${million(sample)} numbers`)
  console.log(`Speed-up: ${speedUp.toFixed(2)} on ${threads} threads`)
}

function readOptions(): { seed: string; zeros: number; threads: number } {
  const whole = (name: string, max: number) => (value: number) => {
    if (Number.isSafeInteger(value) && value >= 1 && value <= max) return value
    throw new Error(`Option --${name} has to be a whole number from 1 to ${max}`)
  }
  return yargs(process.argv.slice(2))
    .usage('Usage: hash-puzzle [options]')
    .options({
      zeros: {
        type: 'number',
        default: 6,
        describe: 'Zeros to start with: each more takes 16 times as long',
        coerce: whole('zeros', 12),
      },
      seed: { type: 'string', default: 'go away ', describe: 'What the number is appended to' },
      threads: {
        type: 'number',
        default: availableParallelism(),
        describe: 'Routines that search at a time',
        coerce: whole('threads', 512),
      },
    })
    .strict()
    .version(false)
    .parseSync()
}

if (isSpawner) await main()
