/** Functions that the tests of routines, streams and threads run on threads. */
import process from 'node:process'
import { context, goaway, StrictCentralized } from 'goaway'
import { StrictCentralized as Blocking, Lock as BlockingLock } from 'goaway/sync'
import { untilAborted } from './until-aborted.ts'

/** Fields by which tests and routines signal to each other. */
export type Signals = Record<string, number>

export const signals = StrictCentralized<Signals>('signals')
const blocking = Blocking<Signals>('signals')

export function add(left: number, right: number): number {
  return left + right
}

export async function addLater(left: number, right: number): Promise<number> {
  return left + right
}

export function tellContext(): { id: number; node: string; thread: number; attempt: number } {
  const { id, node, thread, attempt } = context()
  return { id, node, thread, attempt }
}

export function threadOf(): number {
  return context().thread
}

export function lengthOf(bytes: ArrayBuffer | Uint8Array): number {
  return bytes.byteLength
}

export function mark(field: string): void {
  blocking.set(field, 1)
}

/** Takes a number from the counter `order`: which routines began before it. */
export function takeNumber(): number {
  return blocking.add('order', 1)
}

const nap = new Int32Array(new SharedArrayBuffer(4))

/**
 * Never awaits and never returns to the event loop until it sees that it is to stop. It naps
 * between its looks, of which the library knows nothing: tests need the processor.
 */
export function spin(started: string, look: 'cancelled' | 'aborted' | 'throwIfAborted'): string {
  const me = context()
  const { signal } = me
  blocking.set(started, 1)
  for (;;) {
    Atomics.wait(nap, 0, 0, 1)
    if (look === 'cancelled' && me.cancelled) break
    if (look === 'aborted' && signal.aborted) break
    if (look === 'throwIfAborted') signal.throwIfAborted()
  }
  blocking.set(`${started} stopped`, 1)
  return 'stopped'
}

export function spinForEver(started: string): never {
  blocking.set(started, 1)
  for (;;);
}

/** Parks until the field is set; tells before that it has begun. */
export async function parkUntil(field: string): Promise<number> {
  await signals.add(`${field} begun`, 1)
  await signals.waitFor(field, (value) => value === 1)
  return context().thread
}

export function blockUntil(field: string): number {
  blocking.add(`${field} begun`, 1)
  blocking.waitFor(field, (value) => value === 1)
  return context().thread
}

/** Waits for its signal, as any asynchronous code would. */
export async function waitForAbort(started: string): Promise<string> {
  const { signal } = context()
  await signals.set(started, 1)
  await untilAborted(signal)
  await signals.set(`${started} aborted`, 1)
  throw signal.reason
}

/** Hears that it is to stop, and takes so long to. */
export async function stopSlowly(started: string, ms: number): Promise<void> {
  const { signal } = context()
  await signals.set(started, 1)
  await untilAborted(signal)
  await sleep(ms)
  await signals.set(`${started} stopped`, 1)
}

/** Sleeps without the hub's help. */
export async function sleep(ms: number): Promise<number> {
  await new Promise((resolve) => setTimeout(resolve, ms))
  return context().thread
}

/** Sleeps without the hub's help, again and again until so many routines have begun to. */
export async function sleepUntil(field: string, sleepers: number): Promise<number> {
  await signals.add(field, 1)
  do await new Promise((resolve) => setTimeout(resolve, 100))
  while ((blocking.get(field) ?? 0) < sleepers)
  return context().thread
}

/** Awaits what will never come, and hears of nothing. */
export async function parkForEver(started: string): Promise<never> {
  await signals.set(`${started} thread`, context().thread)
  await signals.set(started, 1)
  return new Promise<never>(() => {})
}

export async function failUntil(attempt: number): Promise<number> {
  if (context().attempt < attempt) throw new RangeError(`attempt ${context().attempt}`)
  return context().attempt
}

export function exitUntil(attempt: number): number {
  if (context().attempt < attempt) process.exit(3)
  return context().attempt
}

export async function askChild(left: number, right: number): Promise<[number, number]> {
  const child = goaway(add, left, right)
  return [child.id, await child]
}

/** Starts a child that waits to be stopped, and then never ends itself. */
export async function parentThatSpins(started: string, stopMs: number): Promise<void> {
  const child = goaway.with({ graceMs: 60_000 })(stopSlowly, `${started} child`, stopMs)
  child.catch(() => {})
  await signals.waitFor(`${started} child`, (value) => value === 1)
  spinForEver(started)
}

/** Never releases what it holds. */
export function holdAndSpin(lock: string): void {
  BlockingLock(lock).acquire()
  spinForEver(lock)
}

export function* count(to: number): Generator<number, string> {
  for (let number = 0; number < to; number++) yield number
  return 'counted'
}

export async function* countLater(to: number): AsyncGenerator<number, string> {
  for (let number = 0; number < to; number++) {
    await signals.keys()
    yield number
  }
  return 'counted'
}

/** Tells how far it is, and when it cleans up. */
export function* produce(field: string): Generator<number> {
  try {
    for (let number = 1; ; number++) {
      blocking.set(field, number)
      yield number
    }
  } finally {
    blocking.set(`${field} cleaned`, 1)
  }
}

export async function* produceLater(field: string): AsyncGenerator<number> {
  try {
    for (let number = 1; ; number++) {
      await signals.set(field, number)
      yield number
    }
  } finally {
    await signals.set(`${field} cleaned`, 1)
  }
}

export function* failAfter(values: number): Generator<number> {
  for (let number = 0; number < values; number++) yield number
  throw new RangeError(`attempt ${context().attempt} failed after ${values}`)
}

export function* yieldFunction(field: string): Generator<unknown> {
  try {
    yield 1
    yield () => 1
  } finally {
    blocking.set(`${field} cleaned`, 1)
  }
}

interface Tree {
  readonly value: number
  /** Threads that any part of it ran on. */
  readonly threads: readonly number[]
}

export async function fibonacci(n: number): Promise<Tree> {
  const { thread } = context()
  if (n < 2) return { value: n, threads: [thread] }
  const [one, two] = await Promise.all([goaway(fibonacci, n - 1), goaway(fibonacci, n - 2)])
  const threads = [...new Set([...one.threads, ...two.threads, thread])]
  return { value: one.value + two.value, threads }
}

interface Sorted {
  readonly values: readonly number[]
  readonly threads: readonly number[]
}

/** Forks both halves until `depth` is 0. */
export async function quicksort(values: readonly number[], depth: number): Promise<Sorted> {
  const { thread } = context()
  const [pivot] = values
  if (pivot === undefined || depth === 0) {
    return { values: [...values].sort((one, two) => one - two), threads: [thread] }
  }
  const rest = values.slice(1)
  const [low, high] = await Promise.all([
    goaway(
      quicksort,
      rest.filter((value) => value < pivot),
      depth - 1,
    ),
    goaway(
      quicksort,
      rest.filter((value) => value >= pivot),
      depth - 1,
    ),
  ])
  const threads = [...new Set([...low.threads, ...high.threads, thread])]
  return { values: [...low.values, pivot, ...high.values], threads }
}
