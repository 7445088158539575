/** `Lock` of `goaway`: nothing blocks. Routines are in `lock-routines.ts`. */
import { goaway, type Held, init, Lock, shutdown } from 'goaway'
import t from 'tap'
import {
  acquireTwice,
  acquireWhenOver,
  cleanUpUnderLock,
  countUnderLock,
  embrace,
  endWithoutRelease,
  exitHolding,
  holdUntil,
  loseByEnding,
  queueUp,
  releaseOnAbort,
  signs,
  spinHolding,
  throwWithoutRelease,
  waitForLock,
  writeWhenOver,
} from './lock-routines.ts'

await init({ threads: 2 })
t.teardown(() => shutdown())

t.test('a counter under a lock loses nothing', async (t) => {
  const counting = [1, 2, 3].map(() => goaway(countUnderLock, 'counter', 30))
  await Promise.all([...counting, countUnderLock('counter', 30)])
  t.equal(await signs.get('counter'), 120)
})

t.test('first come, first served, with tokens that grow', async (t) => {
  const held = await Lock('fifo').acquire()
  const queue: Promise<number>[] = []
  for (let who = 1; who <= 5; who++) {
    queue.push(goaway(queueUp, 'fifo', who))
    await signs.waitFor('fifo-coming', (value) => value === who)
  }
  const last = queueUp('fifo', 6)
  held.release()
  const tokens = [held.token, ...(await Promise.all(queue)), await last]
  t.same(await signs.get('fifo-order'), [1, 2, 3, 4, 5, 6])
  t.same(
    tokens,
    [...tokens].sort((a, b) => a - b),
  )
  t.equal(new Set(tokens).size, 7)
})

t.test('two tasks of the program contend', async (t) => {
  const lock = Lock('tasks')
  const order: string[] = []
  const task = async (name: string): Promise<void> => {
    using _held = await lock.acquire()
    order.push(`${name} in`)
    await signs.has('never')
    order.push(`${name} out`)
  }
  await Promise.all([task('a'), task('b'), task('c')])
  t.same(order, ['a in', 'a out', 'b in', 'b out', 'c in', 'c out'])
})

t.test('tryAcquire() never waits', async (t) => {
  const lock = Lock('try')
  const held = await lock.tryAcquire()
  t.ok(held)
  t.equal(await lock.tryAcquire(), null)
  held?.release()
  await using again = await lock.tryAcquire()
  t.ok((again?.token ?? 0) > (held?.token ?? 0))
})

t.test(
  'acquire() gives up at its time limit and by its signal, and leaves the queue',
  async (t) => {
    const lock = Lock('given-up')
    const held = await lock.acquire()
    await t.rejects(lock.acquire({ timeoutMs: 5 }), {
      code: 'ERR_GOAWAY_TIMEOUT',
      message: /acquire\(\) of Lock\('given-up'\).* 5/,
    })
    const controller = new AbortController()
    const waiting = lock.acquire({ signal: controller.signal })
    controller.abort('enough')
    await t.rejects(waiting, { code: 'ERR_GOAWAY_CANCELLED', cause: 'enough' })
    await t.rejects(lock.acquire({ signal: controller.signal }), { code: 'ERR_GOAWAY_CANCELLED' })
    await t.rejects(lock.acquire({ timeoutMs: Number.NaN }), RangeError)
    held.release()
    const next = await lock.tryAcquire()
    t.ok(next, 'nobody who gave up has it')
    next?.release()
    // The grant and the end of the wait cross: whoever gave up gives it back.
    for (let round = 0; round < 100; round++) {
      const before = await lock.acquire()
      const crossing = new AbortController()
      const late = lock.acquire({ signal: crossing.signal })
      before.release()
      crossing.abort()
      await t.rejects(late, { code: 'ERR_GOAWAY_CANCELLED' })
      ;(await lock.acquire({ timeoutMs: 60_000 })).release()
    }
  },
)

