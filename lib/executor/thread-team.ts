/**
 * The threads of this node, and which routine is on which: drives the `schedule` machine. It feeds
 * the machine what happens and performs its orders with the pool, the threads' ports and their
 * shared words. What a routine's end means is the affair of its executor.
 */
import { isPort } from '../client/payload.ts'
import type { Clock } from '../clock.ts'
import type { HistoryTarget } from '../history/recorder.ts'
import { threadIdleMs } from '../limits.ts'
import {
  countRunning,
  countWaiting,
  hasBehind,
  lastFirst,
  type ScheduleInput,
  type ScheduleOutput,
  type ScheduleState,
  schedule,
} from '../protocol/schedule.ts'
import type { ErrorRecord } from '../wire/error-record.ts'
import {
  flagLate,
  flagReportStart,
  flagShare,
  flagStream,
  type RunMessage,
} from '../wire/messages.ts'
import { ThreadWords } from '../wire/shared-words.ts'
import type { RunningRoutine } from './running-routine.ts'
import { ServedThread } from './served-thread.ts'
import type { ThreadHost } from './thread-host.ts'
import type { ThreadPool } from './thread-pool.ts'
import type { TimerSet } from './timer-set.ts'

export interface ThreadTeamOptions {
  readonly pool: ThreadPool
  /** @default the real one */
  readonly clock?: Clock
  readonly node: string
  readonly threads: number
  readonly threadsMax: number
  readonly threadsCeiling: number
  readonly window: number
  readonly hubWords: Int32Array
  /** Its node has neighbours: see `Node` in `lib/client/current.ts`. */
  readonly clustered?: boolean
  /** See `ThreadStart`. */
  readonly printsToHub?: boolean
  readonly argv?: readonly string[]
  readonly history?: HistoryTarget | undefined
}

/** A thread that is gone, with what it had begun. */
export interface LostThread {
  readonly thread: ServedThread
  /** Routines it had been given. */
  readonly routines: readonly number[]
  /** Why, if it was not asked to close. */
  readonly cause: unknown
}

/** What a team tells of. */
export interface TeamListener {
  assigned(record: RunningRoutine): void
  /** The thread gave back a routine that has been stopped meanwhile; it is in no queue any more. */
  unwanted(record: RunningRoutine, reason: ErrorRecord): void
  lost(lost: LostThread): void
}

export class ThreadTeam {
  readonly #options: ThreadTeamOptions
  readonly #host: ThreadHost
  readonly #records: ReadonlyMap<number, RunningRoutine>
  readonly #timers: TimerSet
  readonly #listener: TeamListener
  readonly #state: ScheduleState
  readonly #threads = new Map<number, ServedThread>()
  #ticket = 0
  /** Something has happened that may let a routine start. */
  #dirty = false
  #demanded = false

  constructor(
    options: ThreadTeamOptions,
    host: ThreadHost,
    records: ReadonlyMap<number, RunningRoutine>,
    timers: TimerSet,
    listener: TeamListener,
  ) {
    this.#options = options
    this.#host = host
    this.#records = records
    this.#timers = timers
    this.#listener = listener
    const { threads, threadsMax, threadsCeiling, window } = options
    this.#state = schedule.initial({ threads, threadsMax, threadsCeiling, window })
  }

  get(thread: number): ServedThread | undefined {
    return this.#threads.get(thread)
  }

  /** Routines on a thread, those parked or assigned in advance included. */
  routinesOn(thread: number): number {
    return this.#state.threads.get(thread)?.held.size ?? 0
  }

