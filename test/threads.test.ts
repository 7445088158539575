/**
 * How routines share the threads of a machine (docs/protocols/schedule.md), through the public API.
 */

import process from 'node:process'
import { type GoawayError, goaway, type InitOptions, init, Lock, shutdown } from 'goaway'
import t, { type Test } from 'tap'
import { graceMsDefault } from '../lib/limits.ts'
import {
  blockUntil,
  fibonacci,
  holdAndSpin,
  mark,
  parentThatSpins,
  parkUntil,
  quicksort,
  signals,
  sleep,
  sleepUntil,
  spin,
  spinForEver,
  takeNumber,
  threadOf,
} from './handles/routines.ts'

/** A test with a node of its own. */
function test(name: string, options: InitOptions, act: (t: Test) => Promise<void>): void {
  t.test(name, async (t) => {
    await init(options)
    try {
      await act(t)
    } finally {
      await shutdown({ graceMs: 0 })
    }
  })
}

const set = (value: unknown): boolean => value === 1

async function failureOf(routine: PromiseLike<unknown>): Promise<GoawayError> {
  try {
    await routine
  } catch (error) {
    return error as GoawayError
  }
  throw new Error('It did not fail')
}

test('Fork-join Fibonacci of depth 12 ends on two threads, and uses few', {
  threads: 2,
}, async (t) => {
  const { value, threads } = await goaway(fibonacci, 12)
  t.equal(value, 144)
  t.comment(`465 routines used ${threads.length} threads`)
  t.ok(threads.length <= 40, `${threads.length} threads`)
})

test('Fork-join quicksort of depth 12 ends on two threads, and uses few', {
  threads: 2,
}, async (t) => {
  let seed = 1
  const values = Array.from({ length: 1_000 }, () => (seed = (seed * 48_271) % 2_147_483_647))
  const sorted = await goaway(quicksort, values, 12)
  t.same(
    sorted.values,
    [...values].sort((one, two) => one - two),
  )
  t.comment(`used ${sorted.threads.length} threads`)
  t.ok(sorted.threads.length <= 40, `${sorted.threads.length} threads`)
})

const narrow = { threads: 1, threadsMax: 1 }

test('Fork-join ends also where all parents have to share one thread', narrow, async (t) => {
  const { value, threads } = await goaway(fibonacci, 12)
  t.equal(value, 144)
  t.equal(threads.length, 1)
})

test('Eight routines block until a ninth sets a field', { threads: 2 }, async (t) => {
  const blocked = Array.from({ length: 8 }, () => goaway(blockUntil, 'eight'))
  await goaway(mark, 'eight')
  const threads = await Promise.all(blocked)
  t.ok(threads.every(Number.isInteger), 'all of them end')
})

test('Eight blocked routines do not hold up a ninth that comes later', {
  threads: 2,
}, async (t) => {
  const blocked = Array.from({ length: 8 }, () => goaway(blockUntil, 'later'))
  await signals.waitFor('later begun', (value) => value === 8)
  await goaway(mark, 'later')
  t.equal(new Set(await Promise.all(blocked)).size, 8, 'each blocked a thread of its own')
})

test('A thousand routines that await timers sleep at the same time, on few threads', {
  threads: 2,
}, async (t) => {
  const started = performance.now()
  // Each sleeps on until all have begun to: were they to take turns, none would ever end.
  const sleepers = Array.from({ length: 1_000 }, () =>
    goaway.with({ timeoutMs: 120_000 })(sleepUntil, 'sleepers', 1_000),
  )
  const threads = new Set(await Promise.all(sleepers))
  t.comment(`${(performance.now() - started).toFixed(0)} ms on ${threads.size} threads`)
  t.ok(threads.size <= 32, `${threads.size} threads`)
})

/** How much longer than its own time this process takes, for others at work. */
function slowdown(): number {
  const [began, used] = [performance.now(), process.cpuUsage()]
  while (performance.now() - began < 100);
  const took = performance.now() - began
  const { user, system } = process.cpuUsage(used)
  return Math.max(1, (took * 1000) / (user + system))
}

test('A thousand routines that await a timer of 100 ms end in two seconds', {
  threads: 2,
}, async (t) => {
  await goaway(sleep, 0)
  const allowed: number[] = []
  // The machine may hold up one round for seconds, but what is too slow by itself always is.
  while (allowed.length < 5 && !allowed.some((share) => share < 1)) {
    const before = slowdown()
    const started = performance.now()
    await Promise.all(Array.from({ length: 1_000 }, () => goaway(sleep, 100)))
    const took = performance.now() - started
    const slower = Math.max(before, slowdown())
    t.comment(`${took.toFixed(0)} ms, at ${slower.toFixed(2)} × the time alone`)
    allowed.push(took / (2_000 * slower))
  }
  t.ok(Math.min(...allowed) < 1, `of the time allowed: ${allowed.join(', ')}`)
})

