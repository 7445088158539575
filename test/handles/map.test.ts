/** `map`: what it returns, its options, its errors, and that nothing of it is left running. */
import { type GoawayError, init, type MapError, map, shutdown } from 'goaway'
import t from 'tap'
import {
  countAndWait,
  die,
  dieFirst,
  failAtSevens,
  failFirst,
  failInside,
  failOnceOthersRun,
  giveFunction,
  hangAtFirst,
  hangAtSeven,
  nested,
  pair,
  runUntilCancelled,
  seen,
  spin,
  square,
  squareLater,
  sumOfSquares,
  tellRoutine,
  underLock,
} from './map-routines.ts'

const cluster = await init({ threads: 2 })
t.teardown(() => shutdown({ graceMs: 0 }))
t.beforeEach(async () => {
  for (const field of ['runs', 'calls', 'stopped', 'hung', 'go']) await seen.delete(field)
})

const numbers = (count: number): number[] => Array.from({ length: count }, (_, at) => at)
/** One item a routine, which has time to stop by itself on a busy machine. */
const patient = { chunkSize: 1, graceMs: 60_000 }
const squares = (count: number): number[] => numbers(count).map((one) => one * one)

async function failureOf(promise: PromiseLike<unknown>): Promise<GoawayError> {
  try {
    await promise
  } catch (error) {
    return error as GoawayError
  }
  throw new Error('It did not fail')
}

async function* later<T>(items: Iterable<T>): AsyncGenerator<T> {
  for (const item of items) {
    await Promise.resolve()
    yield item
  }
}

/** Counts how many were drawn, and whether it was closed. */
class Endless implements IterableIterator<number> {
  drawn = 0
  isClosed = false
  next(): IteratorResult<number, undefined> {
    return { done: false, value: this.drawn++ }
  }
  return(): IteratorResult<number, undefined> {
    this.isClosed = true
    return { done: true, value: undefined }
  }
  [Symbol.iterator](): this {
    return this
  }
}

async function collect<R>(results: AsyncIterable<R>): Promise<R[]> {
  const values: R[] = []
  for await (const value of results) values.push(value)
  return values
}

t.test('map() resolves to the results, in the order of the items', async (t) => {
  const results: number[] = await map(square, numbers(20_000))
  t.same(results, squares(20_000))
  t.same(await map(squareLater, numbers(1_000)), squares(1_000), 'of an async function too')
  t.same(await map(square, []), [])
  t.same(await map(square, new Set([1, 2, 3])), [1, 4, 9])
  t.same(await map(square, new Float64Array([1, 2])), [1, 4])
  t.same(await map(pair, ['a', 'b', 'c']), [
    ['a', 0],
    ['b', 1],
    ['c', 2],
  ])
})

t.test('map() is an async iterable of the results', async (t) => {
  t.same(await collect(map(square, numbers(20_000))), squares(20_000))
  t.same(await collect(map(square, later(numbers(500)))), squares(500))
  t.same(await collect(map(square, [])), [])
  const reader = map(square, [3, 4])[Symbol.asyncIterator]()
  t.same(await Promise.all([reader.next(), reader.next(), reader.next(), reader.next()]), [
    { done: false, value: 9 },
    { done: false, value: 16 },
    { done: true, value: undefined },
    { done: true, value: undefined },
  ])
})

t.test('map() is either awaited or iterated', async (t) => {
  const awaited = map(square, [1])
  const promise = awaited.then((values) => values)
  t.throws(() => awaited[Symbol.asyncIterator](), { code: 'ERR_GOAWAY_UNSUPPORTED' })
  t.same(await promise, [1])
  const read = map(square, [1])
  t.same(await collect(read), [1])
  await t.rejects(read, { code: 'ERR_GOAWAY_UNSUPPORTED' })
})

t.test('Every value that a routine takes is an item, and a result', async (t) => {
  const items = [undefined, null, -0, Number.NaN, 5n, 'text', { a: [1] }, new Map([[1, 2]])]
  t.strictSame(
    (await map(pair, items)).map(([value]) => value),
    items,
  )
  const large = numbers(40).map((fill) => new Uint8Array(100_000).fill(fill))
  const arrived = (await map(pair, large)) as [Uint8Array, number][]
  t.equal(arrived.length, 40)
  t.ok(arrived.every(([bytes, index]) => Buffer.compare(bytes, large[index] as Uint8Array) === 0))
})