t.test(
  'with() holds the lock while its function runs, and releases whatever happens',
  async (t) => {
    const lock = Lock('with')
    let inside: Held | undefined
    t.equal(
      await lock.with((held) => {
        inside = held
        return 'sync'
      }),
      'sync',
    )
    t.equal(await lock.with(async () => (await lock.tryAcquire()) ?? 'busy'), 'busy')
    await t.rejects(
      lock.with(() => {
        throw new Error('thrown')
      }),
      { message: 'thrown' },
    )
    await t.rejects(
      lock.with(() => Promise.reject(new Error('rejected'))),
      { message: 'rejected' },
    )
    const held = await lock.tryAcquire()
    t.ok((held?.token ?? 0) > (inside?.token ?? 0))
    held?.release()
  },
)

t.test('release() is for who holds, and only once', async (t) => {
  const lock = Lock('release')
  t.throws(() => lock.release(), { code: 'ERR_GOAWAY_LOCK_NOT_HELD', message: /Lock\('release'\)/ })
  const held = await lock.acquire()
  lock.release()
  t.throws(() => lock.release(), { code: 'ERR_GOAWAY_LOCK_NOT_HELD' })
  const next = await lock.acquire()
  held.release()
  t.equal(await lock.tryAcquire(), null, 'what was released before releases nothing now')
  next.release()
})

t.test('acquiring again in the same routine fails at once', async (t) => {
  const again = 'ERR_GOAWAY_LOCK_HELD'
  t.same(await goaway(acquireTwice, 'twice'), [
    ...[again, again, again, again],
    'ERR_GOAWAY_LOCK_NOT_HELD',
  ])
})

t.test('a routine that ends without release holds nothing any more', async (t) => {
  const lock = Lock('ended')
  const token = await goaway(endWithoutRelease, 'ended')
  const held = await lock.acquire({ timeoutMs: 60_000 })
  t.ok(held.token > token)
  held.release()
  await t.rejects(goaway(throwWithoutRelease, 'ended'), { message: 'thrown with the lock' })
  ;(await lock.acquire({ timeoutMs: 60_000 })).release()
})

t.test('a lock is freed when its holder dies with its thread', async (t) => {
  await t.rejects(goaway(exitHolding, 'exits'), { code: 'ERR_GOAWAY_THREAD_LOST' })
  ;(await Lock('exits').acquire({ timeoutMs: 60_000 })).release()
  const spinning = goaway.with({ graceMs: 10 })(spinHolding, 'spins')
  await signs.waitFor('spins-held')
  const waiting = Lock('spins').acquire({ timeoutMs: 60_000 })
  spinning.cancel()
  await t.rejects(spinning, { code: 'ERR_GOAWAY_CANCELLED' })
  ;(await waiting).release()
})

t.test('what a routine left behind cannot write under the lock that it lost', async (t) => {
  const token = await goaway(writeWhenOver, 'fenced')
  const held = await Lock('fenced').acquire()
  t.ok(held.token > token)
  await signs.set('fenced-go', true)
  t.equal(await signs.waitFor('fenced-refused', { timeoutMs: 60_000 }), 'ERR_GOAWAY_STALE_TOKEN')
  t.equal(await signs.has('fenced-written'), false)
  held.release()
})

t.test('what a routine left behind is not granted a lock', async (t) => {
  await goaway(acquireWhenOver, 'stray')
  t.same(
    await signs.waitFor('stray-over', { timeoutMs: 60_000 }),
    Array(3).fill('ERR_GOAWAY_CANCELLED'),
  )
  t.ok(await Lock('stray').tryAcquire())
})

t.test('a write that was called under a lock is refused when the lock has passed on', async (t) => {
  const held = await Lock('passed').acquire()
  const writes = [signs.update('passed', () => 1), signs.set('passed', 2)]
  held.release()
  const stale = { code: 'ERR_GOAWAY_STALE_TOKEN' }
  await Promise.all(writes.map((write) => t.rejects(write, stale)))
  t.equal(await signs.has('passed'), false)
})

