/** `put` in one process: what a ref gives, where it may go, and when its value is freed. */
import { inspect } from 'node:util'
import { goaway, init, map, put, type Ref, StrictCentralized, shutdown } from 'goaway'
import { read } from 'goaway/sync'
import t, { type Test } from 'tap'
import {
  collect,
  getKeptApart,
  keep,
  kindOf,
  letKeptGoApart,
  nothing,
  nowAndLater,
  putAndExit,
  putHere,
  putInside,
  readSum,
  readWithin,
  refSquares,
  sumOf,
  writeOwn,
  writeShared,
} from './put-routines.ts'

const threads = 2
const cluster = await init({ threads, threadsMax: threads })
t.teardown(() => shutdown({ graceMs: 0 }))

/** Values that the process has, and their bytes. */
async function held(): Promise<{ refs: number; refBytes: number }> {
  const [{ refs, refBytes } = { refs: -1, refBytes: -1 }] = await cluster.stats()
  return { refs, refBytes }
}

/** Looks until nothing is held: what has let go is told of by messages that are on their way. */
async function whenFree(t: Test): Promise<void> {
  const until = performance.now() + 60_000
  while ((await held()).refs > 0 && performance.now() < until) {
    await Promise.all([collect(), goaway(collect), goaway(collect)])
  }
  t.same(await held(), { refs: 0, refBytes: 0 })
}

const floats = (length: number): Float64Array => new Float64Array(length).fill(0.5)

t.test('A routine reads what was put, blocking or not', async (t) => {
  using ref = put(floats(10_000))
  t.equal(await goaway(sumOf, ref), 5_000)
  t.equal(await goaway(readSum, ref), 5_000)
  t.same(await ref.get(), floats(10_000))
  t.same(read(ref), floats(10_000))
  for (const value of [1, 'text', null, undefined, -0, 2n ** 70n, [1, { a: [] }]]) {
    using small = put(value)
    t.same(await small.get(), value)
  }
})

t.test('Plain values are frozen and decoded once in a thread; others are copies', async (t) => {
  const plain = { name: 'Object', frozen: true, same: true }
  t.same(await goaway(kindOf, put({ a: [1, { b: 2 }] })), plain)
  t.same(await goaway(kindOf, put(floats(10))), {
    name: 'Float64Array',
    frozen: false,
    same: false,
  })
  t.same(await goaway(kindOf, put(new Map([[1, 2]]))), { name: 'Map', frozen: false, same: false })
  using ref = put({ rows: 2, data: floats(10_000), buffer: Buffer.alloc(20_000, 'x') })
  const { data, buffer } = await ref.get()
  t.ok(data.buffer instanceof ArrayBuffer && Buffer.isBuffer(buffer))
  t.equal(await goaway(writeOwn, ref), 9)
  t.equal((await ref.get()).data[0], 0.5, 'what one writes to its copy nobody else sees')
})

t.test('Ref.get() with shared gives the very memory that all threads share', async (t) => {
  using ref = put({ rows: 2, data: floats(10_000), buffer: Buffer.alloc(20_000, 'x') })
  const { data, buffer } = await ref.get({ shared: true })
  t.ok(data.buffer instanceof SharedArrayBuffer)
  t.equal(buffer.toString('latin1', 19_998), 'xx')
  await goaway(writeShared, ref, 7)
  t.equal(data[0], 7)
  t.equal((await ref.get()).data[0], 7)
  await t.rejects(ref.get({ shared: 1 as never }), {
    name: 'TypeError',
    message: /^Option shared .*: 1$/,
  })
})

t.test('Shared is what has more than 64 KiB, also for the thread that put it', async (t) => {
  using larger = put({ rows: 1, data: floats(8_193) })
  const { data } = await larger.get({ shared: true })
  await goaway(writeShared, larger, 7)
  t.equal(data[0], 7)
  using smaller = put({ rows: 1, data: floats(8_192) })
  const own = await smaller.get({ shared: true })
  t.ok(own.data.buffer instanceof ArrayBuffer)
  await goaway(writeShared, smaller, 7)
  t.equal((await smaller.get({ shared: true })).data[0], 0.5)
})