t.test('order: completion gives what is over first', async (t) => {
  const reader = map(hangAtSeven, [7, 1, 2, 3], { ...patient, order: 'completion' })
  const values: number[] = []
  for await (const value of reader) {
    values.push(value)
    if (values.length === 3) break
  }
  t.same(new Set(values), new Set([1, 2, 3]))
  t.equal(await seen.get('stopped'), 1, 'who leaves the loop has cancelled the rest')
})

t.test('An infinite iterable is drawn from as there is room', async (t) => {
  const endless = new Endless()
  const first: number[] = []
  for await (const value of map(square, endless, { chunkSize: 10, concurrency: 3 })) {
    first.push(value)
    t.ok(endless.drawn <= first.length + 10 * (3 * 2 + 1), `${endless.drawn} drawn`)
    if (first.length === 500) break
  }
  t.same(first, squares(500))
  t.ok(endless.isClosed)
})

t.test('An infinite async iterable is closed as well', async (t) => {
  let isClosed = false
  async function* endless(): AsyncGenerator<number> {
    try {
      for (let next = 0; ; next++) yield next
    } finally {
      isClosed = true
    }
  }
  const first: number[] = []
  for await (const value of map(square, endless())) {
    first.push(value)
    if (first.length === 300) break
  }
  t.same(first, squares(300))
  t.ok(isClosed)
})

t.test('An item that comes slowly does not wait for those behind it', async (t) => {
  let next: (() => void) | undefined
  async function* slow(): AsyncGenerator<number> {
    for (let item = 0; item < 5; item++) {
      yield item
      await new Promise<void>((resolve) => {
        next = resolve
      })
    }
  }
  const values: number[] = []
  for await (const value of map(square, slow(), { chunkSize: 100 })) {
    values.push(value)
    next?.()
  }
  t.same(values, squares(5))
})

t.test('concurrency and chunkSize bound what is under way', async (t) => {
  const mapping = map(countAndWait, numbers(10), { concurrency: 3, chunkSize: 2 })
  await seen.waitFor('calls', (calls) => calls === 3)
  // A fourth chunk would have been sent before this one.
  t.same(await map(square, [3]), [9])
  t.equal(await seen.get('calls'), 3)
  await seen.set('go', true)
  t.same(await mapping, numbers(10))
  const routines = await map(tellRoutine, numbers(10), { chunkSize: 4 })
  t.same(new Set(routines).size, 3)
  t.same(new Set(routines.slice(4, 8)).size, 1)
})

t.test('Chunks grow while items are quick, and routines are few', async (t) => {
  const routines = await map(tellRoutine, numbers(50_000))
  const count = new Set(routines).size
  t.ok(count < 5_000, `${count} routines`)
})

t.test('onProgress tells how far it is', async (t) => {
  const told: unknown[] = []
  const onProgress = (progress: unknown) => told.push(progress)
  await map(square, numbers(5), { chunkSize: 2, concurrency: 1, onProgress })
  t.same(told, [
    { done: 2, total: 5 },
    { done: 4, total: 5 },
    { done: 5, total: 5 },
  ])
  await map(square, later([1]), { onProgress })
  t.same(told.at(-1), { done: 1 })
  const throwing = map(square, numbers(5), {
    onProgress: () => {
      throw new RangeError('enough')
    },
  })
  await t.rejects(throwing, { name: 'RangeError', message: 'enough' })
})

t.test('The first error ends it, names its item, and cancels the rest', async (t) => {
  const error = await failureOf(map(failAtSevens, [1, 2, 14, 3]))
  t.match(error, { name: 'RangeError', message: 'a seven: 14', value: 14, index: 2, node: 'local' })
  await t.rejects(map(failOnceOthersRun, [0, 1], patient), { message: 'the first' })
  t.equal(await seen.get('stopped'), 1, 'the other has stopped before it rejects')
  await t.rejects(collect(map(failAtSevens, [1, 7])), { message: 'a seven: 7', index: 1 })
})

