/**
 * What a node gives back of what waits for a thread. The threads are the test's own: they begin
 * what it lets them begin.
 */
import { MessageChannel } from 'node:worker_threads'
import t from 'tap'
import { locate } from '../../lib/client/locate.ts'
import type { Report, Task } from '../../lib/executor/contract.ts'
import { ThreadExecutor } from '../../lib/executor/thread-executor.ts'
import type { ThreadHost } from '../../lib/executor/thread-host.ts'
import type { ThreadPool } from '../../lib/executor/thread-pool.ts'
import { defaultTerms } from '../../lib/handles/routine-options.ts'
import type { RunMessage } from '../../lib/wire/messages.ts'
import { createHubWords, ThreadWords } from '../../lib/wire/shared-words.ts'
import { where } from './cluster-routines.ts'

const nobody: Report = { started() {}, value() {}, settled() {} }

/** An executor with one thread, which the test plays. */
class Stand {
  readonly executor: ThreadExecutor
  readonly #runs: Extract<RunMessage, readonly ['run', ...unknown[]]>[] = []
  #words: ThreadWords | undefined

  constructor() {
    const { port1 } = new MessageChannel()
    port1.unref()
    const pool: ThreadPool = {
      open: ({ words }) => {
        this.#words = new ThreadWords(words)
        return { port: port1, ended: new Promise<void>(() => {}), kill: () => {} }
      },
      destroy: async () => {},
    }
    const host: ThreadHost = {
      nextClient: () => 1,
      attach: () => {},
      detach: () => {},
      send: (_client, message) => {
        if (message[0] === 'run') this.#runs.push(message)
      },
      deliveries: () => 1,
      routineStopping: () => {},
      routineEnded: () => {},
      hasStarted: () => false,
      turn: () => {},
    }
    const sizes = { threads: 1, threadsMax: 1, threadsCeiling: 1, window: 8 }
    const options = { ...sizes, node: 'node-1', pool, hubWords: createHubWords(), clustered: true }
    this.executor = new ThreadExecutor(options, host, nobody)
  }

  submit(...routines: readonly number[]): void {
    for (const routine of routines) {
      const task: Task = {
        ...{ routine, owner: 0, address: locate(where), payload: null, terms: defaultTerms },
      }
      this.executor.submit(task)
    }
    this.executor.dispatch()
  }

  /** The thread is there, and gets what waits. */
  open(): void {
    this.executor.received(1, ['open'])
    this.executor.dispatch()
  }

  /** The thread begins these, or takes them to give them back. */
  claim(...routines: readonly number[]): void {
    for (const [, routine, slot, ticket] of this.#runs) {
      if (routines.includes(routine)) this.#words?.claim(slot, ticket)
    }
  }

  takeBack(most: number): { given: number[]; left: number } {
    const { tasks, left } = this.executor.takeBack(most, () => true)
    return { given: tasks.map(({ routine }) => routine), left }
  }
}

t.test('What was given back and comes again is given back once', async (t) => {
  const stand = new Stand()
  stand.submit(1, 2, 3)
  t.same(stand.takeBack(1), { given: [3], left: 2 })
  stand.submit(3)
  t.same(stand.takeBack(9), { given: [3, 2], left: 1 })
  t.equal(stand.executor.counts.taken, 1, 'and is counted once')
  await stand.executor.close(0)
})

t.test('What a thread that parks is about to return is still left', async (t) => {
  const stand = new Stand()
  stand.submit(1, 2, 3)
  stand.open()
  stand.claim(1, 2)
  t.same(stand.takeBack(9), { given: [3], left: 1 })
  t.same(stand.takeBack(9), { given: [], left: 1 }, 'it may have begun, or come back')
  stand.executor.received(1, ['parked', [2], 1])
  t.same(stand.takeBack(9), { given: [2], left: 0 })
  await stand.executor.close(0)
})
