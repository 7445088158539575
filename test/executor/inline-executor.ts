/**
 * An executor that runs its tasks in the calling thread: what `lib/executor/contract.ts` asks for,
 * without threads. It cannot stop what does not look at its context, so a cancel settles at the
 * latest after its grace, and what the function still does is of no interest.
 */
import { errorOf, recordOf } from '../../lib/client/error-codec.ts'
import { dropPayload, isPort, packPayload, unpackPayload } from '../../lib/client/payload.ts'
import { scopes } from '../../lib/client/scope.ts'
import { GoawayError } from '../../lib/errors.ts'
import type { Executor, Outcome, Report, Task } from '../../lib/executor/contract.ts'
import { Producer } from '../../lib/executor/producer.ts'
import { resolveFunction } from '../../lib/executor/resolve-function.ts'
import type { ErrorRecord } from '../../lib/wire/error-record.ts'

const shutDown = (): ErrorRecord =>
  recordOf(new GoawayError('ERR_GOAWAY_SHUTDOWN', 'The executor was closed'))

class Running {
  readonly task: Task
  attempt = 0
  credit = 0
  values = 0
  finishing = false
  stopping: ErrorRecord | undefined
  producer: Producer | undefined
  readonly abort = new AbortController()
  timer: NodeJS.Timeout | undefined

  constructor(task: Task) {
    this.task = task
  }
}

export class InlineExecutor implements Executor {
  readonly #report: Report
  readonly #running = new Map<number, Running>()
  #closed = false

  constructor(report: Report) {
    this.#report = report
  }

  submit(task: Task): void {
    if (this.#closed) {
      dropPayload(task.payload)
      return this.#report.settled(task.routine, { ok: false, error: shutDown() })
    }
    const running = new Running(task)
    this.#running.set(task.routine, running)
    setImmediate(() => this.#start(running))
  }

  cancel(routine: number, reason: ErrorRecord, graceMs: number): void {
    const running = this.#running.get(routine)
    if (running === undefined || running.stopping !== undefined) return
    if (running.attempt === 0) return this.#settle(running, { ok: false, error: reason })
    running.stopping = reason
    running.abort.abort(errorOf(reason))
    running.producer?.finish()
    const end = (): void => this.#settle(running, { ok: false, error: reason })
    if (graceMs !== Infinity) running.timer = setTimeout(end, graceMs)
  }

  credit(routine: number, values: number): void {
    const running = this.#running.get(routine)
    if (running === undefined) return
    running.credit += values
    running.producer?.addCredit(values)
  }

  finish(routine: number): void {
    const running = this.#running.get(routine)
    if (running === undefined) return
    if (running.attempt === 0) return this.#settle(running, { ok: false, error: shutDown() })
    running.finishing = true
    running.producer?.finish()
  }

  async close(graceMs: number): Promise<void> {
    this.#closed = true
    const end = performance.now() + graceMs
    while (this.#running.size > 0 && performance.now() < end) await new Promise(setImmediate)
    for (const routine of [...this.#running.keys()]) this.cancel(routine, shutDown(), 0)
    while (this.#running.size > 0) await new Promise(setImmediate)
  }

  async #start(running: Running): Promise<void> {
    const { routine, address, payload } = running.task
    if (!this.#running.has(routine)) return
    running.attempt++
    this.#report.started(routine, 'inline', 0, running.attempt)
    try {
      const fn = await resolveFunction(address)
      const args = unpackPayload(payload) as unknown[]
      const result = this.#inside(running, () => fn(...args))
      if (address.kind !== 'function') return this.#stream(running, result as Iterator<unknown>)
      const value = await result
      this.#end(running, { ok: true, payload: packPayload(value, 'result') })
    } catch (error) {
      this.#end(running, { ok: false, error: recordOf(error) })
    }
  }

  #inside<T>(running: Running, act: () => T): T {
    const { abort, attempt, task } = running
    const { signal } = abort
    const place = { id: task.routine, node: 'inline', thread: 0, attempt, signal, noticed: false }
    const context = Object.defineProperty(place, 'cancelled', { get: () => signal.aborted })
    const scope = { owner: task.routine, held: new Map(), context, over: false }
    return scopes.run(scope, act)
  }

  #stream(running: Running, iterator: Iterator<unknown>): void {
    const { routine } = running.task
    running.producer = new Producer(iterator, {
      run: (act) => this.#inside(running, act),
      value: (value) => {
        const payload = packPayload(value, 'yielded value')
        if (running.stopping !== undefined || !this.#running.has(routine)) dropPayload(payload)
        else {
          running.values++
          this.#report.value(routine, payload)
        }
      },
      done: (value) => this.#end(running, { ok: true, payload: packPayload(value, 'result') }),
      failed: (error) => this.#end(running, { ok: false, error: recordOf(error) }),
    })
    if (running.finishing || running.stopping !== undefined) running.producer.finish()
    else running.producer.addCredit(running.credit)
  }

  #end(running: Running, outcome: Outcome): void {
    const { stopping, attempt, task } = running
    if (stopping !== undefined) return this.#settle(running, { ok: false, error: stopping })
    const mayRepeat = attempt < task.terms.attemptsMax && !isPort(task.payload)
    const again = !outcome.ok && mayRepeat && running.values === 0 && !this.#closed
    if (again && this.#running.has(task.routine)) setImmediate(() => this.#start(running))
    else this.#settle(running, outcome)
  }

  #settle(running: Running, outcome: Outcome): void {
    const { routine, payload } = running.task
    if (!this.#running.delete(routine)) return
    if (running.attempt === 0) dropPayload(payload)
    clearTimeout(running.timer)
    this.#report.settled(routine, outcome)
  }
}
