/** Routines through the public API, on one running thread, which parked routines have to share. */

import process from 'node:process'
import { context, type GoawayError, goaway, init, type Routine, shutdown } from 'goaway'
import t from 'tap'
import {
  add,
  addLater,
  askChild,
  exitUntil,
  failUntil,
  lengthOf,
  mark,
  parkForEver,
  parkUntil,
  signals,
  spin,
  takeNumber,
  tellContext,
  threadOf,
  waitForAbort,
} from './routines.ts'
import { SlowGate } from './slow-gate.ts'
import { slowMark } from './slow-module.ts'

const slowGate = new SlowGate()
await init({ threads: 1, threadsMax: 1 })
// Where all routines run: these tests are also run on a cluster of one node.
const isClustered = process.env.GOAWAY_CLUSTER !== undefined
const home = isClustered ? 'node-1' : 'local'
t.teardown(() => shutdown({ graceMs: 0 }))

const set = (value: unknown): boolean => value === 1

/** What a routine rejects with. */
async function failureOf(routine: PromiseLike<unknown>): Promise<GoawayError> {
  try {
    await routine
  } catch (error) {
    return error as GoawayError
  }
  throw new Error('It did not fail')
}

async function codeOf(routine: PromiseLike<unknown>): Promise<string> {
  return (await failureOf(routine)).code
}

/** Occupies the only thread that may run, until the function that it returns is called. */
async function occupy(name: string): Promise<() => Promise<void>> {
  const routine = goaway.with({ graceMs: Infinity })(spin, name, 'cancelled')
  await signals.waitFor(name, set)
  return async () => {
    routine.cancel()
    await routine.catch(() => {})
  }
}

/** The hub has all that was sent before; a read without a message would say nothing of that. */
const taken = () => signals.keys()

t.test('goaway() gives a promise of the result, typed by the function', async (t) => {
  const routine: Routine<number> = goaway(add, 1, 2)
  t.ok(routine.id > 0)
  t.equal(await routine, 3)
  const later: Routine<number> = goaway(addLater, 3, 4)
  t.equal(await later, 7)
  // @ts-expect-error: the arguments are those of the function
  t.equal(await goaway(add, 'a', 'b'), 'ab')
})

const alone = { skip: isClustered && 'there are others' }
t.test('on: without a cluster this node is the only one', alone, async (t) => {
  t.equal(await goaway.with({ on: 'local' })(add, 1, 2), 3)
  const message = /^Routine add has no node to run on: "node-1" is neither a node.*there are local$/
  await t.rejects(goaway.with({ on: 'node-1' })(add, 1, 2), { code: 'ERR_GOAWAY_CONFIG', message })
})

t.test(
  'goaway.with() refuses an option that it does not know, or a value out of range',
  async (t) => {
    const bad: [Record<string, unknown>, RegExp][] = [
      [{ on: '' }, /Option on has to be the name of a node, a label, or 'local'.*: ''/],
      [{ timeout: 1 }, /Unknown option of goaway.with\(\): timeout; there are signal,/],
      [{ signal: {} }, /Option signal has to be an AbortSignal: \{\}/],
      [{ graceMs: -1 }, /graceMs/],
      [{ timeoutMs: 0 }, /timeoutMs/],
      [{ timeoutMs: 2 ** 31 }, /timeoutMs/],
      [{ queueTimeoutMs: '1' }, /queueTimeoutMs/],
      [{ priority: 0.5 }, /priority/],
      [{ transfer: new ArrayBuffer(1) }, /transfer/],
      [{ isolate: 1 }, /isolate/],
      [{ retries: 100, idempotent: true }, /retries/],
      [{ retries: 1 }, /Option retries needs idempotent: true/],
      [{ retries: 1, idempotent: true, transfer: [new ArrayBuffer(1)] }, /transfer cannot go with/],
      [{ idempotent: 'yes' }, /idempotent/],
      [{ name: 'n'.repeat(1025) }, /name/],
    ]
    for (const [options, message] of bad) t.throws(() => goaway.with(options), message)
    t.throws(() => goaway.with(null as never), TypeError)
  },
)

t.test('context() tells a routine its id, node, thread and attempt', async (t) => {
  const routine = goaway(tellContext)
  const told = await routine
  t.same(told, { id: routine.id, node: home, thread: told.thread, attempt: 1 })
  t.ok(told.thread > 0)
})

t.test('context() outside of any routine is never cancelled', async (t) => {
  t.same(tellContext(), { id: 0, node: 'local', thread: 0, attempt: 1 })
  t.equal(context().cancelled, false)
  t.equal(context().signal.aborted, false)
})

