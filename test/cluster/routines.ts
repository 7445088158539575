/** What the tests of routines on a cluster run at its nodes. */
import { readFileSync } from 'node:fs'
import process from 'node:process'
import { Lock as AsyncLock, context, goaway, isSpawner, StrictCentralized } from 'goaway'
import { StrictCentralized as Blocking, Lock } from 'goaway/sync'
import { untilAborted } from '../handles/until-aborted.ts'

export const signs = StrictCentralized<Record<string, unknown>>('cluster signs')
const blocking = Blocking<Record<string, unknown>>('cluster signs')

export interface Whereabouts {
  readonly node: string
  readonly thread: number
  readonly attempt: number
  readonly id: number
  readonly pid: number
  readonly isSpawner: boolean
}

export function tellWhere(): Whereabouts {
  const { node, thread, attempt, id } = context()
  return { node, thread, attempt, id, pid: process.pid, isSpawner }
}

/** Starts a routine at each of those nodes, one from within the other. */
export async function visit(path: readonly string[]): Promise<string[]> {
  const [next, ...rest] = path
  const here = context().node
  if (next === undefined) return [here]
  return [here, ...(await goaway.with({ on: next })(visit, rest))]
}

class OutOfPaper extends RangeError {}

export function throwOwn(): never {
  const error = new OutOfPaper('no paper left', { cause: new TypeError('the reason') })
  throw Object.assign(error, { code: 'EPAPER', tray: { sheets: 0 } })
}

export async function failAtChild(on: string): Promise<void> {
  await goaway.with({ on })(throwOwn)
}

export function readLicense(): string {
  return readFileSync(new URL('../../../LICENSE', import.meta.url), 'utf8')
}

/** Adds under the lock, and starts as many of its own kind elsewhere as `depth` says. */
export async function countDown(depth: number): Promise<number> {
  {
    using _held = Lock('cluster count').acquire()
    blocking.count = ((blocking.count as number | undefined) ?? 0) + 1
  }
  if (depth === 0) return 1
  const children = [goaway(countDown, depth - 1), goaway(countDown, depth - 1)]
  const [one, other] = await Promise.all(children)
  return (one ?? 0) + (other ?? 0) + 1
}

/** Says how many values it has made; each yield waits for credit. */
export function* produce(field: string): Generator<number> {
  try {
    for (let value = 1; ; value++) {
      blocking[field] = value
      yield value
    }
  } finally {
    blocking[`${field} over`] = true
  }
}

/** Reads only a few values of a stream of another node. */
export async function readSome(on: string, field: string, most: number): Promise<number[]> {
  const values: number[] = []
  for await (const value of goaway.with({ on })(produce, field)) {
    values.push(value)
    if (values.length === most) break
  }
  return values
}

/** Its error arises when nobody can catch it. */
export function throwLater(): Promise<never> {
  setTimeout(() => {
    throw new RangeError('thrown later')
  }, 0)
  return new Promise(() => {})
}

/** A routine that is cancelled still has a word to say: on a busy machine that takes a while. */
export const graceMs = 60_000

export async function waitForAbort(field: string): Promise<void> {
  const { signal } = context()
  await signs.set(field, context().node)
  await untilAborted(signal)
  await signs.set(`${field} aborted`, true)
  throw signal.reason
}

/** A child at another node is cancelled with it, by its signal. */
export async function waitForChild(on: string, field: string): Promise<void> {
  await goaway.with({ on, graceMs, signal: context().signal })(waitForAbort, field)
}

/** Nobody is told when it is stopped, which may be by force, but whoever waits for the lock. */
export async function holdLock(name: string): Promise<void> {
  await AsyncLock(name).acquire()
  await signs.set(name, context().node)
  await untilAborted(context().signal)
}

/** Does not pass on that it is cancelled. */
export async function leaveChild(on: string, lock: string): Promise<void> {
  await goaway.with({ on })(holdLock, lock)
}

export async function callHidden(): Promise<unknown> {
  try {
    return await goaway(hidden)
  } catch (error) {
    return (error as { code: string }).code
  }
}

function hidden(): number {
  return 1
}