t.test('onError: collect runs all items and tells each error', async (t) => {
  const items = numbers(30)
  const error = (await failureOf(map(failAtSevens, items, { onError: 'collect' }))) as MapError
  t.match(error, {
    code: 'ERR_GOAWAY_ITEMS',
    message: /5 of 30 failed; the first, index 0: a seven: 0/,
    cause: { message: 'a seven: 0' },
  })
  t.same(
    error.failures.map(({ index, error: one }) => [index, one.message]),
    [0, 7, 14, 21, 28].map((index) => [index, `a seven: ${index}`]),
  )
  t.equal(error.errors.length, 5)
  t.same(
    error.results,
    items.map((one) => (one % 7 === 0 ? undefined : one)),
  )
  const values: number[] = []
  const reading = (async () => {
    for await (const value of map(failAtSevens, items, { onError: 'collect' })) values.push(value)
  })()
  t.match(await failureOf(reading), { code: 'ERR_GOAWAY_ITEMS', results: [] })
  t.same(
    values,
    items.filter((one) => one % 7 !== 0),
  )
  t.match(await failureOf(map(failInside, [0])), { code: 'ERR_GOAWAY_ITEMS', errors: [{}, {}] })
})

t.test('What cannot be passed is refused with its index', async (t) => {
  const items = [1, 2, () => 3, 4] as unknown[]
  const refused = { code: 'ERR_GOAWAY_VALUE', index: 2, message: /item 2/ }
  await t.rejects(map(pair, items), refused)
  await t.rejects(map(pair, items, { chunkSize: 4 }), refused)
  await t.rejects(map(giveFunction, numbers(5), { chunkSize: 5 }), {
    ...refused,
    message: /result/,
  })
  const error = await failureOf(map(giveFunction, numbers(5), { onError: 'collect', chunkSize: 5 }))
  t.match(error, { failures: [{ index: 2 }], results: [0, 1, undefined, 3, 4] })
  const given = await failureOf(map(pair, items, { onError: 'collect', chunkSize: 4 }))
  t.match(given, { failures: [{ index: 2 }], results: [[1, 0], [2, 1], undefined, [4, 3]] })
})

t.test('A lost thread is the error of the items it had', async (t) => {
  const lost = { code: 'ERR_GOAWAY_THREAD_LOST', maybeExecuted: true }
  await t.rejects(map(die, numbers(6), { chunkSize: 1 }), { ...lost, index: 3 })
  const error = await failureOf(map(die, numbers(6), { chunkSize: 2, onError: 'collect' }))
  t.match(error, { failures: [{ index: 2 }, { index: 3, error: { ...lost, items: 2 } }] })
})

t.test('retries runs again what failed, and no more', async (t) => {
  const again = { idempotent: true, retries: 1 }
  t.same(await map(failFirst, numbers(6), { ...again, chunkSize: 3 }), [1, 2, 1, 2, 1, 2])
  t.same(await map(dieFirst, numbers(6), { ...again, chunkSize: 2 }), [1, 1, 2, 2, 1, 1])
  await t.rejects(map(failAtSevens, [7], again), { message: 'a seven: 7', attempt: 2, index: 0 })
  await t.rejects(map(failFirst, [1]), { message: 'first attempt of 1', attempt: 1 })
})

t.test('timeoutMs is that of one item', async (t) => {
  const late = map(spin, [0, 1], { timeoutMs: 50, graceMs: 0, concurrency: 1 })
  await t.rejects(late, { code: 'ERR_GOAWAY_TIMEOUT', index: 0 })
  const routines = await map(tellRoutine, numbers(20), { timeoutMs: 60_000 })
  t.equal(new Set(routines).size, 20)
})

t.test('hedge starts a second time what lags', async (t) => {
  const items = [1, 2, 3, 4, 5, 6, 7]
  const options = { ...patient, hedge: true, idempotent: true }
  t.same(await map(hangAtFirst, items, options), items)
  t.equal(await seen.get('hung'), 2)
  await seen.waitFor('stopped')
})