t.test('routines that wait for each other are refused, not stuck', async (t) => {
  for (const [round, blocking] of [false, true].entries()) {
    const [a, b] = [`embrace-a${round}`, `embrace-b${round}`]
    const outcomes = await Promise.all([
      goaway(embrace, a, b, blocking),
      goaway(embrace, b, a, false),
    ])
    t.same(outcomes.sort(), ['ERR_GOAWAY_DEADLOCK', 'granted'])
  }
})

t.test('a routine that is cancelled while it waits for a lock wakes at once', async (t) => {
  for (const blocking of [false, true]) {
    const name = `cancelled-${blocking}`
    using _held = await Lock(name).acquire()
    const routine = goaway.with({ graceMs: 120_000 })(waitForLock, name, blocking)
    await signs.waitFor(`${name}-waiting`)
    // Its request may still be on its way: what follows must hold all the same.
    t.equal(await Lock(name).tryAcquire(), null)
    const cancelledAt = performance.now()
    routine.cancel()
    await t.rejects(routine, { code: 'ERR_GOAWAY_CANCELLED' })
    t.ok(performance.now() - cancelledAt < 60_000)
    t.equal(await signs.get(`${name}-woken`), 'ERR_GOAWAY_CANCELLED true')
  }
})

t.test('a routine that was cancelled may wait for a lock to clean up', async (t) => {
  const held = await Lock('clean').acquire()
  const routine = goaway.with({ graceMs: 120_000 })(cleanUpUnderLock, 'clean')
  await signs.waitFor('clean-running')
  routine.cancel()
  await signs.waitFor('clean-stopping')
  held.release()
  await t.rejects(routine, { code: 'ERR_GOAWAY_CANCELLED' })
  t.equal(await signs.get('clean-clean'), true)
})

t.test('a lock that a routine holds is granted when that routine lets go', async (t) => {
  const holding = goaway(holdUntil, 'handed', 'handed-let-go')
  const token = await signs.waitFor('handed-held')
  const waiting = Lock('handed').acquire()
  await signs.set('handed-let-go', true)
  const held = await waiting
  t.ok(held.token > (token as number))
  held.release()
  await holding
})

t.test('lost stays quiet for a lock that was released', async (t) => {
  const held = await Lock('quiet').acquire()
  t.equal(held.lost.aborted, false)
  held.release()
  t.equal(held.lost.aborted, false)
  t.equal(`${held.lock} ${String(Lock('quiet'))}`, "quiet Lock('quiet')")
})

t.test('what a routine ends with is lost, and says so', async (t) => {
  await goaway(loseByEnding, 'ending')
  const told = await signs.waitFor('ending-lost')
  t.same(told, ['ERR_GOAWAY_CANCELLED', true, false])
  for (const name of ['ending', 'ending-unheard']) (await Lock(name).acquire()).release()
})

t.test('who hears of a cancel is still in its routine, with its locks', async (t) => {
  // It has time to hear of it, also where its thread is held up.
  const routine = goaway.with({ graceMs: 60_000 })(releaseOnAbort, 'abort')
  await signs.waitFor('abort-listening')
  routine.cancel()
  await t.rejects(routine, { code: 'ERR_GOAWAY_CANCELLED' })
  t.equal(await signs.get('abort-heard'), 'released')
})

t.test('shutdown() makes what is held lost, and ends what waits', async (t) => {
  const held = await Lock('shut').acquire()
  const released = await Lock('shut-too').acquire()
  const { lost } = held
  const { lost: notLost } = released
  released.release()
  const waiting = Lock('shut').acquire()
  const refused = t.rejects(waiting, { code: 'ERR_GOAWAY_SHUTDOWN' })
  await shutdown()
  await refused
  t.equal(lost.aborted, true)
  t.match(lost.reason, { code: 'ERR_GOAWAY_SHUTDOWN' })
  t.equal(notLost.aborted, false)
  await t.rejects(Lock('shut').acquire(), { code: 'ERR_GOAWAY_SHUTDOWN' })
})
