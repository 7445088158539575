/** Every executor passes the suite of the contract; and `goaway` runs on any of them. */
import { BroadcastChannel, type MessagePort, receiveMessageOnPort } from 'node:worker_threads'
import { type GoawayError, goaway, init, shutdown } from 'goaway'
import t from 'tap'
import type { Executor, Report } from '../../lib/executor/contract.ts'
import { Pool } from '../../lib/executor/pool.ts'
import { ThreadExecutor } from '../../lib/executor/thread-executor.ts'
import { Hub } from '../../lib/hub/hub.ts'
import { createHubWords } from '../../lib/wire/shared-words.ts'
import { InlineExecutor } from './inline-executor.ts'
import {
  begun,
  cleaned,
  double,
  made,
  produce,
  refuse,
  refuseAloud,
  runUntilCancelled,
} from './routines.ts'
import { executorSuite, newCounts, Rig } from './suite.ts'

/** A ThreadExecutor in a hub of this thread. Orders of one moment are worked through together. */
function threadExecutor(
  report: Report,
  later: (act: () => void) => unknown = setImmediate,
): Executor {
  const hubWords = createHubWords()
  const pool = new Pool({
    threadsCeiling: 8,
    env: { ...process.env } as Record<string, string>,
    execArgv: [],
    argv: [],
    resourceLimits: undefined,
  })
  const sizes = { threads: 2, threadsMax: 4, threadsCeiling: 8, window: 8 }
  const hub = new Hub({
    node: 'local',
    words: hubWords,
    firstClient: 0,
    executor: (host) =>
      new ThreadExecutor({ ...sizes, node: 'local', pool, hubWords }, host, report),
  })
  const soon = <Args extends unknown[]>(act: (...args: Args) => void) => {
    return (...args: Args): void => {
      act(...args)
      later(() => hub.turn())
    }
  }
  const { executor } = hub
  return {
    submit: soon((task) => executor.submit(task)),
    cancel: soon((routine, reason, graceMs) => executor.cancel(routine, reason, graceMs)),
    credit: soon((routine, values) => executor.credit(routine, values)),
    finish: soon((routine) => executor.finish(routine)),
    close: (graceMs) => hub.close(graceMs),
  }
}

t.test('ThreadExecutor', (t) => {
  executorSuite(t, threadExecutor)
  t.end()
})

t.test('A routine that began in time runs again, however late its timer is', async (t) => {
  const rig = new Rig((report) => threadExecutor(report, (act) => act()))
  await rig.result(rig.submit(double, [1]))
  // The executor tells of running routines by a timer, and would see this one by it.
  await new Promise((resolve) => setTimeout(resolve, 50))
  const channel = new BroadcastChannel('begun')
  const routine = rig.submit(refuseAloud, ['begun'], { attemptsMax: 2, queueTimeoutMs: 5 })
  const assigned = performance.now()
  // The hub is in this thread: when it hears that the routine has begun, its timer is due.
  const pause = newCounts()
  while (receiveMessageOnPort(channel as unknown as MessagePort) === undefined) {
    if (performance.now() > assigned + 60_000) throw new Error('It does not begin')
    Atomics.wait(pause, 0, 0, 5)
  }
  Atomics.wait(pause, 0, 0, 100)
  t.equal((await rig.error(routine)).message, 'attempt 2')
  channel.close()
  await rig.executor.close(0)
})

t.test('InlineExecutor of the tests', (t) => {
  executorSuite(t, (report) => new InlineExecutor(report))
  t.end()
})

t.test('init({ executor }) runs all routines of the program on it', async (t) => {
  await init({ executor: (report) => new InlineExecutor(report) })
  const counts = new Int32Array(new SharedArrayBuffer(16))
  const routine = goaway(double, 4)
  t.equal(await routine, 8)
  t.equal(routine.node, 'inline')
  t.equal(routine.status, 'done')
  await t.rejects(goaway(refuse, counts), { name: 'RangeError', message: 'attempt 1', own: 1 })
  t.equal(Atomics.load(counts, begun), 1)

  const values: number[] = []
  for await (const value of goaway(produce, counts, 100)) {
    values.push(value)
    if (value === 2) break
  }
  t.same(values, [0, 1, 2])
  t.equal(Atomics.load(counts, cleaned), 1)
  t.ok(Atomics.load(counts, made) <= 19, 'no further ahead than the credit')

  const stopped = goaway(runUntilCancelled, counts)
  while (stopped.status === 'queued') await new Promise(setImmediate)
  stopped.cancel()
  await t.rejects(stopped, { code: 'ERR_GOAWAY_CANCELLED' })
  t.equal(stopped.status, 'cancelled')

  const left = goaway(runUntilCancelled, counts)
  const failure = left.then(
    () => undefined,
    (error: GoawayError) => error.code,
  )
  await shutdown({ graceMs: 0 })
  t.equal(await failure, 'ERR_GOAWAY_SHUTDOWN')
  await t.rejects(goaway(double, 1), { code: 'ERR_GOAWAY_SHUTDOWN' })
})

for (const [how, executor] of [
  ['settles twice', doubleSettler],
  ['forgets', () => new Forgetful()],
] as const) {
  t.test(`An executor that ${how} leaves no promise open`, async (t) => {
    await init({ executor })
    const routine = goaway(double, 2)
    const outcome = routine.then(
      (value) => value,
      (error: GoawayError) => error.code,
    )
    if (how === 'settles twice') t.equal(await outcome, 4)
    const closed = shutdown({ graceMs: 0 })
    if (how === 'forgets') await t.rejects(closed, { message: 'It does not even close' })
    else await closed
    t.equal(await outcome, how === 'forgets' ? 'ERR_GOAWAY_SHUTDOWN' : 4)
  })
}

class Forgetful implements Executor {
  submit(): void {}
  cancel(): void {}
  credit(): void {}
  finish(): void {}
  async close(): Promise<void> {
    throw new Error('It does not even close')
  }
}

function doubleSettler(report: Report): Executor {
  return new InlineExecutor({
    started: (...args) => report.started(...args),
    value: (...args) => report.value(...args),
    settled: (routine, outcome) => {
      report.settled(routine, outcome)
      report.settled(routine, outcome)
    },
  })
}
