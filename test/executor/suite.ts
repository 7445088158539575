/** The contract of `lib/executor/contract.ts`, as tests that every executor passes. */
import { once } from 'node:events'
import { MessageChannel } from 'node:worker_threads'
import type { Test } from 'tap'
import { errorOf, recordOf } from '../../lib/client/error-codec.ts'
import { locate } from '../../lib/client/locate.ts'
import { packPayload, packRepeatable, unpackPayload } from '../../lib/client/payload.ts'
import { packCall } from '../../lib/client/values.ts'
import { GoawayError } from '../../lib/errors.ts'
import type { Executor, Outcome, Report, Task } from '../../lib/executor/contract.ts'
import { defaultTerms } from '../../lib/handles/routine-options.ts'
import type { MessagePortLike, Payload, RoutineTerms } from '../../lib/wire/messages.ts'
import {
  begun,
  cleaned,
  double,
  doubleLater,
  giveFunction,
  made,
  mark,
  produce,
  produceLater,
  refuse,
  runUntilCancelled,
  succeedAt,
} from './routines.ts'

export type MakeExecutor = (report: Report) => Executor

/** What was told of one routine. */
interface Told {
  readonly values: unknown[]
  readonly attempts: number[]
  settled: number
  outcome: Outcome | undefined
}

const cancelled = recordOf(new GoawayError('ERR_GOAWAY_CANCELLED', 'not wanted'))

/** An executor with all that it tells, and what was asked of it. */
export class Rig implements Report {
  readonly executor: Executor
  readonly told = new Map<number, Told>()
  readonly credit = new Map<number, number>()
  readonly broken: string[] = []
  #next = 1

  constructor(make: MakeExecutor) {
    this.executor = make(this)
  }

  submit(
    fn: (...args: never[]) => unknown,
    args: readonly unknown[] | Uint8Array | MessagePortLike,
    terms: Partial<RoutineTerms> = {},
  ): number {
    const routine = this.#next++
    this.told.set(routine, { values: [], attempts: [], settled: 0, outcome: undefined })
    const all: RoutineTerms = { ...defaultTerms, ...terms }
    const pack = all.attemptsMax > 1 ? packRepeatable : packPayload
    const payload = Array.isArray(args) ? pack(args, 'argument') : (args as Payload)
    const task: Task = { routine, owner: 0, address: locate(fn), payload, terms: all }
    this.executor.submit(task)
    return routine
  }

  give(routine: number, credit: number): void {
    this.credit.set(routine, (this.credit.get(routine) ?? 0) + credit)
    this.executor.credit(routine, credit)
  }

  started(routine: number, _node: string, _thread: number, attempt: number): void {
    this.#toldOf(routine).attempts.push(attempt)
  }

  value(routine: number, payload: Payload): void {
    const told = this.#toldOf(routine)
    told.values.push(unpackPayload(payload))
    if (told.values.length > (this.credit.get(routine) ?? 0)) this.broken.push('credit')
    if (told.settled > 0) this.broken.push('a value after the end')
  }

  settled(routine: number, outcome: Outcome): void {
    const told = this.#toldOf(routine)
    told.outcome = outcome
    if (++told.settled > 1) this.broken.push('settled twice')
  }

  #toldOf(routine: number): Told {
    return this.told.get(routine) as Told
  }

  values(routine: number): unknown[] {
    return this.#toldOf(routine).values
  }

  isSettled(routine: number): boolean {
    return this.#toldOf(routine).settled > 0
  }

  async result(routine: number): Promise<unknown> {
    await until(() => this.isSettled(routine))
    const { outcome } = this.#toldOf(routine)
    if (outcome?.ok !== true) throw new Error(`It failed: ${(await this.error(routine)).message}`)
    return unpackPayload(outcome.payload)
  }

  async error(routine: number): Promise<GoawayError> {
    await until(() => this.isSettled(routine))
    const { outcome } = this.#toldOf(routine)
    if (outcome?.ok !== false) throw new Error('It did not fail')
    return errorOf(outcome.error)
  }
}

/** Looks until it holds; the test's own time limit ends it. */
export async function until(holds: () => boolean): Promise<void> {
  while (!holds()) await new Promise((resolve) => setTimeout(resolve, 1))
}