t.test('A loop without any await sees that it is cancelled', async (t) => {
  for (const look of ['cancelled', 'aborted', 'throwIfAborted'] as const) {
    const name = `cancel ${look}`
    // Nothing but the loop itself can end it.
    const routine = goaway.with({ graceMs: Infinity })(spin, name, look)
    await signals.waitFor(name, set)
    routine.cancel('enough')
    const error = await failureOf(routine)
    t.equal(error.code, 'ERR_GOAWAY_CANCELLED', look)
    t.equal(error.cause, 'enough')
    t.equal(routine.status, 'cancelled')
    t.equal(await signals.get(`${name} stopped`), look === 'throwIfAborted' ? undefined : 1)
  }
})

t.test('A loop without any await sees that its time is over', async (t) => {
  for (const look of ['cancelled', 'aborted', 'throwIfAborted'] as const) {
    const name = `timeout ${look}`
    const routine = goaway.with({ graceMs: Infinity, timeoutMs: 50 })(spin, name, look)
    const error = await failureOf(routine)
    t.equal(error.code, 'ERR_GOAWAY_TIMEOUT', look)
    t.equal(error.maybeExecuted, true)
    t.equal(routine.status, 'failed')
  }
})

t.test('An asynchronous routine is told by its signal', async (t) => {
  const controller = new AbortController()
  const order = goaway.with({ signal: controller.signal, graceMs: Infinity })
  const routine = order(waitForAbort, 'signal')
  await signals.waitFor('signal', set)
  controller.abort('by signal')
  const error = await failureOf(routine)
  t.equal(error.code, 'ERR_GOAWAY_CANCELLED')
  t.equal(error.cause, 'by signal')
})

t.test('A signal that has aborted already refuses the routine at once', async (t) => {
  const routine = goaway.with({ signal: AbortSignal.abort('never') })(mark, 'aborted before')
  t.equal(routine.id, 0)
  t.equal(routine.status, 'cancelled')
  t.equal(await codeOf(routine), 'ERR_GOAWAY_CANCELLED')
  await goaway(add, 0, 0)
  t.equal(await signals.get('aborted before'), undefined)
})

t.test('A routine that is cancelled while it is queued never starts', async (t) => {
  const release = await occupy('occupied for cancel')
  // So many that some are assigned in advance, and some are in the queue.
  const routines = Array.from({ length: 80 }, () => goaway(mark, 'started though cancelled'))
  await taken()
  for (const routine of routines) {
    t.equal(routine.status, 'queued')
    routine.cancel()
  }
  const codes = await Promise.all(routines.map(codeOf))
  t.same([...new Set(codes)], ['ERR_GOAWAY_CANCELLED'])
  t.ok(routines.every(({ status }) => status === 'cancelled'))
  await release()
  await goaway(add, 0, 0)
  t.equal(await signals.get('started though cancelled'), undefined)
})

t.test('A routine that is cancelled while its module is loaded is not called', async (t) => {
  // With a limit of time it is told when it begins, which is before its module is loaded.
  const routine = goaway.with({ timeoutMs: 120_000, graceMs: Infinity })(slowMark)
  while (routine.status === 'queued') await new Promise(setImmediate)
  routine.cancel()
  const code = codeOf(routine)
  await taken()
  slowGate.open()
  t.equal(await code, 'ERR_GOAWAY_CANCELLED')
  // At another node nothing keeps it loading until then.
  if (!isClustered) t.equal(await signals.get('slow called'), undefined)
})

t.test('Status goes from queued over running to its end', async (t) => {
  const routine = goaway.with({ timeoutMs: 60_000 })(parkUntil, 'status')
  t.equal(routine.status, 'queued')
  t.equal(routine.node, undefined)
  await signals.waitFor('status begun', set)
  t.equal(routine.status, 'running')
  t.equal(routine.node, home)
  await signals.set('status', 1)
  await routine
  t.equal(routine.status, 'done')
  routine.cancel()
  t.equal(routine.status, 'done', 'cancel after the end does nothing')
  const failed = goaway(failUntil, 2)
  await t.rejects(failed, RangeError)
  t.equal(failed.status, 'failed')
})

t.test('retries runs a routine that failed again, with the number of the attempt', async (t) => {
  const order = goaway.with({ retries: 2, idempotent: true })
  t.equal(await order(failUntil, 3), 3)
  const error = await failureOf(order(failUntil, 4))
  t.match(error, { name: 'RangeError', message: 'attempt 3', attempt: 3 })
  t.match(await failureOf(goaway(failUntil, 2)), { message: 'attempt 1', attempt: 1 })
})

t.test('retries runs a routine again that lost its thread', async (t) => {
  t.equal(await goaway.with({ retries: 1, idempotent: true })(exitUntil, 2), 2)
  const error = await failureOf(goaway(exitUntil, 2))
  t.match(error, { code: 'ERR_GOAWAY_THREAD_LOST', maybeExecuted: true, attempt: 1 })
})

t.test('queueTimeoutMs ends the wait for a start', async (t) => {
  const release = await occupy('occupied for queueTimeoutMs')
  const waiting = goaway.with({ queueTimeoutMs: 30, name: 'waiting' })(mark, 'started too late')
  const error = await failureOf(waiting)
  t.equal(error.code, 'ERR_GOAWAY_QUEUE_TIMEOUT')
  t.match(error.message, /Routine waiting waited longer than its queueTimeoutMs: 30/)
  await release()
  await goaway(add, 0, 0)
  t.equal(await signals.get('started too late'), undefined)
})