test('A long routine in a burst holds back nobody else', { threads: 2 }, async (t) => {
  // Both threads are open, and have loaded the module.
  await Promise.all([goaway(sleep, 20), goaway(sleep, 20)])
  for (const place of [0, 20, 250, 480]) {
    const order = goaway.with({ graceMs: Infinity })
    let long: Promise<string> | undefined
    const others: Promise<number>[] = []
    for (let index = 0; index < 500; index++) {
      if (index === place) long = order(spin, `long ${place}`, 'cancelled')
      else others.push(goaway(takeNumber))
    }
    // It spins until it is cancelled: what is held back by it would never arrive.
    await Promise.all(others)
    await signals.waitFor(`long ${place}`, set)
    const routine = long as ReturnType<typeof goaway<typeof spin>>
    routine.cancel()
    t.equal((await failureOf(routine)).code, 'ERR_GOAWAY_CANCELLED', `the long one at ${place}`)
  }
})

test('Routines that end later than a long one began are not held back either', {
  threads: 2,
}, async (t) => {
  await Promise.all([goaway(sleep, 20), goaway(sleep, 20)])
  const parked = Array.from({ length: 10 }, () => goaway(parkUntil, 'awaited'))
  await signals.waitFor('awaited begun', (value) => value === 10)
  const long = goaway.with({ graceMs: Infinity })(spin, 'long beside parked', 'cancelled')
  await signals.waitFor('long beside parked', set)
  await signals.set('awaited', 1)
  await Promise.all(parked)
  long.cancel()
  t.equal((await failureOf(long)).code, 'ERR_GOAWAY_CANCELLED')
})

test('An endless loop on an isolated thread harms nobody when it is killed', {
  threads: 2,
}, async (t) => {
  const neighbours = Array.from({ length: 4 }, () => goaway(parkUntil, 'isolated loop'))
  await signals.waitFor('isolated loop begun', (value) => value === 4)
  const loop = goaway.with({ isolate: true, graceMs: 20 })(spinForEver, 'isolated spins')
  await signals.waitFor('isolated spins', set)
  loop.cancel()
  t.equal((await failureOf(loop)).code, 'ERR_GOAWAY_CANCELLED')
  await signals.set('isolated loop', 1)
  t.equal((await Promise.all(neighbours)).length, 4)
})

test(
  'An endless loop that is killed on a shared thread settles all its neighbours',
  narrow,
  async (t) => {
    const neighbours = Array.from({ length: 5 }, () => goaway(parkUntil, 'never'))
    await signals.waitFor('never begun', (value) => value === 5)
    const thread = await goaway(threadOf)
    const loop = goaway.with({ graceMs: 20, name: 'the loop' })(spinForEver, 'shared spins')
    await signals.waitFor('shared spins', set)
    // Waiting behind it, not begun: it runs elsewhere.
    const behind = goaway(threadOf)
    const failures = Promise.all(neighbours.map(failureOf))
    loop.cancel()
    t.equal((await failureOf(loop)).code, 'ERR_GOAWAY_CANCELLED')
    for (const failure of await failures) {
      t.equal(failure.code, 'ERR_GOAWAY_THREAD_LOST')
      t.equal(failure.maybeExecuted, true)
      t.equal(failure.thread, thread)
      t.ok(failure.message.includes(`by routine the loop (${loop.id})`), failure.message)
    }
    t.not(await behind, thread)
  },
)

test('Children of a routine that was killed are stopped, within their own graceMs', {
  threads: 2,
}, async (t) => {
  const parent = goaway.with({ graceMs: 20 })(parentThatSpins, 'parent', graceMsDefault + 500)
  await signals.waitFor('parent', set)
  parent.cancel()
  t.equal((await failureOf(parent)).code, 'ERR_GOAWAY_CANCELLED')
  // The child waits for its signal, and says that it was told: later than others would have to.
  await signals.waitFor('parent child stopped', set, { timeoutMs: 60_000 })
})

test('Locks of a routine that was killed go to whoever waits', { threads: 2 }, async (t) => {
  const holder = goaway.with({ graceMs: 20 })(holdAndSpin, 'held by the killed')
  await signals.waitFor('held by the killed', set)
  const waiting = Lock('held by the killed').acquire()
  holder.cancel()
  t.equal((await failureOf(holder)).code, 'ERR_GOAWAY_CANCELLED')
  const held = await waiting
  t.ok(held.token > 1)
  await held.release()
})