export function newCounts(): Int32Array {
  return new Int32Array(new SharedArrayBuffer(16))
}

const read = (counts: Int32Array, at: number): number => Atomics.load(counts, at)

/** Arguments on a port, and a promise that the port was closed. */
function portWith(args: readonly unknown[]): { port: MessagePortLike; closed: Promise<unknown> } {
  const { port1, port2 } = new MessageChannel()
  port1.postMessage(packCall(args, 'argument'))
  // So that the wait for its end keeps the test alive.
  port1.ref()
  return { port: port2 as unknown as MessagePortLike, closed: once(port1, 'close') }
}

/** Runs the suite: each test with an executor of its own. */
export function executorSuite(t: Test, make: MakeExecutor): void {
  const test = (name: string, act: (t: Test, rig: Rig) => Promise<void>): void => {
    t.test(name, async (t) => {
      const rig = new Rig(make)
      await act(t, rig)
      await rig.executor.close(0)
      // Whatever is still under way would arrive by now.
      await new Promise((resolve) => setTimeout(resolve, 20))
      t.same(rig.broken, [], 'nothing was told against the contract')
      const counts = [...rig.told.values()].map(({ settled }) => settled)
      t.ok(
        counts.every((count) => count === 1),
        'each task was settled exactly once',
      )
    })
  }
  resultTests(test)
  cancelTests(test)
  generatorTests(test)
  closeTests(test)
}

type TestWithRig = (name: string, act: (t: Test, rig: Rig) => Promise<void>) => void

function resultTests(test: TestWithRig): void {
  test('settles with the result, of a function of either sort', async (t, rig) => {
    t.equal(await rig.result(rig.submit(double, [21])), 42)
    t.equal(await rig.result(rig.submit(doubleLater, [21])), 42)
    const many = Array.from({ length: 100 }, (_, value) => rig.submit(double, [value]))
    const results = await Promise.all(many.map((routine) => rig.result(routine)))
    t.same(
      results,
      Array.from({ length: 100 }, (_, value) => value * 2),
    )
  })

  test('reads arguments that lie on a port', async (t, rig) => {
    const { port, closed } = portWith([4])
    t.equal(await rig.result(rig.submit(double, port)), 8)
    await closed
  })

  test('settles with the error that was thrown', async (t, rig) => {
    const error = await rig.error(rig.submit(refuse, [newCounts()]))
    t.match(error, { name: 'RangeError', message: 'attempt 1', own: 1 })
    t.equal((await rig.error(rig.submit(giveFunction, []))).code, 'ERR_GOAWAY_VALUE')
  })

  test('runs a task again only as often as it was asked to', async (t, rig) => {
    const never = newCounts()
    await rig.error(rig.submit(refuse, [never]))
    t.equal(read(never, begun), 1)
    t.equal(await rig.result(rig.submit(succeedAt, [3], { attemptsMax: 5 })), 3)
    const error = await rig.error(rig.submit(succeedAt, [9], { attemptsMax: 3 }))
    t.equal(error.message, 'attempt 3')
    const once = newCounts()
    await rig.error(rig.submit(refuse, portWith([once]).port, { attemptsMax: 3 }))
    t.equal(read(once, begun), 1, 'its arguments can be read once')
  })
}

function cancelTests(test: TestWithRig): void {
  test('never begins a task that is cancelled before, and drops its arguments', async (t, rig) => {
    const counts = newCounts()
    const { port, closed } = portWith([counts])
    const routine = rig.submit(mark, port)
    rig.executor.cancel(routine, cancelled, 1_000)
    t.equal((await rig.error(routine)).code, 'ERR_GOAWAY_CANCELLED')
    await closed
    await rig.result(rig.submit(double, [1]))
    t.equal(read(counts, begun), 0)
  })

  test('asks a task that runs to stop, and settles it with the reason', async (t, rig) => {
    const counts = newCounts()
    const routine = rig.submit(runUntilCancelled, [counts])
    await until(() => read(counts, begun) === 1)
    rig.executor.cancel(routine, cancelled, Infinity)
    rig.executor.cancel(routine, cancelled, Infinity)
    t.equal((await rig.error(routine)).code, 'ERR_GOAWAY_CANCELLED')
    t.equal(read(counts, cleaned), 1)
    rig.executor.cancel(routine, cancelled, 0)
  })

  test('does nothing for a routine that it does not know', async (t, rig) => {
    rig.executor.cancel(999, cancelled, 0)
    rig.executor.credit(999, 5)
    rig.executor.finish(999)
    t.equal(await rig.result(rig.submit(double, [1])), 2)
  })
}

