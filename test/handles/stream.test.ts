/** Generators as routines, on one running thread, so that a parked generator shows. */

import { type GoawayError, goaway, init, type RoutineStream, shutdown } from 'goaway'
import t from 'tap'
import { streamCredit } from '../../lib/limits.ts'
import {
  count,
  countLater,
  failAfter,
  produce,
  produceLater,
  signals,
  spin,
  tellContext,
  threadOf,
  yieldFunction,
} from './routines.ts'
import { SlowGate } from './slow-gate.ts'
import { slowCount } from './slow-module.ts'

const slowGate = new SlowGate()
await init({ threads: 1, threadsMax: 1 })
t.teardown(() => shutdown({ graceMs: 0 }))

async function collect<V>(stream: AsyncIterable<V>): Promise<V[]> {
  const values: V[] = []
  for await (const value of stream) values.push(value)
  return values
}

async function codeOf(promise: PromiseLike<unknown>): Promise<string> {
  try {
    await promise
  } catch (error) {
    return (error as GoawayError).code
  }
  throw new Error('It did not fail')
}

const numbers = (to: number): number[] => Array.from({ length: to }, (_, index) => index)

t.test('A generator streams its values, typed, in order', async (t) => {
  const stream: RoutineStream<number> = goaway(count, 1_000)
  t.same(await collect(stream), numbers(1_000))
  t.equal(stream.status, 'done')
  t.same(await stream.next(), { done: true, value: undefined }, 'and then it is over')
  t.same(await collect(goaway(count, 0)), [])
})

t.test('An asynchronous generator does, too', async (t) => {
  t.same(await collect(goaway(countLater, 50)), numbers(50))
})

t.test('next() gives what the generator returns once, after its values', async (t) => {
  const stream = goaway(count, 1)
  const results = await Promise.all([stream.next(), stream.next(), stream.next()])
  t.same(results, [
    { done: false, value: 0 },
    { done: true, value: 'counted' },
    { done: true, value: undefined },
  ])
})

for (const [how, generator] of [
  ['A generator', produce],
  ['An asynchronous generator', produceLater],
] as const) {
  t.test(`${how} runs ahead of its reader by its credit, and then waits`, async (t) => {
    const field = `${how} ahead`
    const stream = goaway(generator, field)
    t.same(await stream.next(), { done: false, value: 1 })
    await signals.waitFor(field, (value) => value === streamCredit)
    // Another routine gets the only thread: the generator is parked.
    await goaway(threadOf)
    t.equal(await signals.get(field), streamCredit)
    for (let taken = 2; taken <= streamCredit / 2; taken++) await stream.next()
    await signals.waitFor(field, (value) => value === streamCredit * 1.5)
    await goaway(threadOf)
    t.equal(await signals.get(field), streamCredit * 1.5, 'credit comes back by halves')
    await stream.return()
  })

  t.test(`${how} runs its finally blocks when its reader leaves the loop`, async (t) => {
    const field = `${how} left`
    const stream = goaway(generator, field)
    for await (const value of stream) if (value === 3) break
    t.equal(await signals.get(`${field} cleaned`), 1)
    t.same(await stream.next(), { done: true, value: undefined })
  })

  t.test(`${how} that waits for its reader is ended by cancel, and its thread lives`, async (t) => {
    const field = `${how} cancelled`
    const thread = await goaway(threadOf)
    const stream = goaway.with({ graceMs: Infinity })(generator, field)
    await signals.waitFor(field, (value) => value === streamCredit)
    stream.cancel()
    await signals.waitFor(`${field} cleaned`, (value) => value === 1)
    const values: number[] = []
    const reading = (async () => {
      for await (const value of stream) values.push(value)
    })()
    t.equal(await codeOf(reading), 'ERR_GOAWAY_CANCELLED')
    t.equal(stream.status, 'cancelled')
    t.same(
      values,
      numbers(values.length).map((value) => value + 1),
      'those that had come',
    )
    t.equal(await goaway(threadOf), thread)
  })
}

t.test('An error comes after the values before it', async (t) => {
  const stream = goaway(failAfter, 3)
  const values: number[] = []
  await t.rejects(
    async () => {
      for await (const value of stream) values.push(value)
    },
    { name: 'RangeError', message: 'attempt 1 failed after 3' },
  )
  t.same(values, [0, 1, 2])
  t.equal(stream.status, 'failed')
})

t.test('retries begins a generator again only if no value of it was sent', async (t) => {
  const order = goaway.with({ retries: 1, idempotent: true })
  await t.rejects(collect(order(failAfter, 0)), { message: 'attempt 2 failed after 0' })
  await t.rejects(collect(order(failAfter, 2)), { message: 'attempt 1 failed after 2' })
})

t.test('A value that cannot be sent fails the stream, and the generator cleans up', async (t) => {
  const stream = goaway(yieldFunction, 'bad value')
  t.same(await stream.next(), { done: false, value: 1 })
  t.equal(await codeOf(stream.next()), 'ERR_GOAWAY_VALUE')
  t.equal(await signals.get('bad value cleaned'), 1)
})

t.test('return() before the first value ends the stream, queued, loading or begun', async (t) => {
  const blocker = goaway.with({ graceMs: Infinity })(spin, 'occupied', 'cancelled')
  await signals.waitFor('occupied', (value) => value === 1)
  const queued = goaway(produce, 'returned while queued')
  await queued.return()
  t.equal(queued.status, 'cancelled', 'it needed no thread for that')
  blocker.cancel()
  await blocker.catch(() => {})
  t.equal(await signals.get('returned while queued'), undefined)

  const loading = goaway.with({ timeoutMs: 60_000 })(slowCount)
  while (loading.status === 'queued') await new Promise(setImmediate)
  const returned = loading.return('mine')
  await signals.keys()
  slowGate.open()
  t.same(await returned, { done: true, value: 'mine' })
  t.same(await loading.next(), { done: true, value: undefined })
})

t.test('A stream that was refused rejects its first reader', async (t) => {
  const stream = goaway.with({ signal: AbortSignal.abort() })(count, 1)
  t.equal(await codeOf(stream.next()), 'ERR_GOAWAY_CANCELLED')
  t.same(await stream.next(), { done: true, value: undefined })
})

t.test('Many streams at a time, on one thread, end', async (t) => {
  const streams = Array.from({ length: 20 }, () => collect(goaway(countLater, 40)))
  for (const values of await Promise.all(streams)) t.same(values, numbers(40))
  t.equal((await goaway(tellContext)).attempt, 1)
})