/** What runs is not ended by its time in the queue, nor what waits by its time to run. */
t.test('queueTimeoutMs counts until the start of the run, timeoutMs from there', async (t) => {
  // Both limits are longer than a machine may hold a thread up.
  const limitMs = 6_000
  const order = goaway.with({ queueTimeoutMs: limitMs, graceMs: Infinity })
  const started = order(spin, 'started in time', 'cancelled')
  const code = codeOf(started)
  await Promise.race([signals.waitFor('started in time', set), code])
  const queued = goaway.with({ timeoutMs: limitMs })(add, 2, 2)
  await taken()
  await new Promise((resolve) => setTimeout(resolve, limitMs + 100))
  t.equal(await signals.get('started in time stopped'), undefined, 'it runs on')
  t.equal(queued.status, 'queued')
  started.cancel()
  t.equal(await code, 'ERR_GOAWAY_CANCELLED')
  t.equal(await queued, 4)
})

// A node has some routines in advance, which later ones do not overtake.
const inAdvance = { skip: isClustered && 'a node has some in advance' }
t.test('priority goes before what was submitted earlier', inAdvance, async (t) => {
  const release = await occupy('occupied for priority')
  const low = Array.from({ length: 3 }, () => goaway.with({ priority: -1 })(takeNumber))
  const middle = Array.from({ length: 40 }, () => goaway(takeNumber))
  await taken()
  const high = Array.from({ length: 3 }, () => goaway.with({ priority: 5 })(takeNumber))
  await taken()
  await release()
  const numbers = await Promise.all([...high, ...middle, ...low])
  const first = numbers[0] as number
  t.same(
    numbers,
    Array.from(numbers, (_, index) => first + index),
  )
})

t.test('isolate keeps all others off its thread', async (t) => {
  const isolated = goaway.with({ isolate: true })(parkUntil, 'isolated')
  await signals.waitFor('isolated begun', set)
  const others = Array.from({ length: 5 }, () => goaway(parkUntil, 'beside'))
  await signals.waitFor('beside begun', (value) => value === 5)
  await signals.set('beside', 1)
  await signals.set('isolated', 1)
  const thread = await isolated
  const threads = await Promise.all(others)
  t.notOk(threads.includes(thread))
  t.equal(new Set(threads).size, 1, 'which the others share')
})

t.test('transfer moves its objects', async (t) => {
  const buffer = new ArrayBuffer(64)
  t.equal(await goaway.with({ transfer: [buffer] })(lengthOf, buffer), 64)
  t.equal(buffer.byteLength, 0)
})

t.test('Large arguments survive a routine being taken back from its thread', async (t) => {
  const release = await occupy('occupied for large arguments')
  const bytes = new Uint8Array(100_000)
  const routines = Array.from({ length: 40 }, () => goaway(lengthOf, bytes))
  await taken()
  const cancelled = routines.splice(10, 10)
  for (const routine of cancelled) routine.cancel()
  const codes = Promise.all(cancelled.map(codeOf))
  // These go before, so that the others are taken back from the thread's window.
  const urgent = Array.from({ length: 3 }, () => goaway.with({ priority: 1 })(lengthOf, bytes))
  await release()
  t.same([...new Set(await codes)], ['ERR_GOAWAY_CANCELLED'])
  t.ok((await Promise.all([...routines, ...urgent])).every((length) => length === 100_000))
})

t.test('name is what messages call it', async (t) => {
  const error = await failureOf(goaway.with({ name: 'the leaver' })(exitUntil, 2))
  t.match(error.message, /^Routine the leaver lost its thread/)
})

t.test('goaway() works in a routine', async (t) => {
  const parent = goaway(askChild, 4, 5)
  const [child, result] = await parent
  t.equal(result, 9)
  t.not(child, parent.id)
})

t.test('A thread is ended for a routine that does not stop in graceMs', async (t) => {
  const routine = goaway.with({ graceMs: 20 })(parkForEver, 'for ever')
  await signals.waitFor('for ever', set)
  routine.cancel()
  t.equal(await codeOf(routine), 'ERR_GOAWAY_CANCELLED')
  t.not(await goaway(threadOf), await signals.get('for ever thread'))
})

t.test('A second cancel, as that of shutdown(), may give less time than the first', async (t) => {
  const routine = goaway.with({ graceMs: Infinity })(parkForEver, 'no end to the grace')
  await signals.waitFor('no end to the grace', set)
  routine.cancel()
  const code = codeOf(routine)
  const started = performance.now()
  await shutdown({ graceMs: 50 })
  t.equal(await code, 'ERR_GOAWAY_CANCELLED')
  t.ok(performance.now() - started < 60_000)
})
