/** `StrictCentralized` of `goaway/sync`, in routines and in a main thread that blocks. */

import process from 'node:process'
import { inspect } from 'node:util'
import { StrictCentralized as AsyncObject, goaway, init, shutdown } from 'goaway'
import { StrictCentralized } from 'goaway/sync'
import t from 'tap'
import { type Node, place } from '../../lib/client/current.ts'
import {
  addMany,
  blockForEver,
  everyMethod,
  passOn,
  readLength,
  s,
  sumOf,
  updateMany,
  valueOfInitial,
  waitWithLimit,
} from './sync-routines.ts'

await init({ threads: 2 })
t.teardown(() => shutdown())

/**
 * Runs into its time limit, which is longer than a machine may hold it up before it blocks, beside
 * the tests before the one that looks at it: nobody is to wait for so long.
 */
const lateEnd = goaway
  .with({ timeoutMs: 6_000, graceMs: 120_000 })(blockForEver, 'late ')
  .catch((error: unknown) => error)

const ofEveryMethod = [
  ...[1, 1, undefined, 3, undefined, 2, [1, 2], 7, 8, true, false, true, false, false, false],
  ...[true, ['n', 'list', 'gone'], ['n', 'list', 'gone']],
  [
    ['n', 9],
    ['list', [3]],
    ['gone', 'x'],
  ],
  { n: 9, list: [3], gone: 'x' },
  { n: 9, list: [3], gone: 'x' },
  '{"n":9,"list":[3],"gone":"x"}',
  [
    ['n', 9],
    ['list', [3]],
    ['gone', 'x'],
  ],
  ...[true, false, false, true, 9, 9],
]

t.test('methods and properties answer the same in the program and in a routine', async (t) => {
  t.same(everyMethod('sync-main'), ofEveryMethod)
  t.same(await goaway(everyMethod, 'sync-routine'), ofEveryMethod)
})

t.test('a blocked main thread is answered by routines that it has started', async (t) => {
  s.count = 0
  const adding = [goaway(addMany, 'count', 100), goaway(addMany, 'count', 100)]
  // The event loop has not turned since: the routines start while this thread is blocked.
  t.equal(
    s.waitFor('count', (value) => value === 200),
    200,
  )
  await Promise.all(adding)
})

t.test('blocked routines answer each other, more of them than there are threads', async (t) => {
  s.set('chain', 0)
  const links = Array.from({ length: 6 }, (_, index) => goaway(passOn, 'chain', 5 - index))
  t.equal(
    s.waitFor('chain', (value) => value === 6),
    6,
  )
  t.same(await Promise.all(links), [6, 5, 4, 3, 2, 1])
})

t.test('add() and update() lose nothing while all block', async (t) => {
  s.set('sum', 0)
  const routines = [goaway(addMany, 'sum', 200), goaway(updateMany, 'sum', 200)]
  addMany('sum', 100)
  updateMany('sum', 100)
  await Promise.all(routines)
  t.equal(s.get('sum'), 600)
})

t.test('update() that throws changes nothing', async (t) => {
  s.set('thrown', 1)
  t.throws(
    () =>
      s.update('thrown', () => {
        throw new RangeError('no')
      }),
    { message: 'no', name: 'RangeError' },
  )
  t.throws(() => s.update('thrown', () => Symbol('x')), { code: 'ERR_GOAWAY_VALUE' })
  t.equal(s.get('thrown'), 1)
})

t.test('waitFor() gives up at its time limit, in the program and in a routine', async (t) => {
  t.throws(() => s.waitFor('never', { timeoutMs: 20 }), {
    code: 'ERR_GOAWAY_TIMEOUT',
    message: /waitFor\('never'\) of StrictCentralized\('sync-test'\).* 20/,
  })
  t.throws(() => s.waitFor('never', { timeoutMs: 0 }), { code: 'ERR_GOAWAY_TIMEOUT' })
  t.throws(() => s.waitFor('never', { signal: AbortSignal.abort('why') }), {
    code: 'ERR_GOAWAY_CANCELLED',
    cause: 'why',
  })
  await t.rejects(goaway(waitWithLimit, 20), { code: 'ERR_GOAWAY_TIMEOUT', message: /20/ })
  // An answer that was on its way is taken, and the next call is answered by its own.
  for (let round = 0; round < 200; round++) {
    t.throws(() => s.waitFor('never', { timeoutMs: 0.01 }), { code: 'ERR_GOAWAY_TIMEOUT' })
    if (s.add('rounds') !== round + 1) t.fail('an answer of another call')
  }
})

t.test('waitFor() asks for what is there as a read does: on one machine nobody', async (t) => {
  const there = StrictCentralized('waited for', { x: 5 })
  t.equal(there.x, 5)
  const { client } = place.node as Node
  const answersTo = (act: () => void): number => {
    const before = client.deliveries
    act()
    return client.deliveries - before
  }
  const ofRead = answersTo(() => t.equal(there.get('x'), 5))
  if (process.env.GOAWAY_CLUSTER === undefined) t.equal(ofRead, 0)
  t.equal(
    answersTo(() => t.equal(there.waitFor('x'), 5)),
    ofRead,
  )
  t.equal(
    answersTo(() => there.waitFor('x', (x) => x > 4)),
    ofRead,
  )
  const inVain = (): unknown => there.waitFor('x', (x) => x > 5, { timeoutMs: 1 })
  t.ok(
    answersTo(() => t.throws(inVain, { code: 'ERR_GOAWAY_TIMEOUT' })) > 0,
    'but it asks for what is not there',
  )
})

