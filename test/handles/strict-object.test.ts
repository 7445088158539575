/** `StrictCentralized` of `goaway`: nothing blocks. Routines are in `object-routines.ts`. */
import { inspect } from 'node:util'
import { goaway, init, StrictCentralized, shutdown } from 'goaway'
import t from 'tap'
import {
  addMany,
  bump,
  everyMethod,
  inCallOrder,
  leaveUnhandled,
  leaveWaiting,
  s,
  sumOf,
  updateMany,
  valueOfInitial,
  waitForEver,
  waitWhenCancelled,
} from './object-routines.ts'

await init({ threads: 2 })
t.teardown(() => shutdown())

const ofEveryMethod = [
  ...[1, undefined, undefined, 2, [1, 2], 7, 8, true, false, true, false],
  ...[false, undefined, true, ['n', 'list', 'gone']],
  [
    ['n', 9],
    ['list', [3]],
    ['gone', 'x'],
  ],
  { n: 9, list: [3], gone: 'x' },
  ...[true, false, ['n', 'list'], 9, 9],
]

t.test('every method answers the same in the program and in a routine', async (t) => {
  t.same(await everyMethod('every-main'), ofEveryMethod)
  t.same(await goaway(everyMethod, 'every-routine'), ofEveryMethod)
})

t.test('add() and update() lose nothing, however many threads write', async (t) => {
  await s.set('sum', 0)
  const threads = Array.from({ length: 4 }, (_, index) =>
    index % 2 === 0 ? goaway(addMany, 'sum', 100) : goaway(updateMany, 'sum', 100),
  )
  await Promise.all([...threads, addMany('sum', 50), updateMany('sum', 50)])
  t.equal(await s.get('sum'), 500)
})

t.test('update() that throws changes nothing and holds nothing up', async (t) => {
  await s.set('thrown', 1)
  const failed = s.update('thrown', () => {
    throw new RangeError('no')
  })
  const after = s.update('thrown', (value) => (value as number) + 1)
  await t.rejects(failed, { message: 'no', name: 'RangeError' })
  t.equal(await after, 2)
  await t.rejects(
    s.update('thrown', () => () => {}),
    { code: 'ERR_GOAWAY_VALUE' },
  )
  await t.rejects(s.update('thrown', 5 as never), TypeError)
  t.equal(await s.get('thrown'), 2)
})

t.test(
  'compareAndSet() compares deeply, and by what was expected when it was called',
  async (t) => {
    const deep = { list: [1, { a: new Date(5) }], set: new Set([1]) }
    await s.set('cas', deep)
    const expected = structuredClone(deep)
    const swapped = s.compareAndSet('cas', expected, 'next')
    expected.list.push(2)
    t.equal(await swapped, true)
    t.equal(await s.get('cas'), 'next')
    t.equal(await s.compareAndSet('cas', deep, 'again'), false)
    t.equal(await s.compareAndSet('absent', undefined, 1), true)
    t.equal(await s.compareAndSet('absent', undefined, 2), false)
    await s.set('cas', Number.NaN)
    t.equal(await s.compareAndSet('cas', Number.NaN, -0), true)
    t.equal(await s.compareAndSet('cas', 0, 1), false)
    t.equal(await s.compareAndSet('cas', -0, 1), true)
  },
)

t.test(
  'waitFor() resolves when its condition holds, and with the value that fulfils it',
  async (t) => {
    const three = s.waitFor('steps', (value) => value === 3)
    const any = s.waitFor('steps')
    await goaway(bump, 'steps', 3)
    t.equal(await three, 3)
    t.ok((await any) as number)
    await t.rejects(
      s.waitFor('steps', () => {
        throw new Error('of the condition')
      }),
      { message: 'of the condition' },
    )
  },
)

t.test('waitFor() gives up at its time limit, and by its signal', async (t) => {
  await t.rejects(s.waitFor('never', { timeoutMs: 5 }), { code: 'ERR_GOAWAY_TIMEOUT' })
  await t.rejects(s.waitFor('never', { timeoutMs: 0 }), { code: 'ERR_GOAWAY_TIMEOUT' })
  const controller = new AbortController()
  const waiting = s.waitFor('never', { signal: controller.signal })
  const reason = new Error('enough')
  setImmediate(() => controller.abort(reason))
  await t.rejects(waiting, { code: 'ERR_GOAWAY_CANCELLED', cause: reason })
  await t.rejects(
    s.waitFor('never', () => true, { signal: controller.signal }),
    {
      code: 'ERR_GOAWAY_CANCELLED',
    },
  )
  await t.rejects(s.waitFor('never', { timeoutMs: -1 }), RangeError)
  await t.rejects(s.waitFor('never', { signal: {} as AbortSignal }), TypeError)
  await t.rejects(s.waitFor('never', 5 as never), TypeError)
})

