/** Functions that the tests of `map` call for each item. */
import { context, goaway, Lock, map, StrictCentralized } from 'goaway'
import { untilAborted } from './until-aborted.ts'

export const seen = StrictCentralized<Record<string, unknown>>('map-tests', { runs: 0, calls: 0 })

export function square(value: number): number {
  return value * value
}

export async function squareLater(value: number): Promise<number> {
  await Promise.resolve()
  return value * value
}

export function pair(value: unknown, index: number): [unknown, number] {
  return [value, index]
}

/** The routine that ran it: items of one chunk tell the same. */
export function tellRoutine(): number {
  return context().id
}

export function tellThread(): number {
  return context().thread
}

export function tellNode(): string {
  return context().node
}

export function failAtSevens(value: number): number {
  if (value % 7 === 0) throw Object.assign(new RangeError(`a seven: ${value}`), { value })
  return value
}

/** Fails at its first attempt, if odd. */
export function failFirst(value: number): number {
  if (value % 2 === 1 && context().attempt === 1) throw new Error(`first attempt of ${value}`)
  return context().attempt
}

/** The first attempt takes its thread down. */
export function dieFirst(value: number): number {
  if (value === 3 && context().attempt === 1) process.exit(1)
  return context().attempt
}

export function die(value: number): number {
  if (value === 3) process.exit(1)
  return value
}

export function giveFunction(value: number): unknown {
  return value === 2 ? () => value : value
}

/** Runs until it is told to stop; who calls knows by `runs` that it does. */
export async function runUntilCancelled(): Promise<void> {
  await seen.add('runs')
  const { signal } = context()
  await untilAborted(signal)
  await seen.add('stopped')
}

/** Counts its calls; from the first on it waits for a word. */
export async function countAndWait(value: number): Promise<number> {
  await seen.add('calls')
  await seen.waitFor('go')
  return value
}

export async function failOnceOthersRun(value: number): Promise<void> {
  if (value > 0) return runUntilCancelled()
  await seen.waitFor('runs', (runs) => runs === 1)
  throw new RangeError('the first')
}

/** One hangs until it is cancelled; the others come behind it. */
export async function hangAtSeven(value: number): Promise<number> {
  if (value === 7) await runUntilCancelled()
  else await seen.waitFor('runs', (runs) => runs === 1)
  return value
}

/** The first one to come hangs until it is cancelled. */
export async function hangAtFirst(value: number): Promise<number> {
  if (value === 7 && (await seen.add('hung')) === 1) await runUntilCancelled()
  return value
}

export function spin(): never {
  for (;;);
}

const lock = Lock('map-tests')

/** Two items at a time would be refused: one routine takes a lock once. */
export async function underLock(value: number): Promise<number> {
  return lock.with(async () => {
    await seen.add('calls')
    return value
  })
}

export async function sumOfSquares(to: number): Promise<number> {
  const squares = await map(
    square,
    Array.from({ length: to }, (_, at) => at),
  )
  return squares.reduce((sum, one) => sum + one, 0)
}

/** One that needs its own address in the thread. */
export async function nested(depth: number): Promise<number> {
  return depth === 0 ? 0 : 1 + (await goaway(nested, depth - 1))
}

export async function failInside(): Promise<number[]> {
  return map(failAtSevens, [1, 7, 14], { onError: 'collect' })
}