  /** Routines that have not begun. */
  get waiting(): number {
    return countWaiting(this.#state)
  }

  /** Threads that run. */
  get running(): number {
    return countRunning(this.#state)
  }

  /** Whether a routine waits for its start, or a thread is opening. */
  mayAct(): boolean {
    if (this.#state.queued > 0) return true
    for (const { phase } of this.#state.threads.values()) if (phase === 'opening') return true
    return false
  }

  values(): Iterable<ServedThread> {
    return this.#threads.values()
  }

  /** Opens threads in advance, so that the first routine need not wait for one. */
  warm(threads: number): void {
    this.#step({ type: 'warm', threads })
  }

  enqueue({ task }: RunningRoutine): void {
    this.#step({
      type: 'submit',
      id: task.routine,
      child: task.owner !== 0,
      priority: task.terms.priority,
      isolate: task.terms.isolate,
      fn: task.address.key,
    })
  }

  /** Takes a routine out of the queue, or off the thread that has not begun it; else false. */
  withdraw(record: RunningRoutine): boolean {
    const thread = this.#threads.get(record.thread)
    const { routine } = record.task
    this.#dirty = true
    if (thread === undefined) {
      schedule.step(this.#state, { type: 'cancel', id: routine })
      return true
    }
    if (!thread.claim(record)) return false
    thread.unseat(record)
    this.#step({ type: 'withdrawn', id: routine })
    return true
  }

  /** The same of one that may come again: {@link withdraw} leaves its place in the queue behind. */
  takeOut(record: RunningRoutine): boolean {
    if (record.thread !== 0) return this.withdraw(record)
    this.#step({ type: 'withdrawn', id: record.task.routine })
    return true
  }

  /** Routines that wait behind others: first those that would begin last. */
  waitingLastFirst(): Iterable<number> {
    return lastFirst(this.#state)
  }

  /** The routine is over, and its slot free. */
  ended(thread: ServedThread, record: RunningRoutine): void {
    thread.unseat(record)
    this.#step({ type: 'ended', id: record.task.routine })
  }

  /** The thread has said that it is there. */
  opened(thread: ServedThread): void {
    thread.opened = true
    this.#step({ type: 'threadOpened', thread: thread.id })
  }

  /** The thread is idle, and gives back what it has not begun. */
  parked(thread: ServedThread, returned: readonly number[], deliveries: number): void {
    const wanted: number[] = []
    for (const routine of returned) {
      const record = this.#records.get(routine)
      if (record === undefined || record.thread !== thread.id) continue
      this.#takeBack(thread, record)
      if (record.unwanted === undefined) wanted.push(routine)
      else {
        this.#step({ type: 'ended', id: routine })
        this.#listener.unwanted(record, record.unwanted)
      }
    }
    if (deliveries === this.#host.deliveries(thread.client)) {
      return this.#step({ type: 'parked', thread: thread.id, returned: wanted })
    }
    // It has more to do than it knew when it wrote this.
    for (const id of wanted.reverse()) this.#step({ type: 'revoked', id, taken: true })
  }

  /** The thread sleeps in a blocking call: another may run in its place. */
  blocked(thread: number): void {
    this.#step({ type: 'blocked', thread })
  }

  unblocked(thread: number): void {
    schedule.step(this.#state, { type: 'unblocked', thread })
  }

  /** Something was sent to the thread: what is parked on it may go on. */
  resumed(thread: number): void {
    if (this.#state.threads.get(thread)?.parked === true) {
      schedule.step(this.#state, { type: 'resumed', thread })
    }
  }

  /** Assigns what can start. Called once for a batch of inputs. */
  dispatch(): void {
    while (this.#dirty) {
      this.#dirty = false
      this.#perform(schedule.step(this.#state, { type: 'dispatch' }))
      if (this.#demanded || this.#isWaiting()) this.#demand()
    }
  }

  send(thread: ServedThread, message: RunMessage): void {
    this.#host.send(thread.client, message)
  }

  /** Ends all threads at once. */
  destroy(): Promise<void> {
    return this.#options.pool.destroy()
  }

  #step(input: ScheduleInput): void {
    this.#dirty = true
    this.#perform(schedule.step(this.#state, input))
  }

  #isWaiting(): boolean {
    return this.#state.queued > 0 || hasBehind(this.#state)
  }

  /**
   * While routines wait, in the queue or behind another, threads are to say when they park; one
   * that has parked is asked no more.
   */
  #demand(): void {
    const wanted = this.#isWaiting()
    this.#demanded = wanted
    for (const thread of this.#threads.values()) {
      thread.demand(wanted)
      if (!wanted) continue
      const scheduled = this.#state.threads.get(thread.id)
      if (scheduled === undefined || scheduled.parked || scheduled.blocked) continue
      if (scheduled.phase !== 'open' || scheduled.held.size === 0) continue
      if (thread.parkedAt !== this.#host.deliveries(thread.client)) continue
      this.#step({ type: 'parked', thread: thread.id, returned: [] })
    }
  }

  #perform(outputs: readonly ScheduleOutput[]): void {
    for (const output of outputs) {
      switch (output.type) {
        case 'openThread':
          this.#open(output.thread)
          break
        case 'assign':
          this.#assign(output.thread, output.id, output.share)
          break
        case 'revoke':
          this.#revoke(output.thread, output.id)
          break
        case 'closeThread':
          this.send(this.#threads.get(output.thread) as ServedThread, ['close'])
          break
        case 'spare':
          this.#retireLater(output.thread)
          break
        default:
          throw new TypeError(`Unexpected order: ${output.type}`)
      }
    }
  }

  #open(id: number): void {
    const words = new ThreadWords()
    const client = this.#host.nextClient()
    const { argv, node, hubWords, history, threads } = this.#options
    const { code } = this.#host
    const pooled = this.#options.pool.open({
      words: words.buffer,
      hubWords: hubWords.buffer as SharedArrayBuffer,
      client,
      node,
      thread: id,
      threads,
      clustered: this.#options.clustered ?? false,
      ...(code === undefined ? {} : { code }),
      ...(argv === undefined ? {} : { argv }),
      ...(history === undefined ? {} : { history }),
      printsToHub: this.#options.printsToHub === true,
    })
    const thread = new ServedThread(id, client, words, pooled)
    this.#threads.set(id, thread)
    this.#host.attach(client, id, pooled.port, words)
    pooled.ended.then(
      () => this.#lost(thread, undefined),
      (error: unknown) => this.#lost(thread, error),
    )
  }

  #assign(threadId: number, routine: number, share: boolean): void {
    const thread = this.#threads.get(threadId) as ServedThread
    const record = this.#records.get(routine) as RunningRoutine
    const { address, terms, payload } = record.task
    const { fn, isNew } = thread.numberOf(address)
    if (isNew) this.send(thread, ['function', fn, address])
    record.attempt++
    this.#ticket = (this.#ticket % 0x7fff_fffe) + 1
    thread.seat(record, this.#ticket)
    let flags = share ? flagShare : 0
    // Who started it counts its attempts as well, lest it be begun too often when a node is lost.
    const timed = terms.timeoutMs > 0 || terms.queueTimeoutMs > 0
    if (timed || record.attempt > 1) flags |= flagReportStart
    if (address.kind !== 'function') flags |= flagStream
    const isLate = isPort(payload)
    if (isLate) flags |= flagLate
    const { slot, ticket, attempt } = record
    const sent = isLate ? null : payload
    this.send(thread, ['run', routine, slot, ticket, fn, attempt, flags, sent])
    if (record.credit > 0) this.send(thread, ['credit', routine, record.credit])
    this.#listener.assigned(record)
  }

  #revoke(threadId: number, routine: number): void {
    const thread = this.#threads.get(threadId) as ServedThread
    const record = this.#records.get(routine)
    if (record === undefined) return
    const taken = thread.claim(record)
    if (taken) this.#takeBack(thread, record)
    schedule.step(this.#state, { type: 'revoked', id: routine, taken })
    if (taken) this.#dirty = true
  }

  /** It was assigned and has not begun: that was no attempt. */
  #takeBack(thread: ServedThread, record: RunningRoutine): void {
    thread.unseat(record)
    record.attempt--
  }

  /**
   * Retires a thread that nobody has used for a while; one timer a thread, however often it idles.
   */
  #retireLater(id: number): void {
    const thread = this.#threads.get(id)
    if (thread === undefined || thread.watched) return
    thread.watched = true
    const { uses } = thread
    this.#timers.startUpkeep(threadIdleMs, () => {
      thread.watched = false
      // What it has started and not awaited would end with it.
      const busy = thread.uses !== uses || this.#host.hasStarted(thread.client)
      if (busy) return this.#retireLater(id)
      this.#step({ type: 'retire', thread: id })
      this.#host.turn()
    })
  }

  /** The thread is gone: closed, killed, exited, or out of memory. */
  #lost(thread: ServedThread, cause: unknown): void {
    this.#host.detach(thread.client)
    this.#threads.delete(thread.id)
    this.#dirty = true
    for (const output of schedule.step(this.#state, { type: 'threadLost', thread: thread.id })) {
      if (output.type !== 'lost') continue
      this.#listener.lost({ thread, routines: output.ids, cause })
    }
    this.#host.turn()
  }
}
