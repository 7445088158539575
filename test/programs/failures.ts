/** Routines that fail in every way, each told as its caller sees it. */
import process from 'node:process'
import {
  context,
  GoawayError,
  goaway,
  init,
  isSpawner,
  Lock,
  StrictCentralized,
  shutdown,
} from 'goaway'
import { Lock as BlockingLock } from 'goaway/sync'
import { tell, tellHow } from './tell.ts'

const gate = StrictCentralized<{ open: boolean; parked: number }>('gate')

class OutOfStock extends RangeError {}

export function throws(): void {
  throw new TypeError('thrown in a routine')
}

export async function rejects(): Promise<void> {
  await null
  throw new RangeError('rejected in a routine')
}

const nonErrors: unknown[] = [undefined, null, 'text', 42, 10n, Symbol('s'), { a: [1] }, () => 1]

export function throwsNonError(index: number): void {
  throw nonErrors[index]
}

export function rejectsNonError(): Promise<never> {
  return Promise.reject('a text')
}

export function throwsWithProperties(): void {
  const cause = new SyntaxError('the reason', { cause: 'its reason' })
  throw Object.assign(new OutOfStock('none left', { cause }), {
    code: 'ENOENT',
    errno: -2,
    detail: { shelf: [3, { row: 4 }] },
    when: new Date(0),
    retry() {},
  })
}

export function throwsAggregate(): Promise<unknown> {
  return Promise.any([Promise.reject(new TypeError('first')), Promise.reject(new Error('second'))])
}

export function throwsGoawayError(): void {
  throw new GoawayError('ERR_GOAWAY_LIMIT', 'enough')
}

export async function throwsOfChild(): Promise<void> {
  await goaway(throws)
}

export function returnsFunction(): unknown {
  return { deep: [() => 1] }
}

export function* yieldsThenThrows(): Generator<number> {
  yield 1
  throw new TypeError('thrown by a generator')
}

export function exits(code: number): void {
  process.exit(code)
}

export async function exitsLater(): Promise<void> {
  await null
  process.exit(3)
}

export function throwsFromTimer(): Promise<void> {
  setTimeout(() => {
    throw new TypeError('thrown by a timer')
  })
  return new Promise(() => {})
}

export function rejectsUnhandled(): Promise<void> {
  void Promise.reject(new RangeError('nobody awaits this'))
  return new Promise(() => {})
}

export function throwsFromEmitter(): Promise<void> {
  queueMicrotask(() => {
    throw new TypeError('thrown by a microtask')
  })
  return new Promise(() => {})
}

export async function neighbour(): Promise<string> {
  await gate.add('parked', 1)
  await gate.waitFor('open')
  return 'unharmed'
}

export function loops(): void {
  for (;;);
}

export function loopsUntilCancelled(): string {
  const me = context()
  while (!me.cancelled);
  return 'saw it'
}

export async function holdsAndExits(): Promise<void> {
  await Lock('held by one that exits').acquire()
  process.exit(1)
}

let isSecond = false
const left: string[] = []

async function acquireAsLeft(): Promise<void> {
  const locks = [Lock('left'), BlockingLock('left')]
  for (const lock of locks) {
    try {
      await lock.acquire()
      left.push('acquired')
    } catch (error) {
      left.push((error as GoawayError).code)
    }
  }
}

/** What the first attempt leaves behind does its worst while the second one runs. */
export async function failsFirst(): Promise<string[]> {
  if (context().attempt === 1) {
    const leave = (): void => {
      if (!isSecond) return void setTimeout(leave, 1)
      void acquireAsLeft()
      setTimeout(() => left.push('went on'), 1)
      throw new Error('left by the first attempt')
    }
    leave()
    throw new RangeError('the first attempt')
  }
  isSecond = true
  while (left.length < 3) await new Promise((resolve) => setTimeout(resolve, 1))
  return left.sort()
}

async function retrying(): Promise<void> {
  await init({ threads: 1, threadsMax: 1 })
  await tellHow('retried', () => goaway.with({ retries: 1, idempotent: true })(failsFirst))
}

async function tellNeighbours(what: string, culprit: () => Promise<unknown>): Promise<void> {
  await gate.delete('open')
  await gate.set('parked', 0)
  const neighbours = Promise.allSettled([goaway(neighbour), goaway(neighbour)])
  await gate.waitFor('parked', (parked) => parked === 2)
  await tellHow(what, () => goaway(culprit))
  await gate.set('open', true)
  const settled = await neighbours
  tell({ what: `neighbours when one ${what}`, settled: settled.map(outcome) })
}

function outcome(settled: PromiseSettledResult<string>): unknown {
  if (settled.status === 'fulfilled') return settled.value
  const { code, message, maybeExecuted } = settled.reason as GoawayError
  return { code, message, maybeExecuted }
}

async function throwing(): Promise<void> {
  await tellHow('throws', () => goaway(throws))
  await tellHow('rejects', () => goaway(rejects))
  for (const index of nonErrors.keys()) {
    await tellHow(`throws non-error ${index}`, () => goaway(throwsNonError, index))
  }
  await tellHow('rejects non-error', () => goaway(rejectsNonError))
  await tellHow('throws with properties', () => goaway(throwsWithProperties))
  await tellHow('throws an aggregate', () => goaway(throwsAggregate))
  await tellHow('throws a GoawayError', () => goaway(throwsGoawayError))
  await tellHow('throws of a child', () => goaway(throwsOfChild))
  await tellHow('retried', () => goaway.with({ retries: 2, idempotent: true })(throws))
  await tellHow('returns a function', () => goaway(returnsFunction))
  await tellHow('generator throws', async () => {
    const seen: number[] = []
    for await (const value of goaway(yieldsThenThrows)) tell({ value: seen.push(value) })
  })
}

async function ending(): Promise<void> {
  await tellHow('exits', () => goaway(exits, 0))
  await tellHow('exits with a code', () => goaway(exits, 7))
  await tellHow('exits later', () => goaway(exitsLater))
  await tellHow('holds a lock and exits', () => goaway(holdsAndExits))
  await tellHow('its lock', async () => {
    const held = await Lock('held by one that exits').acquire({ timeoutMs: 60_000 })
    held.release()
  })
  await tellHow('loops', () => goaway.with({ timeoutMs: 50, graceMs: 20 })(loops))
  await tellHow('loops until cancelled', () => goaway.with({ timeoutMs: 50 })(loopsUntilCancelled))
  await tellHow('works afterwards', () => goaway(loopsNot))
}

export function loopsNot(): string {
  return 'works'
}

/** With one thread, which all routines share while they are parked. */
async function sharing(): Promise<void> {
  await init({ threads: 1, threadsMax: 1 })
  await tellNeighbours('throws from a timer', throwsFromTimer)
  await tellNeighbours('leaves a rejection unhandled', rejectsUnhandled)
  await tellNeighbours('throws from a microtask', throwsFromEmitter)
  await tellNeighbours('exits beside others', exitsLater)
  await shutdown()
}

if (isSpawner) {
  switch (process.argv[2]) {
    case 'throwing':
      await throwing()
      break
    case 'ending':
      await ending()
      break
    case 'retrying':
      await retrying()
      break
    case 'sharing':
      await sharing()
      break
  }
}
