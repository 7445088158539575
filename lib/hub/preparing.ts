/**
 * Holds routines back until the nodes of the cluster have the code that they need, where that was
 * not found by following the program's imports.
 */
import { recordOf } from '../client/error-codec.ts'
import { dropPayload } from '../client/payload.ts'
import { GoawayError } from '../errors.ts'
import type { Executor, Report, Task } from '../executor/contract.ts'
import type { ErrorRecord } from '../wire/error-record.ts'
import type { FunctionAddress } from '../wire/messages.ts'

/** An executor as the hub drives it. */
export interface TaskRunner extends Executor {
  /** Whether something will happen that no thread has to ask for. */
  mayAct(): boolean
  /** Assigns what can start. Called once for a batch of inputs. */
  dispatch(): void
}

interface Held {
  readonly task: Task
  /** Values that its consumer wants by now. */
  credit: number
}

export class Preparing implements TaskRunner {
  /** Undefined: the code is there; else a promise of it. */
  prepare: (address: FunctionAddress) => Promise<void> | undefined = () => undefined
  readonly #inner: TaskRunner
  readonly #report: Report
  readonly #turn: () => void
  readonly #held = new Map<number, Held>()

  constructor(inner: TaskRunner, report: Report, turn: () => void) {
    this.#inner = inner
    this.#report = report
    this.#turn = turn
  }

  submit(task: Task): void {
    const prepared = task.terms.on === 'local' ? undefined : this.prepare(task.address)
    if (prepared === undefined) return this.#inner.submit(task)
    const { routine } = task
    this.#held.set(routine, { task, credit: 0 })
    prepared.then(
      () => {
        this.#submitHeld(routine)
        this.#turn()
      },
      (error: unknown) => {
        this.#refuse(routine, recordOf(error))
        this.#turn()
      },
    )
  }

  #submitHeld(routine: number): void {
    const held = this.#held.get(routine)
    if (held === undefined) return
    this.#held.delete(routine)
    this.#inner.submit(held.task)
    if (held.credit > 0) this.#inner.credit(routine, held.credit)
  }

  #refuse(routine: number, error: ErrorRecord): boolean {
    const held = this.#held.get(routine)
    if (held === undefined) return false
    this.#held.delete(routine)
    dropPayload(held.task.payload)
    this.#report.settled(routine, { ok: false, error })
    return true
  }

  cancel(routine: number, reason: ErrorRecord, graceMs: number): void {
    if (!this.#refuse(routine, reason)) this.#inner.cancel(routine, reason, graceMs)
  }

  credit(routine: number, values: number): void {
    const held = this.#held.get(routine)
    if (held === undefined) this.#inner.credit(routine, values)
    else held.credit += values
  }

  finish(routine: number): void {
    const text = 'No value of this generator is wanted any more'
    const reason = recordOf(new GoawayError('ERR_GOAWAY_CANCELLED', text))
    if (!this.#refuse(routine, reason)) this.#inner.finish(routine)
  }

  mayAct(): boolean {
    return this.#held.size > 0 || this.#inner.mayAct()
  }

  dispatch(): void {
    this.#inner.dispatch()
  }

  async close(graceMs: number): Promise<void> {
    await this.#inner.close(graceMs)
    const text = 'The routine was stopped before its code was there: shutdown() was called'
    const reason = recordOf(new GoawayError('ERR_GOAWAY_SHUTDOWN', text))
    for (const routine of [...this.#held.keys()]) this.#refuse(routine, reason)
  }
}