t.test('watch() gives the latest value to a slow reader', async (t) => {
  const watch = s.watch('watched')
  const first = watch.next()
  await s.set('watched', 'first')
  t.same(await first, { done: false, value: 'first' })
  await goaway(bump, 'watched', 300)
  t.same(await watch.next(), { done: false, value: 300 })
  await s.delete('watched')
  t.same(await watch.next(), { done: false, value: undefined })
  await watch.return?.()
  t.same(await watch.next(), { done: true, value: undefined })
})

t.test('watch() stops when it is left, also while it waits', async (t) => {
  const watch = s.watch('never')
  const [one, two] = [watch.next(), watch.next()]
  t.same(await watch.return?.(), { done: true, value: undefined })
  t.same(await Promise.all([one, two]), Array(2).fill({ done: true, value: undefined }))
})

t.test('watch() rejects once its signal aborts, and is over then', async (t) => {
  const controller = new AbortController()
  const watch = s.watch('never', { signal: controller.signal })
  const next = watch.next()
  setImmediate(() => controller.abort(new Error('enough')))
  await t.rejects(next, { code: 'ERR_GOAWAY_CANCELLED', cause: { message: 'enough' } })
  t.same(await watch.next(), { done: true, value: undefined })
  const late = s.watch('never', { signal: controller.signal })
  await t.rejects(late.next(), { code: 'ERR_GOAWAY_CANCELLED' })
})

t.test('initial values are set once, whoever comes first', async (t) => {
  const values = await Promise.all([
    ...[1, 2, 3, 4].map((value) => goaway(valueOfInitial, 'initial', value)),
    valueOfInitial('initial', 5),
    valueOfInitial('initial', 6),
  ])
  t.equal(new Set(values).size, 1, `all see the same: ${values}`)
  const handle = StrictCentralized<{ x?: number }>('initial', { x: 9 })
  await handle.delete('x')
  t.equal(await StrictCentralized<{ x: number }>('initial', { x: 8 }).get('x'), undefined)
  t.equal(await goaway(valueOfInitial, 'initial', 7), undefined)
})

t.test('initial values are those of the moment when the handle was made', async (t) => {
  const initial = { list: [1], n: 1 }
  const handle = StrictCentralized('initial-copy', initial)
  initial.list.push(2)
  initial.n = 2
  t.same(await handle.snapshot(), { list: [1], n: 1 })
  t.throws(() => StrictCentralized('initial-bad', { f: () => {} }), { code: 'ERR_GOAWAY_VALUE' })
  t.throws(() => StrictCentralized('initial-bad', 5 as never), TypeError)
})

t.test('operations on one field take effect in call order, awaited or not', async (t) => {
  for (let round = 1; round <= 20; round++) {
    const expected = [round * 10, 7, 8, [['x', 8]]]
    t.same(await inCallOrder(`order-${round}`, round), expected)
    if (round % 5 === 0) t.same(await goaway(inCallOrder, `order-r${round}`, round), expected)
  }
})

t.test('changing what was read never changes what the next read gives', async (t) => {
  const original = {
    map: new Map([['a', [1]]]),
    set: new Set([1]),
    date: new Date(5),
    floats: Float64Array.of(1, 2),
    nested: [[1], [2]],
  }
  await s.set('mixed', original)
  const read = (await s.get('mixed')) as typeof original
  read.map.set('b', [2])
  read.map.get('a')?.push(2)
  read.set.add(2)
  read.date.setTime(9)
  read.floats[0] = 9
  ;(read.nested[0] as number[])[0] = 9
  t.same(await s.get('mixed'), original)
  t.same(Reflect.get(await s.snapshot(), 'mixed'), original)
})

