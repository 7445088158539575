/**
 * Runs routines on the threads of this node: from their submission to their one end, with attempts,
 * time limits, cancelling and blame. Which thread a routine gets is the affair of its team. It
 * lives in the hub.
 */
import { recordOf } from '../client/error-codec.ts'
import { dropPayload } from '../client/payload.ts'
import { type Clock, realClock } from '../clock.ts'
import type { GoawayError, GoawayErrorDetails } from '../errors.ts'
import { threadStartFailuresMax } from '../limits.ts'
import type { ErrorRecord } from '../wire/error-record.ts'
import type { Payload, ReportMessage } from '../wire/messages.ts'
import { Announcer } from './announcer.ts'
import type { Executor, Outcome, Report, Task } from './contract.ts'
import { LastEnd } from './last-end.ts'
import {
  failure,
  notStarted,
  overloaded,
  queuedRoutine,
  type RunningRoutine,
  titleOf,
  whyLost,
} from './running-routine.ts'
import type { ServedThread } from './served-thread.ts'
import { takeBack } from './take-back.ts'
import type { ThreadHost } from './thread-host.ts'
import { type LostThread, ThreadTeam, type ThreadTeamOptions } from './thread-team.ts'
import { TimerSet } from './timer-set.ts'
import { refusedAlone } from './wish-refusal.ts'

export class ThreadExecutor implements Executor {
  readonly #clock: Clock
  readonly #node: string
  readonly #clustered: boolean
  readonly #host: ThreadHost
  readonly #report: Report
  readonly #records = new Map<number, RunningRoutine>()
  readonly #timers: TimerSet
  readonly #team: ThreadTeam
  readonly #announcer: Announcer
  #startFailures = 0
  #taken = 0
  #closed: GoawayError | undefined
  readonly #lastEnd: LastEnd