function generatorTests(test: TestWithRig): void {
  for (const generator of [produce, produceLater]) {
    test(`${generator.name}: makes no more values than there is credit`, async (t, rig) => {
      const counts = newCounts()
      const routine = rig.submit(generator, [counts, 10])
      await rig.result(rig.submit(double, [1]))
      t.same(rig.values(routine), [])
      rig.give(routine, 3)
      await until(() => rig.values(routine).length === 3)
      await rig.result(rig.submit(double, [1]))
      t.equal(read(counts, made), 3)
      rig.give(routine, 4)
      await until(() => rig.values(routine).length === 7)
      t.equal(read(counts, made), 7)
      rig.give(routine, 100)
      await rig.result(routine)
      t.same(rig.values(routine), [0, 1, 2, 3, 4, 5, 6, 7, 8, 9])
      t.equal(read(counts, cleaned), 1)
    })

    test(`${generator.name}: counts credit that comes before it begins`, async (t, rig) => {
      const counts = newCounts()
      const routine = rig.submit(generator, [counts, 10])
      rig.give(routine, 2)
      rig.give(routine, 2)
      await until(() => rig.values(routine).length === 4)
      await rig.result(rig.submit(double, [1]))
      t.equal(read(counts, made), 4)
    })

    test(`${generator.name}: runs its finally blocks when it is finished`, async (t, rig) => {
      const counts = newCounts()
      const routine = rig.submit(generator, [counts, 1_000_000])
      rig.give(routine, 2)
      await until(() => rig.values(routine).length === 2)
      rig.executor.finish(routine)
      rig.executor.finish(routine)
      await until(() => rig.isSettled(routine))
      t.equal(read(counts, cleaned), 1)
    })

    test(`${generator.name}: cleans up when it is cancelled between two values`, async (t, rig) => {
      const counts = newCounts()
      const routine = rig.submit(generator, [counts, 10])
      rig.give(routine, 1)
      await until(() => rig.values(routine).length === 1)
      rig.executor.cancel(routine, cancelled, Infinity)
      t.equal((await rig.error(routine)).code, 'ERR_GOAWAY_CANCELLED')
      t.equal(read(counts, cleaned), 1)
    })
  }

  test('ends a generator that is finished before it begins', async (t, rig) => {
    const counts = newCounts()
    const { port, closed } = portWith([counts, 10])
    const routine = rig.submit(produce, port)
    rig.give(routine, 5)
    rig.executor.finish(routine)
    await until(() => rig.isSettled(routine))
    await closed
    t.same(rig.values(routine), [])
    t.equal(read(counts, begun), 0)
  })
}

function closeTests(test: TestWithRig): void {
  test('close() lets what runs end while there is grace', async (t, rig) => {
    const routine = rig.submit(doubleLater, [4])
    await rig.executor.close(60_000)
    t.ok(rig.isSettled(routine), 'nothing is left of it')
    t.equal(await rig.result(routine), 8)
  })

  test('close() stops all else, and settles it', async (t, rig) => {
    const counts = newCounts()
    const running = rig.submit(runUntilCancelled, [counts])
    const streaming = rig.submit(produce, [newCounts(), 10])
    rig.give(streaming, 1)
    await until(() => read(counts, begun) === 1 && rig.values(streaming).length === 1)
    const queued = rig.submit(runUntilCancelled, [newCounts()])
    await rig.executor.close(0)
    for (const routine of [running, streaming, queued]) {
      t.ok(rig.isSettled(routine))
      t.equal((await rig.error(routine)).code, 'ERR_GOAWAY_SHUTDOWN')
    }
  })

  test('refuses tasks after close(), and drops their arguments', async (t, rig) => {
    await rig.executor.close(0)
    const { port, closed } = portWith([1])
    const routine = rig.submit(double, port)
    t.equal((await rig.error(routine)).code, 'ERR_GOAWAY_SHUTDOWN')
    await closed
  })
}