t.test('plain values are frozen, and decoded once for each version', async (t) => {
  const value = { deep: [{ a: [1, 2] }], text: 'x'.repeat(2000) }
  await s.set('plain', value)
  const one = (await s.get('plain')) as typeof value
  t.same(one, value)
  t.not(one, value)
  t.throws(() => one.deep.push({ a: [] }), TypeError)
  t.throws(() => one.deep[0]?.a.push(1), TypeError)
  t.equal(await s.get('plain'), one)
  const row = (await s.entries()).find(([field]) => field === 'plain')
  t.equal(row?.[1], one)
  t.ok(Object.isFrozen(await s.snapshot()))
  await s.set('plain', value)
  t.not(await s.get('plain'), one)
  const updated = await s.update('plain', (old) => ({ ...(old as object), more: 1 }))
  t.equal(await s.get('plain'), updated)
})

t.test(
  'a read that is told "as you have seen" gives it, whatever was read meanwhile',
  async (t) => {
    const wide = StrictCentralized<Record<string, number[]>>('wide')
    await wide.set('seen', [1])
    await wide.get('seen')
    // More fields than a handle keeps decoded.
    await Promise.all(Array.from({ length: 5000 }, (_, index) => wide.set(`f${index}`, [index])))
    const [all, seen] = await Promise.all([wide.entries(), wide.get('seen')])
    t.equal(all.length, 5001)
    t.same(seen, [1])
  },
)

t.test('a value of 100 MB arrives', async (t) => {
  const values = new Float64Array(12_500_000).fill(1)
  await s.set('large', values)
  t.equal(await goaway(sumOf, 'large'), 12_500_002)
  await s.delete('large')
})

t.test('what cannot be stored is refused where it is given', async (t) => {
  const bad = {
    function: () => {},
    promise: Promise.resolve(1),
    symbol: Symbol('x'),
    handle: s,
    shared: new SharedArrayBuffer(8),
    weak: new WeakMap(),
    class: class {},
  }
  for (const [what, value] of Object.entries(bad)) {
    for (const given of [value, [value], { a: value }, new Map([[1, value]])]) {
      await t.rejects(s.set('bad', given), { code: 'ERR_GOAWAY_VALUE' }, what)
    }
    await t.rejects(s.compareAndSet('bad', undefined, value), { code: 'ERR_GOAWAY_VALUE' }, what)
    await t.rejects(s.compareAndSet('bad', value, 1), { code: 'ERR_GOAWAY_VALUE' }, what)
  }
  t.equal(await s.has('bad'), false)
})

t.test('add() refuses what is no number', async (t) => {
  await s.set('text', 'x')
  await t.rejects(s.add('text'), { code: 'ERR_GOAWAY_NOT_A_NUMBER' })
  await t.rejects(s.add('count', '1' as never), TypeError)
})

t.test('names are strings that arrive as they are', async (t) => {
  for (const field of ['', 'x'.repeat(1025), '\ud800']) {
    await t.rejects(s.get(field), RangeError)
    await t.rejects(s.set(field, 1), RangeError)
    await t.rejects(s.waitFor(field), RangeError)
    t.throws(() => s.watch(field), RangeError)
    t.throws(() => StrictCentralized(field), RangeError)
    t.throws(() => StrictCentralized('names', { [field]: 1 }), RangeError)
  }
  await t.rejects(s.get(5 as never), TypeError)
  for (const field of ['__proto__', 'then', 'get', 'constructor', 'ü ß', '\u{1f600}', ' ']) {
    await s.set(field, field)
    t.equal(await s.get(field), field)
  }
  t.equal(inspect(s), "StrictCentralized('object-test')")
})

t.test('a wait ends with the routine that made it', async (t) => {
  await goaway(leaveWaiting)
  t.equal(await s.waitFor('left', { timeoutMs: 60_000 }), 'ERR_GOAWAY_CANCELLED')
  await goaway(leaveUnhandled)
})

t.test('a routine that is cancelled while it waits wakes at once', async (t) => {
  const routine = goaway.with({ graceMs: 120_000 })(waitForEver)
  await s.waitFor('waiting')
  const cancelledAt = performance.now()
  routine.cancel('enough')
  await t.rejects(routine, { code: 'ERR_GOAWAY_CANCELLED', cause: 'enough' })
  t.ok(performance.now() - cancelledAt < 60_000)
  t.equal(await s.get('woken'), 'ERR_GOAWAY_CANCELLED true')
})

t.test('a routine that is cancelled does not begin to wait', async (t) => {
  const routine = goaway.with({ graceMs: 120_000 })(waitWhenCancelled)
  await s.waitFor('looping')
  routine.cancel()
  await t.rejects(routine, { code: 'ERR_GOAWAY_CANCELLED' })
  t.equal(await s.get('refusedLater'), 'ERR_GOAWAY_CANCELLED')
})