t.test('put() takes the value as it is now, and refuses what cannot be passed', async (t) => {
  const value = { list: [1], bytes: new Uint8Array(20_000) }
  using ref = put(value)
  value.list.push(2)
  value.bytes[0] = 1
  const { list, bytes } = await ref.get()
  t.same([list, bytes[0]], [[1], 0])
  const code = 'ERR_GOAWAY_VALUE'
  t.throws(() => put({ a: () => 1 }), { code, message: /^value\.a is a function/ })
  t.throws(() => put(new SharedArrayBuffer(8)), { code, message: /^value is shared memory/ })
  t.throws(() => put([ref]), { code, message: /^value\[0\] is a Ref; .*keep the value itself/ })
})

t.test('Refs go anywhere in arguments, items and results, and come back', async (t) => {
  using ref = put('x'.repeat(100_000))
  const within = { deep: [new Map([['ref', ref]])], same: ref }
  t.same(await goaway(readWithin, within), [100_000, true])
  t.same(
    await map(refSquares, [
      [ref, 2],
      [ref, 3],
    ] as [Ref<string>, number][]),
    [200_000, 300_000],
  )
  const retried = goaway.with({ retries: 1, idempotent: true })(readWithin, within)
  t.same(await retried, [100_000, true])
  const large = { ...within, more: new Uint8Array(100_000) }
  t.same(await goaway(readWithin, large), [100_000, true], 'beside what goes by a port')
  const given = await goaway(putHere, [1, 2])
  t.same(await given.get(), [1, 2])
  const inside = await goaway(putInside, 'y')
  t.equal(await inside.refs[0]?.get(), 'y')
  const streamed: unknown[] = []
  for await (const one of goaway(nowAndLater, ref)) streamed.push(await one.get())
  t.same(streamed, ['x'.repeat(100_000), 'x'.repeat(100_000)])
  given.release()
  inside.refs[0]?.release()
})

t.test('A ref that nobody could follow is refused', async (t) => {
  using ref = put(1)
  const s = StrictCentralized<Record<string, unknown>>('put')
  const message = /is a Ref; nobody would know how long it is wanted/
  await t.rejects(s.set('ref', ref), { code: 'ERR_GOAWAY_VALUE', message })
  await t.rejects(s.set('deep', { list: [ref] }), { code: 'ERR_GOAWAY_VALUE', message })
})

t.test('Ref.release() ends the one object, and the last one frees the value', async (t) => {
  await whenFree(t)
  const ref = put(floats(10_000))
  const { refs, refBytes } = await held()
  t.equal(refs, 1)
  t.ok(refBytes >= 80_000)
  t.match(inspect(ref), /^Ref { \d+ }$/)
  ref.release()
  ref.release()
  t.match(inspect(ref), /^Ref { \d+, released }$/)
  t.same(await held(), { refs: 0, refBytes: 0 })
  const released = { code: 'ERR_GOAWAY_VALUE', message: /released/ }
  await t.rejects(ref.get(), released)
  t.throws(() => read(ref), released)
  await t.rejects(goaway(nothing, ref), released)
  t.throws(() => read({} as never), TypeError)
})

t.test(
  'A routine that has not ended holds its arguments, cancelled or failed or not',
  async (t) => {
    const ref = put('held')
    const routines = [1, 2, 3].map(() => goaway(sumOf, ref as never))
    const [first] = routines
    first?.cancel()
    ref.release()
    // At once, for one that failed before anybody listened would fail the test.
    await Promise.allSettled(routines)
    await whenFree(t)
  },
)

t.test('A thread that keeps a ref holds it, until it lets go', async (t) => {
  await goaway(keep, putOnce('kept'))
  await collect()
  t.equal((await held()).refs, 1)
  // Nothing else says which of the threads it is.
  const apart = Array.from({ length: threads }, () => threads)
  const kept = await Promise.allSettled(apart.map((all) => goaway(getKeptApart, 'get', all)))
  const there = kept.filter((one) => one.status === 'fulfilled' && one.value === 'kept')
  t.equal(there.length, 1)
  await Promise.all(apart.map((all) => goaway(letKeptGoApart, 'let go', all)))
  await whenFree(t)
})

t.test('What user code has forgotten is freed by the garbage collector', async (t) => {
  await goaway(sumOf, putOnce(floats(10_000)))
  for (let round = 0; round < 20; round++) await goaway(putHere, floats(1_000))
  await whenFree(t)
})

t.test('A thread that is lost holds nothing', async (t) => {
  const lost = goaway.with({ isolate: true })(putAndExit, 'gone')
  await t.rejects(lost, { code: 'ERR_GOAWAY_THREAD_LOST' })
  await whenFree(t)
})

/** A ref that this function alone has known by name. */
function putOnce<T>(value: T): Ref<T> {
  return put(value)
}
