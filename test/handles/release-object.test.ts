/** `UpdateOnRelease`: sections, what becomes of them, and who sees what. */
import { inspect } from 'node:util'
import { goaway, init, StrictCentralized, shutdown, UpdateOnRelease } from 'goaway'
import { UpdateOnRelease as Blocking } from 'goaway/sync'
import t from 'tap'
import { scopes } from '../../lib/client/scope.ts'
import {
  acquireTwice,
  addMany,
  addManyAsync,
  countUnlike,
  exitHeld,
  holdForEver,
  leaveBehind,
  leaveHeld,
  lockFirst,
  o,
  objectFirst,
  readBoth,
  sync,
  throwHeld,
  tryToSet,
  tryToSetAsync,
  writeBoth,
} from './release-routines.ts'

await init({ threads: 3 })
t.teardown(() => shutdown())

const signals = StrictCentralized<Record<string, number>>('release-signals')
const reset = (): void => sync.with(() => sync.set('x', 0) ?? sync.set('y', 0))

t.test('nobody sees what is written before the release, and all of it after', async (t) => {
  reset()
  const held = await o.acquire()
  sync.x = 1
  await o.set('y', 1)
  t.same(readBoth(), [1, 1], 'but who wrote it')
  t.same(await goaway(readBoth), [0, 0])
  await held.release()
  t.same(await goaway(readBoth), [1, 1])
  const unlike = goaway(countUnlike, 90)
  await Promise.all([goaway(writeBoth, 2, 60), goaway(writeBoth, 31, 90)])
  t.equal(await unlike, 0)
})

t.test('sections lose nothing, however many threads write', async (t) => {
  reset()
  const routines = [addMany, addManyAsync].map((add) => goaway(add as typeof addMany, 20))
  await Promise.all([...routines, goaway(addMany, 20), addManyAsync(20)])
  t.equal(sync.x, 80)
})

t.test('what writes needs the lock', async (t) => {
  const missing = { code: 'ERR_GOAWAY_LOCK_NOT_HELD', message: /acquire\(\)/ }
  await t.rejects(o.set('x', 1), missing)
  await t.rejects(o.add('x'), missing)
  await t.rejects(o.delete('x'), missing)
  await t.rejects(
    o.update('x', (x) => x),
    missing,
  )
  await t.rejects(o.compareAndSet('x', 0, 1), missing)
  await t.rejects(o.release(), missing)
  t.throws(() => {
    sync.x = 1
  }, missing)
  t.throws(() => Reflect.deleteProperty(sync, 'x'), missing)
  t.throws(() => sync.release(), missing)
  const held = sync.acquire()
  const released = o.release()
  await t.rejects(o.set('x', 1), missing, 'also while the release is on its way')
  await released
  t.doesNotThrow(() => held.release(), 'a second release does nothing')
})

t.test('values are checked and taken where they are written', async (t) => {
  const held = sync.acquire()
  t.throws(() => sync.set('x', (() => {}) as never), { code: 'ERR_GOAWAY_VALUE' })
  sync.set('text', 'no number')
  t.throws(() => sync.add('text'), { code: 'ERR_GOAWAY_NOT_A_NUMBER' })
  await t.rejects(o.add('text'), { code: 'ERR_GOAWAY_NOT_A_NUMBER' })
  const given = { list: [1], date: new Date(5) }
  sync.set('given', given)
  given.list.push(2)
  t.same(sync.get('given'), { list: [1], date: new Date(5) })
  t.not(sync.get('given'), sync.get('given'), 'what cannot be frozen is each reader’s own')
  sync.delete('text')
  sync.delete('given')
  t.same(Object.keys(sync), ['x', 'y'])
  held.release()
  t.match(inspect(held), /Held\(UpdateOnRelease\('release-test'\), token \d+, released\)/)
})

t.test(
  'a routine that ends with the lock has written nothing, and the lock passes on',
  async (t) => {
    reset()
    await goaway(leaveHeld, 5)
    t.same(readBoth(), [0, 0])
    await t.rejects(goaway(throwHeld, 6), RangeError)
    await t.rejects(goaway(exitHeld), { code: 'ERR_GOAWAY_THREAD_LOST' })
    await signals.delete('held')
    const holding = goaway.with({ graceMs: 60_000 })(holdForEver)
    await signals.waitFor('held')
    holding.cancel()
    await t.rejects(holding, { code: 'ERR_GOAWAY_CANCELLED' })
    await o.with(async () => t.same(readBoth(), [0, 0]))
    await goaway(leaveBehind)
    await signals.waitFor('left ERR_GOAWAY_STALE_TOKEN ERR_GOAWAY_CANCELLED')
    t.same(readBoth(), [0, 0])
  },
)

