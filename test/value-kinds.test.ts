/** Values of every kind in real routines: each arrives equal, or is refused where it was given. */
import { GoawayError, goaway, shutdown } from 'goaway'
import { StrictCentralized as BlockingStore } from 'goaway/sync'
import t from 'tap'
import { isSame } from './client/same-value.ts'
import { refused } from './client/value-kinds.ts'
import {
  changeWhatWasRead,
  checkArguments,
  copyStored,
  differences,
  echo,
  equal,
  passOn,
  produce,
  produceAll,
  produceRefused,
  store,
} from './value-routines.ts'

const batch = 8
const blocking = BlockingStore('values')

t.teardown(() => shutdown())

t.ok(equal.length + refused.length > 50, 'there are many kinds')

t.test('goaway() hands over arguments of every kind', async (t) => {
  for (let from = 0; from < equal.length; from += batch) {
    const values = equal.slice(from, from + batch).map(([, value]) => value)
    t.same(await goaway(checkArguments, from, ...values), [])
  }
})

t.test('goaway() resolves to results of every kind', async (t) => {
  const results = await Promise.all(equal.map((_, index) => goaway(produce, index)))
  t.same(differences(0, results), [])
})

t.test('goaway() streams values of every kind', async (t) => {
  const values: unknown[] = []
  for await (const value of goaway(produceAll)) values.push(value)
  t.equal(values.length, equal.length)
  t.same(differences(0, values), [])
})

t.test('goaway() hands values of every kind on, from routine to routine', async (t) => {
  const results = await Promise.all(equal.map(([, value]) => goaway(passOn, value)))
  t.same(differences(0, results), [])
})

t.test('An object stores values of every kind', async (t) => {
  for (const [index, [, value]] of equal.entries()) {
    if (index % 2 === 0) await store.set(`program ${index}`, value)
    else blocking.set(`program ${index}`, value)
  }
  t.same(await goaway(copyStored), [])
  const stored = await Promise.all(equal.map((_, index) => store.get(`routine ${index}`)))
  t.same(differences(0, stored), [])
  t.same(
    differences(
      0,
      equal.map((_, index) => blocking.get(`routine ${index}`)),
    ),
    [],
  )
  const entries = new Map(await store.entries())
  t.same(
    differences(
      0,
      equal.map((_, index) => entries.get(`routine ${index}`)),
    ),
    [],
  )
})

t.test('Every other kind of value is refused where it was given', async (t) => {
  for (const [index, [kind, value, message]] of refused.entries()) {
    const expected = { code: 'ERR_GOAWAY_VALUE', message }
    await t.rejects(goaway(echo, value), expected, `${kind} as argument`)
    // A result that has a `then` is awaited; looking for it is the first thing to fail with these
    // Proxies.
    const isAwaited = /promise|thenable|that is a Proxy|revoked/.test(kind)
    if (!isAwaited) await t.rejects(goaway(produceRefused, index), expected, `${kind} as result`)
    await t.rejects(store.set('refused', value), expected, `${kind} as stored value`)
    t.throws(() => blocking.set('refused', value), expected, `${kind} as stored value, blocking`)
  }
  t.equal(await store.has('refused'), false)
})

t.test('A GoawayError is one after its journey', async (t) => {
  const error = await goaway(echo, new GoawayError('ERR_GOAWAY_LIMIT', 'x', { routine: 1 }))
  t.ok(error instanceof GoawayError)
  t.match(error, { code: 'ERR_GOAWAY_LIMIT', message: 'x', routine: 1 })
})

t.test('Changing a value that was read never changes what the next read gives', async (t) => {
  const given = {
    map: new Map([['a', 1]]),
    date: new Date(1000),
    floats: Float64Array.of(1),
    list: [[1]],
  }
  for (const [field, value] of Object.entries(given)) await store.set(field, value)
  for (const seen of [await goaway(changeWhatWasRead), await changeWhatWasRead()]) {
    t.ok(isSame([...Object.values(given), 'frozen'], seen))
  }
})