  constructor(options: ThreadTeamOptions, host: ThreadHost, report: Report) {
    this.#clock = options.clock ?? realClock
    this.#timers = new TimerSet(this.#clock)
    this.#lastEnd = new LastEnd(this.#clock, () => this.#records.size === 0)
    this.#node = options.node
    this.#clustered = options.clustered ?? false
    this.#host = host
    this.#report = report
    this.#team = new ThreadTeam(options, host, this.#records, this.#timers, {
      assigned: () => this.#announcer.later(),
      unwanted: (record, error) => this.#settle(record, { ok: false, error }),
      lost: (lost) => this.#lost(lost),
    })
    this.#announcer = new Announcer({
      records: this.#records,
      timers: this.#timers,
      team: () => this.#team,
      tell: ({ task, thread, attempt }) =>
        report.started(task.routine, options.node, thread, attempt),
      turn: () => host.turn(),
    })
  }

  /** Opens threads in advance, so that the first routine need not wait for one. */
  warm(threads: number): void {
    this.#team.warm(threads)
  }

  get routines(): number {
    return this.#records.size
  }

  /** Routines on a thread, those parked or assigned in advance included. */
  routinesOn(thread: number): number {
    return this.#team.routinesOn(thread)
  }

  /** Routines taken so far, those of them that have not begun, and threads that run. */
  get counts(): { taken: number; waiting: number; running: number } {
    return { taken: this.#taken, waiting: this.#team.waiting, running: this.#team.running }
  }

  /** Whether something will happen that no thread has to ask for. */
  mayAct(): boolean {
    if (this.#team.mayAct()) return true
    for (const { timer, queueTimer } of this.#records.values()) {
      if (timer !== undefined || queueTimer !== undefined) return true
    }
    return false
  }

  /** Whether the thread has the routine: begun, or about to. */
  has(thread: number, routine: number): boolean {
    return this.#records.get(routine)?.thread === thread
  }

  /** Why the routine is being stopped, if it is. */
  stopping(routine: number): ErrorRecord | undefined {
    return this.#records.get(routine)?.stopping
  }

  submit(task: Task): void {
    const closed = this.#closed && recordOf(this.#closed)
    const refused =
      closed ?? overloaded(this.#records.size) ?? (this.#clustered ? undefined : refusedAlone(task))
    if (refused !== undefined) {
      dropPayload(task.payload)
      return this.#report.settled(task.routine, { ok: false, error: refused })
    }
    this.#taken++
    const record = queuedRoutine(task)
    this.#records.set(task.routine, record)
    // One that was made before has had its wait.
    if (task.terms.queueTimeoutMs > 0 && record.attempt === 0) this.#armQueueTimer(record)
    this.#team.enqueue(record)
  }

  /**
   * Takes back half of what waits for its start, so many at most, for whoever has idle threads. Its
   * tasks are not this executor's any more. `left`: how many more it might have been.
   */
  takeBack(most: number, isMeant: (task: Task) => boolean): { tasks: Task[]; left: number } {
    const { taken, left } = takeBack(this.#team, this.#records, most, isMeant)
    for (const record of taken) {
      this.#clear(record, 'queueTimer')
      this.#records.delete(record.task.routine)
    }
    this.#taken -= taken.length
    this.#lastEnd.look()
    return { tasks: taken.map(({ task }) => task), left }
  }

  cancel(routine: number, reason: ErrorRecord, graceMs: number): void {
    const record = this.#records.get(routine)
    if (record !== undefined) this.#stop(record, reason, graceMs)
  }

  /**
   * Takes a routine back if it has not begun, else asks it to stop; asked again, it may have less
   * time.
   */
  #stop(record: RunningRoutine, reason: ErrorRecord, graceMs: number): void {
    if (record.stopping === undefined) {
      if (this.#withdraw(record, reason)) return
      const { routine } = record.task
      const thread = this.#team.get(record.thread) as ServedThread
      record.stopping = reason
      thread.words.cancel(record.slot, record.ticket)
      this.#host.routineStopping(thread.client, routine, reason)
      this.#team.send(thread, ['abort', routine, reason])
      this.#clear(record, 'timer')
    }
    const killAt = this.#clock.now() + graceMs
    if (killAt >= record.killAt) return
    record.killAt = killAt
    this.#clear(record, 'timer')
    // It stays there when it has fired: the end of the thread that it kills is still to come.
    record.timer = this.#timers.start(graceMs, () => this.#kill(record))
  }

  /**
   * Settles a routine that has not begun. If its thread has claimed it, it has begun, or it is on
   * its way back: then it will not begin again.
   */
  #withdraw(record: RunningRoutine, reason: ErrorRecord): boolean {
    const withdrawn = this.#team.withdraw(record)
    if (withdrawn) this.#settle(record, { ok: false, error: reason })
    else record.unwanted ??= reason
    return withdrawn
  }

  #kill(record: RunningRoutine): void {
    const thread = this.#team.get(record.thread)
    if (thread === undefined) return
    thread.culprit = record.task.routine
    thread.pooled.kill()
  }

  credit(routine: number, values: number): void {
    const record = this.#records.get(routine)
    if (record === undefined) return
    record.credit += values
    const thread = this.#team.get(record.thread)
    if (thread !== undefined) this.#team.send(thread, ['credit', routine, values])
  }

  finish(routine: number): void {
    const record = this.#records.get(routine)
    if (record === undefined) return
    // If it has not begun it need not. The consumer does not look at how it ended.
    const reason = failure('ERR_GOAWAY_CANCELLED', 'No value of this generator is wanted any more')
    if (this.#withdraw(record, reason)) return
    record.waitedTooLong = false
    this.#team.send(this.#team.get(record.thread) as ServedThread, ['finish', routine])
  }

  /** Takes a report of a thread. */
  received(threadId: number, message: ReportMessage): void {
    const thread = this.#team.get(threadId)
    if (thread === undefined) return
    switch (message[0]) {
      case 'open':
        this.#startFailures = 0
        return this.#team.opened(thread)
      case 'began':
        return this.#began(message[1])
      case 'want':
        return this.#handOver(thread, message[1])
      case 'done':
        return this.#ended(thread, message[1], { ok: true, payload: message[2] })
      case 'failed':
        return this.#ended(thread, message[1], { ok: false, error: message[2] })
      case 'yield':
        return this.#yielded(message[1], message[2])
      case 'parked':
        return this.#team.parked(thread, message[1], message[2])
    }
  }

  /** The routine has begun: its large arguments, which can be sent once only, follow it. */
  #handOver(thread: ServedThread, routine: number): void {
    const record = this.#records.get(routine)
    if (record === undefined || record.thread !== thread.id || record.handedOver) return
    record.handedOver = true
    this.#team.send(thread, ['arguments', routine, record.task.payload])
  }

  #began(routine: number): void {
    const record = this.#records.get(routine)
    if (record === undefined) return
    this.#announcer.announce(record)
    this.#clear(record, 'queueTimer')
    // It has begun in time, whenever its timer came to be looked at.
    if (record.waitedTooLong) record.unwanted = undefined
    record.waitedTooLong = false
    const { timeoutMs, graceMs } = record.task.terms
    if (timeoutMs === 0 || record.stopping !== undefined) return
    record.timer = this.#timers.start(timeoutMs, () => {
      const text = `Routine ${titleOf(record)} ran longer than its timeoutMs: ${timeoutMs}`
      const details = { maybeExecuted: true, ...this.#placeOf(record) }
      this.#stop(record, failure('ERR_GOAWAY_TIMEOUT', text, details), graceMs)
      this.#host.turn()
    })
  }

  #yielded(routine: number, payload: Payload): void {
    const record = this.#records.get(routine)
    if (record === undefined || record.stopping !== undefined) return dropPayload(payload)
    record.yielded = true
    record.credit--
    this.#report.value(routine, payload)
  }

  #ended(thread: ServedThread, routine: number, outcome: Outcome): void {
    const record = this.#records.get(routine)
    if (record === undefined || record.thread !== thread.id) {
      if (outcome.ok) dropPayload(outcome.payload)
      return
    }
    this.#host.routineEnded(thread.client, routine)
    this.#team.ended(thread, record)
    this.#conclude(record, outcome)
  }

  /** Settles a routine that is over, or lets it run again. */
  #conclude(record: RunningRoutine, outcome: Outcome): void {
    const { terms } = record.task
    if (record.stopping !== undefined) {
      if (outcome.ok) dropPayload(outcome.payload)
      return this.#settle(record, { ok: false, error: record.stopping })
    }
    const mayRepeat = !record.yielded && record.unwanted === undefined && this.#closed === undefined
    if (outcome.ok || !mayRepeat || record.handedOver || record.attempt >= terms.attemptsMax) {
      return this.#settle(record, outcome)
    }
    this.#clear(record, 'timer')
    record.announced = false
    this.#team.enqueue(record)
  }

  #settle(record: RunningRoutine, outcome: Outcome): void {
    const { routine, payload } = record.task
    if (!record.handedOver) dropPayload(payload)
    this.#clear(record, 'queueTimer')
    this.#clear(record, 'timer')
    this.#records.delete(routine)
    this.#report.settled(routine, outcome)
    this.#lastEnd.look()
  }

  blocked(threadId: number): void {
    this.#team.blocked(threadId)
  }

  unblocked(threadId: number): void {
    this.#team.unblocked(threadId)
  }

  resumed(threadId: number): void {
    this.#team.resumed(threadId)
  }

  /** Assigns what can start. Called once for a batch of inputs. */
  dispatch(): void {
    this.#team.dispatch()
  }

  #lost({ thread, routines, cause }: LostThread): void {
    if (!thread.opened && cause !== undefined) this.#startFailed(cause)
    const { blamed } = thread
    // Named before any is settled: the one to blame may be the first.
    const culprit = this.#records.get(blamed)
    for (const id of routines) this.#lostRoutine(thread, id, culprit, cause)
  }

  #lostRoutine(
    thread: ServedThread,
    id: number,
    culprit: RunningRoutine | undefined,
    cause: unknown,
  ): void {
    const record = this.#records.get(id)
    if (record === undefined) return
    const details = { cause, maybeExecuted: true, ...this.#placeOf(record) }
    const unbegun = thread.claim(record)
    record.thread = 0
    if (unbegun) {
      // Assigned, but it had not begun.
      record.attempt--
      return this.#team.enqueue(record)
    }
    const by =
      culprit === undefined || culprit === record
        ? ''
        : ` by routine ${titleOf(culprit)} (${culprit.task.routine}), which shared the thread`
    const text = `Routine ${titleOf(record)} lost its thread${by}: ${whyLost(cause)}`
    this.#conclude(record, {
      ok: false,
      error: failure('ERR_GOAWAY_THREAD_LOST', text, details),
    })
  }

  #placeOf(record: RunningRoutine): GoawayErrorDetails {
    const { thread, attempt, task } = record
    return { routine: task.routine, node: this.#node, thread, attempt }
  }

  /** When no thread can be opened, nothing that waits will ever start. */
  #startFailed(cause: unknown): void {
    if (++this.#startFailures < threadStartFailuresMax) return
    this.#startFailures = 0
    const text = `No thread can be started: ${cause instanceof Error ? cause.message : cause}`
    const error = failure('ERR_GOAWAY_THREAD_LOST', text, { cause })
    for (const record of [...this.#records.values()]) {
      if (record.thread === 0) this.#stop(record, error, 0)
    }
  }

  async close(graceMs: number): Promise<void> {
    this.#closed ??= notStarted()
    await this.#lastEnd.wait(graceMs)
    const reason = failure('ERR_GOAWAY_SHUTDOWN', 'The routine was stopped: shutdown() was called')
    const stopMs = Math.min(graceMs, 1_000)
    for (const id of [...this.#records.keys()]) this.cancel(id, reason, stopMs)
    this.dispatch()
    this.#host.turn()
    await this.#lastEnd.wait(stopMs * 2 + 1_000)
    this.#timers.clearAll()
    await this.#team.destroy()
  }

  #armQueueTimer(record: RunningRoutine): void {
    const { routine, terms, waitedMs = 0 } = record.task
    const delayMs = Math.max(0, terms.queueTimeoutMs - waitedMs)
    record.queueTimer = this.#timers.start(delayMs, () => {
      const limit = `its queueTimeoutMs: ${terms.queueTimeoutMs}`
      const text = `Routine ${titleOf(record)} waited longer than ${limit}`
      record.queueTimer = undefined
      // One that has begun by now has begun in time: its report is on its way.
      record.waitedTooLong = record.unwanted === undefined
      this.#withdraw(record, failure('ERR_GOAWAY_QUEUE_TIMEOUT', text, { routine }))
      this.#host.turn()
    })
  }

  /** A timer that is no more is none that may still act: see {@link mayAct}. */
  #clear(record: RunningRoutine, which: 'timer' | 'queueTimer'): void {
    this.#timers.clear(record[which])
    record[which] = undefined
  }
}