t.test('the lock is not reentrant, and two tasks contend for it', async (t) => {
  t.equal(await goaway(acquireTwice), 'ERR_GOAWAY_LOCK_HELD')
  const order: string[] = []
  const task = (name: string): Promise<void> =>
    o.with(async (held) => {
      order.push(`${name} in`)
      await o.set('by', name)
      t.equal(await o.get('by'), name)
      t.ok(held.token > 0)
      order.push(`${name} out`)
    })
  await Promise.all([task('a'), task('b')])
  t.same(order, ['a in', 'a out', 'b in', 'b out'])
  const held = await o.acquire()
  await t.rejects(o.acquire({ timeoutMs: 20 }), { code: 'ERR_GOAWAY_TIMEOUT' })
  const controller = new AbortController()
  const waiting = o.acquire({ signal: controller.signal })
  controller.abort()
  await t.rejects(waiting, { code: 'ERR_GOAWAY_CANCELLED' })
  await held.release()
  await o.with(() => {})
})

t.test('tryAcquire() takes the lock if it is free, and waits for nobody', async (t) => {
  reset()
  const held = await o.tryAcquire()
  await o.set('x', 1)
  t.equal(await goaway(tryToSet, 2), 'not free', 'another routine does not get it')
  t.equal(await goaway(tryToSetAsync, 2), 'not free')
  t.equal(sync.x, 1)
  t.same([await o.tryAcquire(), sync.tryAcquire()], [null, null], 'nor the holder once more')
  await held?.release()
  t.equal(await goaway(tryToSet, 2), 'set')
  t.equal(sync.x, 2)
  t.equal(await goaway(tryToSetAsync, 3), 'set')
  t.equal(sync.x, 3)
})

t.test('an object and a lock in a circle are a deadlock', async (t) => {
  const ends = await Promise.all([goaway(objectFirst), goaway(lockFirst)])
  t.same(ends.sort(), ['ERR_GOAWAY_DEADLOCK', 'both'])
})

t.test('writes of a section take effect in the order of calls, then the release', async (t) => {
  reset()
  const held = await o.acquire()
  const updated = o.update('x', (x) => x + 5)
  const added = o.add('x', 1)
  const released = held.release({ ack: 'all' })
  const read = o.get('x')
  t.same(await Promise.all([updated, added, released, read]), [5, 6, undefined, 6])
  await t.rejects(o.release({ ack: 'some' as never }), TypeError)
})

t.test('with() releases what was written also where it throws', async (t) => {
  await t.rejects(
    o.with(async () => {
      await o.set('x', 7)
      throw new RangeError('no')
    }),
    RangeError,
  )
  t.throws(
    () =>
      sync.with(() => {
        sync.y = 7
        throw new RangeError('no')
      }),
    RangeError,
  )
  t.same(readBoth(), [7, 7])
  t.equal(await sync.with(async () => sync.add('x')), 8)
  t.equal(sync.x, 8)
})

t.test('waitFor() sees what its own routine has written, watch() what was released', async (t) => {
  reset()
  const watch = o.watch('x')
  t.same((await watch.next()).value, 0)
  const held = await o.acquire()
  await o.set('x', 1)
  t.equal(await o.waitFor('x', (x) => x === 1), 1)
  t.equal(
    sync.waitFor('x', (x) => x === 1),
    1,
  )
  t.throws(() => sync.waitFor('x', (x) => x === 2), { code: 'ERR_GOAWAY_DEADLOCK' })
  const hidden = o.waitFor('x', (x) => x === 0 || x === 3)
  await o.set('x', 3)
  await held.release()
  t.equal(await hidden, 3, 'what it hid does not count')
  t.same((await watch.next()).value, 3)
  await watch.return?.()
})

t.test('a section that is the only one of its thread shows to its own routine alone', async (t) => {
  const s = UpdateOnRelease<Record<string, number>>('only', { x: 1 })
  const blocking = Blocking<Record<string, number>>('only')
  const held = await s.acquire()
  await s.set('x', 2)
  await s.set('keys', 3)
  await s.delete('then')
  const seen = scopes.run({ owner: 0, held: new Map(), context: undefined, over: false }, () => [
    blocking.get('x'),
    blocking.x,
    blocking.get('keys'),
  ])
  t.same(seen, [1, 1, undefined])
  for (let round = 0; round < 2; round++) {
    t.same(
      [blocking.x, blocking.get('x'), blocking.get('keys'), blocking.get('then')],
      [...[2, 2, 3, undefined]],
    )
    t.type(blocking.keys, 'function')
    t.equal((blocking as { then?: unknown }).then, undefined)
  }
  await held.release()
  t.equal(blocking.x, 2)
  for (let round = 0; round < 2; round++) {
    t.equal(blocking.get('keys'), 3)
    t.type(blocking.keys, 'function')
  }
})

t.test('its names are reserved, and a handle can be returned', async (t) => {
  t.throws(() => UpdateOnRelease('other', { a: () => {} } as never), { code: 'ERR_GOAWAY_VALUE' })
  t.throws(() => Reflect.set(sync, 'acquire', 1), { code: 'ERR_GOAWAY_FIELD_NAME' })
  t.equal(await (async () => sync)(), sync)
})
