/** `Lock` of `goaway/sync`, in routines and in a main thread that blocks. */
import { Lock as AsyncLock, goaway, init, shutdown } from 'goaway'
import { Lock } from 'goaway/sync'
import t from 'tap'
import {
  acquireBlocking,
  blockingSigns,
  countUnderBlockingLock,
  endWithoutRelease,
  holdUntil,
  signs,
} from './lock-routines.ts'

await init({ threads: 1, threadsMax: 1 })
t.teardown(() => shutdown())

// First: blocked routines, of which there are some below, have further threads opened beside them.
t.test(
  'blocking on a lock that a routine parked on the same thread holds is refused',
  async (t) => {
    const holding = goaway(holdUntil, 'shared', 'shared-let-go')
    await signs.waitFor('shared-held')
    t.equal(await goaway(acquireBlocking, 'shared'), 'ERR_GOAWAY_DEADLOCK')
    t.equal(await goaway(acquireBlocking, 'shared', 60_000), 'ERR_GOAWAY_DEADLOCK')
    await signs.set('shared-let-go', true)
    await holding
    t.equal(await goaway(acquireBlocking, 'shared'), 'granted')
  },
)

t.test('a counter under a lock loses nothing while all block', async (t) => {
  const counting = [1, 2, 3].map(() => goaway(countUnderBlockingLock, 'counter', 30))
  countUnderBlockingLock('counter', 30)
  await Promise.all(counting)
  t.equal(blockingSigns.get('counter'), 120)
})

t.test('a main thread that blocks is granted the lock when its holder lets go', async (t) => {
  const holding = goaway(holdUntil, 'handed', 'let-go')
  const token = blockingSigns.waitFor('handed-held') as number
  t.throws(() => Lock('handed').acquire({ timeoutMs: 20 }), {
    code: 'ERR_GOAWAY_TIMEOUT',
    message: /acquire\(\) of Lock\('handed'\).* 20/,
  })
  t.throws(() => Lock('handed').acquire({ signal: AbortSignal.abort() }), {
    code: 'ERR_GOAWAY_CANCELLED',
  })
  t.equal(Lock('handed').tryAcquire(), null)
  blockingSigns['let-go'] = true
  const held = Lock('handed').acquire()
  t.ok(held.token > token)
  held.release()
  await holding
})

t.test('blocking on a lock that one holds oneself is refused', async (t) => {
  const lock = Lock('own')
  using _held = lock.acquire()
  t.throws(() => lock.acquire(), { code: 'ERR_GOAWAY_DEADLOCK', message: /program/ })
  t.throws(() => lock.acquire({ timeoutMs: 60_000 }), { code: 'ERR_GOAWAY_DEADLOCK' })
  t.equal(lock.tryAcquire(), null)
  // Another task of the program may wait for it, as this one can still release it.
  const waiting = AsyncLock('own').acquire()
  lock.release()
  ;(await waiting).release()
})

t.test('using releases at the end of its block, and a second release does nothing', async (t) => {
  const lock = Lock('using')
  let token = 0
  {
    using held = lock.acquire()
    token = held.token
    held.release()
    held.release()
    t.throws(() => lock.release(), { code: 'ERR_GOAWAY_LOCK_NOT_HELD' })
  }
  {
    using held = lock.acquire()
    t.ok(held.token > token)
  }
  t.throws(() => lock.release(), { code: 'ERR_GOAWAY_LOCK_NOT_HELD' })
})

t.test('with() holds the lock for a function, or until its promise is settled', async (t) => {
  const lock = Lock('with')
  t.equal(
    lock.with((held) => held.lock),
    'with',
  )
  t.throws(
    () =>
      lock.with(() => {
        throw new Error('thrown')
      }),
    { message: 'thrown' },
  )
  const slow = lock.with(async () => {
    await signs.has('never')
    return 'done'
  })
  t.equal(lock.tryAcquire(), null)
  t.equal(await slow, 'done')
  await t.rejects(
    lock.with(async () => Promise.reject(new Error('rejected'))),
    { message: 'rejected' },
  )
  using free = lock.tryAcquire()
  t.ok(free)
})

t.test('a lock that a routine has left held is free for who blocks', async (t) => {
  const token = await goaway(endWithoutRelease, 'left')
  const held = Lock('left').acquire({ timeoutMs: 60_000 })
  t.ok(held.token > token)
  held.release()
})

t.test('the program writes under a lock, and without it once it has released it', async (t) => {
  const held = Lock('program').acquire()
  blockingSigns.set('program', 1)
  held.release()
  blockingSigns.set('program', 2)
  t.equal(blockingSigns.get('program'), 2)
  t.throws(() => Lock(''), RangeError)
  t.throws(() => Lock(5 as never), TypeError)
})
