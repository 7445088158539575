/** `Weak`: what it has that others have not, and what it has not. */
import { goaway, init, shutdown, Weak } from 'goaway'
import * as blocking from 'goaway/sync'
import t from 'tap'
import { lookAtWeak } from './weak-routines.ts'

await init({ threads: 2 })
t.teardown(() => shutdown())

t.test('what needs to know the latest value is refused, and says what to use', async (t) => {
  const unsupported = { code: 'ERR_GOAWAY_UNSUPPORTED', message: /Weak.*add\(\).*LinFastRead/ }
  for (const order of ['fifo', 'causal'] as const) {
    const own = Weak<{ n: number }>(`unsupported ${order}`, { n: 1 }, { order })
    const fast = blocking.Weak<{ n: number }>(`unsupported ${order}`, undefined, { order })
    for (const method of ['update', 'compareAndSet']) {
      const call = (of: object): unknown => (Reflect.get(of, method) as () => unknown).call(of)
      await t.rejects(call(own) as Promise<unknown>, unsupported)
      t.throws(() => call(fast), unsupported)
    }
    t.equal(await own.get('n'), 1)
    t.equal(fast.n, 1)
  }
})

t.test('sync() and fence() end, and take limits', async (t) => {
  const own = Weak<{ n: number }>('ends')
  const fast = blocking.Weak<{ n: number }>('ends')
  await own.set('n', 1)
  t.equal(await own.sync(), undefined)
  t.equal(await own.fence({ timeoutMs: 60_000 }), undefined)
  t.equal(fast.sync({ timeoutMs: 60_000 }), undefined)
  t.equal(fast.fence(), undefined)
  await t.rejects(own.sync({ timeoutMs: -1 }), RangeError)
  const signal = AbortSignal.abort(new Error('enough'))
  await t.rejects(own.fence({ signal }), { code: 'ERR_GOAWAY_CANCELLED' })
  t.throws(() => fast.sync({ signal }), { code: 'ERR_GOAWAY_CANCELLED' })
})

t.test('writes that nobody waits for take effect in order', async (t) => {
  const fast = blocking.Weak<Record<string, unknown>>('one way')
  for (let n = 0; n < 2_000; n++) fast.n = n
  t.equal(fast.n, 1_999)
  t.equal(await goaway(lookAtWeak, 'n'), 1_999)
  t.equal(Reflect.deleteProperty(fast, 'n'), true)
  t.equal(fast.delete('n'), false)
  t.same([Object.keys(fast), 'n' in fast, await goaway(lookAtWeak, 'n')], [[], false, undefined])
  t.throws(() => fast.set('bad', () => {}), { code: 'ERR_GOAWAY_VALUE' })
  const given = { list: [1] }
  fast.given = given
  given.list.push(2)
  t.same(fast.given, { list: [1] })
})

t.test('what is written under a lock stays when the lock is released', async (t) => {
  const fast = blocking.Weak<Record<string, unknown>>('one way')
  const own = Weak<Record<string, unknown>>('one way')
  const held = blocking.Lock('weak').acquire()
  fast.under = 1
  t.equal(fast.under, 1)
  await own.set('under', 2)
  held.release()
  t.equal(fast.under, 2)
})

t.test('set() then add() begins to count anew', async (t) => {
  const own = Weak<{ n: number }>('counter', { n: 5 })
  t.same([await own.add('n'), await own.set('n', 1), await own.add('n', -3)], [6, undefined, -2])
  await t.rejects(Weak<Record<string, unknown>>('text', { text: 'a' }).add('text'), {
    code: 'ERR_GOAWAY_NOT_A_NUMBER',
  })
})

t.test('its orders are two stores, and its names are reserved', async (t) => {
  const fifo = blocking.Weak<{ n: number }>('both', { n: 1 })
  const causal = blocking.Weak<{ n: number }>('both', { n: 2 }, { order: 'causal' })
  t.same([fifo.n, causal.n], [1, 2])
  t.throws(() => Weak('both', {}, { order: 'total' as never }), TypeError)
  t.throws(() => Weak('both', {}, 5 as never), TypeError)
  for (const name of ['sync', 'fence', 'update', 'compareAndSet']) {
    t.throws(() => Reflect.set(fifo, name, 1), { code: 'ERR_GOAWAY_FIELD_NAME' })
  }
  t.doesNotThrow(() => Reflect.set(fifo, 'acquire', 1), 'which only another model has')
})