t.test('an answer that is larger than the letter box comes by the port', async (t) => {
  for (const bytes of [4000, 4096, 5000, 40_000, 70_000]) {
    const value = { bytes: new Uint8Array(bytes).fill(7), text: 'x'.repeat(bytes) }
    s.set('letter', value)
    t.same(s.get('letter'), value)
    t.same(await AsyncObject<{ letter: unknown }>('sync-test').get('letter'), value)
  }
})

t.test('messages that a blocking call comes upon are not lost', async (t) => {
  s.set('bytes', new Uint8Array(20_000))
  // Every read finds the frames before its own answer, with routines to start in them.
  const lengths = await Promise.all(
    Array.from({ length: 400 }, () => goaway(readLength, 'bytes', 3)),
  )
  t.same(new Set(lengths), new Set([60_000]))
})

t.test('a routine that is cancelled while it blocks wakes at once, with the reason', async (t) => {
  const routine = goaway.with({ graceMs: 120_000, name: 'blocker' })(blockForEver)
  s.waitFor('blocking')
  const cancelledAt = performance.now()
  routine.cancel('enough')
  await t.rejects(routine, { code: 'ERR_GOAWAY_CANCELLED', cause: 'enough' })
  t.ok(performance.now() - cancelledAt < 60_000)
  t.same(s.get('woken'), ['ERR_GOAWAY_CANCELLED', 'Routine blocker was cancelled', true])
})

t.test('initial values are set once, whichever handle comes first', async (t) => {
  const values = await Promise.all([
    ...[1, 2, 3].map((value) => goaway(valueOfInitial, 'sync-initial', value)),
    AsyncObject<{ x: number }>('sync-initial', { x: 4 }).get('x'),
  ])
  t.equal(new Set([...values, valueOfInitial('sync-initial', 5)]).size, 1, String(values))
})

t.test('changing what was read never changes what the next read gives', async (t) => {
  const original = { map: new Map([['a', [1]]]), floats: Float64Array.of(1), date: new Date(5) }
  s.set('mixed', original)
  const read = s.get('mixed') as typeof original
  read.map.set('b', [])
  read.floats[0] = 9
  read.date.setTime(9)
  t.same(s.get('mixed'), original)
  s.set('plain', { a: [[1]] })
  const plain = s.get('plain') as { a: number[][] }
  t.throws(() => plain.a[0]?.push(2), TypeError)
  t.equal(s.get('plain'), plain)
})

t.test('a value of 100 MB arrives', async (t) => {
  s.set('large', new Float64Array(12_500_000).fill(1))
  t.equal(await goaway(sumOf, 'large'), 12_500_002)
  t.equal(sumOf('large'), 12_500_002)
  s.delete('large')
})

t.test('names of methods are no properties, but get() and set() reach such fields', async (t) => {
  const wild = s as Record<string, unknown>
  for (const name of ['get', 'keys', 'watch', 'then', 'toJSON', 'constructor', '__proto__']) {
    t.throws(() => (wild[name] = 1), { code: 'ERR_GOAWAY_FIELD_NAME', message: /get\('/ }, name)
    t.throws(() => delete wild[name], { code: 'ERR_GOAWAY_FIELD_NAME' }, name)
    s.set(name, 1)
    t.equal(s.get(name), 1)
    t.equal(s.delete(name), true)
    t.throws(
      () => StrictCentralized('sync-names', JSON.parse(`{ ${JSON.stringify(name)}: 1 }`)),
      { code: 'ERR_GOAWAY_FIELD_NAME' },
      name,
    )
  }
  t.throws(() => Reflect.set(s, Symbol.iterator, 1), {
    code: 'ERR_GOAWAY_FIELD_NAME',
  })
  t.throws(() => Object.defineProperty(s, 'x', { value: 1 }), TypeError)
  t.throws(() => s.get(''), RangeError)
})

t.test('looking at a handle asks nobody', async (t) => {
  const shown = StrictCentralized<Record<string, number>>('shown', { x: 1 })
  t.equal(inspect(shown), "StrictCentralized('shown')")
  t.equal(inspect({ shown }), "{ shown: StrictCentralized('shown') }")
  t.equal(String(shown), '[object StrictCentralized]')
  t.equal(await shown, shown)
  t.equal(Reflect.get(shown, Symbol.iterator), undefined)
  t.equal(await (async () => shown)(), shown)
})

t.test('a handle is refused as a value', async (t) => {
  t.throws(() => s.set('bad', s), { code: 'ERR_GOAWAY_VALUE' })
  t.throws(() => s.set('bad', { deep: [s] }), { code: 'ERR_GOAWAY_VALUE', message: /deep\[0\]/ })
  t.throws(() => StrictCentralized('bad', { f: () => {} }), { code: 'ERR_GOAWAY_VALUE' })
  t.equal('bad' in s, false)
})

t.test('a routine that runs into its time limit while it blocks wakes at once', async (t) => {
  t.match(await lateEnd, { code: 'ERR_GOAWAY_TIMEOUT', message: /timeoutMs: 6000/ })
  const [code, message] = s.get('late woken') as string[]
  t.equal(code, 'ERR_GOAWAY_TIMEOUT')
  t.match(message, /^Routine blockForEver ran longer/)
})