t.test('signal and cancel() end it, once what runs has stopped', async (t) => {
  const abort = new AbortController()
  const signalled = map(runUntilCancelled, new Endless(), {
    ...patient,
    signal: abort.signal,
  })
  await seen.waitFor('runs', (runs) => runs === 4)
  abort.abort(new Error('enough'))
  await t.rejects(signalled, { code: 'ERR_GOAWAY_CANCELLED', cause: { message: 'enough' } })
  t.equal(await seen.get('stopped'), 4)
  const stubborn = map(spin, [1, 2, 3], { graceMs: 0 })
  stubborn.cancel('no more')
  await t.rejects(stubborn, { code: 'ERR_GOAWAY_CANCELLED', cause: 'no more' })
  const none = new Endless()
  await t.rejects(map(square, none, { signal: AbortSignal.abort() }), {
    code: 'ERR_GOAWAY_CANCELLED',
  })
  t.equal(none.drawn, 0)
})

t.test('What the items throw, it rejects with', async (t) => {
  function* failing(): Generator<number> {
    yield 1
    throw new RangeError('no more items')
  }
  await t.rejects(map(square, failing()), { message: 'no more items' })
  await t.rejects(map(square, later(failing())), { message: 'no more items' })
})

t.test('In a routine it works as well', async (t) => {
  t.same(await map(sumOfSquares, [10, 100]), [285, 328350])
  t.same(await map(nested, [0, 1, 2]), [0, 1, 2], 'a function knows its own address')
  t.same(await map(underLock, numbers(20), { chunkSize: 5 }), numbers(20))
  t.equal(await seen.get('calls'), 20)
})

t.test('Wrong input is refused at once, with what was received', async (t) => {
  const wrong = (fn: unknown, items: unknown, options: unknown, message: RegExp): void => {
    t.throws(() => map(fn as never, items as never, options as never), {
      name: 'TypeError',
      message,
    })
  }
  wrong(5, [], {}, /fn must be an exported function: 5/)
  wrong(later, [], {}, /generator function returns many: \[AsyncGeneratorFunction: later\]/)
  wrong(square, 5, {}, /items must be iterable, or async iterable: 5/)
  wrong(square, undefined, {}, /items must be .*: undefined/)
  wrong(square, [], 5, /map\(\) takes an object of options: 5/)
  wrong(square, [], { size: 5 }, /Unknown option of map\(\): size; there are order, concurrency/)
  wrong(square, [], { order: 'any' }, /order has to be 'input' or 'completion': 'any'/)
  wrong(square, [], { concurrency: 0 }, /concurrency has to be a whole number from 1 to \d+: 0/)
  wrong(square, [], { chunkSize: 1.5 }, /chunkSize has to be a whole number .*: 1.5/)
  wrong(square, [], { onProgress: true }, /onProgress has to be a function: true/)
  wrong(square, [], { onError: 'skip' }, /onError has to be 'stop' or 'collect': 'skip'/)
  wrong(square, [], { signal: 1 }, /signal has to be an AbortSignal: 1/)
  wrong(square, [], { hedge: 1 }, /hedge has to be a boolean: 1/)
  wrong(square, [], { hedge: true }, /hedge needs idempotent: true/)
  wrong(square, [], { retries: 1 }, /retries needs idempotent: true.*: 1/)
  wrong(square, [], { timeoutMs: 9, chunkSize: 2 }, /chunkSize has to be 1 with it: 2/)
  wrong(square, [], { transfer: [] }, /Unknown option of map\(\): transfer/)
  await t.rejects(
    map((value: number) => value, [1]),
    { code: 'ERR_GOAWAY_FUNCTION_NOT_EXPORTED' },
  )
})

t.test('Nothing of it is left', async (t) => {
  // Of a chunk that was started twice, the slower routine stops after the end of its map.
  const until = performance.now() + 60_000
  let [stats] = await cluster.stats()
  while (stats?.running !== 0 && performance.now() < until) [stats] = await cluster.stats()
  t.match(stats, { running: 0, waiting: 0 })
})
