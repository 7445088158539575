/**
 * Runs routines on the threads of this node. It drives the `schedule` machine: it feeds it what happens
 * and performs its orders with the pool, the threads' ports and their shared words. It lives in the hub.
 */
import { MessageChannel, type MessagePort } from 'node:worker_threads'
import { recordOf } from '../client/error-codec.ts'
import { dropPayload } from '../client/payload.ts'
import { GoawayError, type GoawayErrorCode, type GoawayErrorDetails } from '../errors.ts'
import {
  queuedRoutinesMax,
  slotsPerThreadMax,
  threadIdleMs,
  threadStartFailuresMax,
} from '../limits.ts'
import { type ScheduleOutput, type ScheduleState, schedule } from '../protocol/schedule.ts'
import type { ErrorRecord } from '../wire/error-record.ts'
import {
  flagReportStart,
  flagShare,
  flagStream,
  type Payload,
  type ReportMessage,
  type RunMessage,
} from '../wire/messages.ts'
import { ThreadWords, wordCulprit, wordDemand, wordParkedAt, wordRunning } from '../wire/shared-words.ts'
import type { Executor, Outcome, Report, Task } from './contract.ts'
import type { Pool, PoolThread } from './pool.ts'

export interface ThreadExecutorOptions {
  readonly pool: Pool
  readonly node: string
  readonly threads: number
  readonly threadsMax: number
  readonly threadsCeiling: number
  readonly window: number
  readonly hubWords: Int32Array
}

/** Where the threads are attached: the hub listens to their ports and hands reports back. */
export interface ThreadHost {
  /** Numbers a client; never twice. */
  nextClient(): number
  attach(client: number, thread: number, port: MessagePort, words: ThreadWords): void
  /** The thread is gone; what it had sent is to be taken first. */
  detach(client: number): void
  send(client: number, message: RunMessage): void
  /** Deliveries to the client, those under way included: compared with what it says it has taken. */
  deliveries(client: number): number
  /** The routine is asked to stop: what it waits for in a call is refused with the reason. */
  routineStopping(client: number, routine: number, reason: ErrorRecord): void
  /** The routine of that client is over: what it still holds or waits for ends. */
  routineEnded(client: number, routine: number): void
  /** Something has happened outside of a message: work through it. */
  turn(): void
}

interface Running {
  readonly task: Task
  attempt: number
  /** 0 while it is queued. */
  thread: number
  slot: number
  ticket: number
  /** Known to its caller as running. */
  announced: boolean
  begun: boolean
  /** Why it is being stopped, if it is. */
  stopping: ErrorRecord | undefined
  queueTimer: NodeJS.Timeout | undefined
  timer: NodeJS.Timeout | undefined
  credit: number
}

interface Thread {
  readonly id: number
  readonly client: number
  readonly words: ThreadWords
  readonly pooled: PoolThread
  readonly functions: Map<string, number>
  readonly freeSlots: number[]
  opened: boolean
  demanding: boolean
  /** The routine for whose sake it is killed. */
  culprit: number
  /** Routines by slot, for blame. */
  readonly slots: number[]
}

const announceAfterMs = 20

export class ThreadExecutor implements Executor {
  readonly #options: ThreadExecutorOptions
  readonly #host: ThreadHost
  readonly #report: Report
  readonly #pool: Pool
  readonly #state: ScheduleState
  readonly #records = new Map<number, Running>()
  readonly #threads = new Map<number, Thread>()
  readonly #timers = new Set<NodeJS.Timeout>()
  #ticket = 0
  #startFailures = 0
  #dirty = false
  #announcing: NodeJS.Timeout | undefined
  #closed: GoawayError | undefined
  #whenEmpty: (() => void) | undefined

  constructor(options: ThreadExecutorOptions, host: ThreadHost, report: Report) {
    this.#options = options
    this.#host = host
    this.#report = report
    this.#pool = options.pool
    this.#state = schedule.initial({
      threads: options.threads,
      threadsMax: options.threadsMax,
      threadsCeiling: options.threadsCeiling,
      window: options.window,
    })
  }

  /** Opens threads in advance, so that the first routine need not wait for one. */
  warm(threads: number): void {
    this.#perform(schedule.step(this.#state, { type: 'warm', threads }))
  }

  get routines(): number {
    return this.#records.size
  }

  submit(task: Task): void {
    const refused = this.#closed ?? this.#overloaded()
    if (refused !== undefined) {
      dropPayload(task.payload)
      return this.#report.settled(task.routine, { ok: false, error: recordOf(refused) })
    }
    const record: Running = {
      task,
      attempt: 0,
      thread: 0,
      slot: -1,
      ticket: 0,
      announced: false,
      begun: false,
      stopping: undefined,
      queueTimer: undefined,
      timer: undefined,
      credit: 0,
    }
    this.#records.set(task.routine, record)
    if (task.terms.queueTimeoutMs > 0) this.#armQueueTimer(record)
    this.#enqueue(record)
  }

  #overloaded(): GoawayError | undefined {
    if (this.#records.size < queuedRoutinesMax) return undefined
    return new GoawayError(
      'ERR_GOAWAY_LIMIT',
      `Cannot take another routine: ${queuedRoutinesMax} are waiting or running; await some first`,
    )
  }

  #enqueue(record: Running): void {
    const { routine, owner, terms } = record.task
    this.#dirty = true
    schedule.step(this.#state, {
      type: 'submit',
      id: routine,
      child: owner !== 0,
      priority: terms.priority,
      isolate: terms.isolate,
    })
  }

  cancel(routine: number, reason: ErrorRecord, graceMs: number): void {
    const record = this.#records.get(routine)
    if (record === undefined || record.stopping !== undefined) return
    this.#dirty = true
    for (const output of schedule.step(this.#state, { type: 'cancel', id: routine })) {
      if (output.type === 'dropped') {
        dropPayload(record.task.payload)
        this.#settle(record, { ok: false, error: reason })
      } else if (output.type === 'stop') this.#stop(record, reason, graceMs)
    }
  }

  /** It was handed to a thread: take it back if it has not begun, else ask it to stop. */
  #stop(record: Running, reason: ErrorRecord, graceMs: number): void {
    const thread = this.#threads.get(record.thread) as Thread
    const { slot, ticket, task } = record
    if (thread.words.claim(slot, ticket)) {
      this.#freeSlot(thread, record)
      dropPayload(task.payload)
      schedule.step(this.#state, { type: 'ended', id: task.routine })
      return this.#settle(record, { ok: false, error: reason })
    }
    record.stopping = reason
    thread.words.cancel(slot, ticket)
    this.#host.routineStopping(thread.client, task.routine, reason)
    this.#send(thread, ['abort', task.routine, reason])
    if (graceMs === Infinity) return
    this.#clear(record.timer)
    record.timer = this.#after(graceMs, () => this.#kill(record.thread, task.routine))
  }

  #kill(threadId: number, routine: number): void {
    const thread = this.#threads.get(threadId)
    if (thread === undefined) return
    thread.culprit = routine
    thread.pooled.kill()
  }

  credit(routine: number, values: number): void {
    const record = this.#records.get(routine)
    if (record === undefined) return
    record.credit += values
    const thread = this.#threads.get(record.thread)
    if (thread !== undefined) this.#send(thread, ['credit', routine, values])
  }

  finish(routine: number): void {
    const record = this.#records.get(routine)
    if (record === undefined) return
    const thread = this.#threads.get(record.thread)
    if (thread !== undefined && record.begun) return this.#send(thread, ['finish', routine])
    // It may not have begun: then it need not. The consumer does not look at how it ended.
    const reason = failure('ERR_GOAWAY_CANCELLED', 'No value of this generator is wanted any more')
    this.cancel(routine, reason, Infinity)
    if (thread !== undefined && this.#records.has(routine)) this.#send(thread, ['finish', routine])
  }

  /** Takes a report of a thread. */
  received(threadId: number, message: ReportMessage): void {
    const thread = this.#threads.get(threadId)
    if (thread === undefined) return
    this.#dirty = true
    switch (message[0]) {
      case 'open':
        thread.opened = true
        this.#startFailures = 0
        schedule.step(this.#state, { type: 'threadOpened', thread: threadId })
        return
      case 'began':
        return this.#began(message[1])
      case 'done':
        return this.#ended(thread, message[1], { ok: true, payload: message[2] })
      case 'failed':
        return this.#ended(thread, message[1], { ok: false, error: message[2] })
      case 'yield':
        return this.#yielded(message[1], message[2])
      case 'parked':
        return this.#parked(thread, message[1], message[2])
    }
  }

  #began(routine: number): void {
    const record = this.#records.get(routine)
    if (record === undefined) return
    record.begun = true
    this.#announce(record)
    this.#clear(record.queueTimer)
    const { timeoutMs, graceMs } = record.task.terms
    if (timeoutMs === 0 || record.stopping !== undefined) return
    record.timer = this.#after(timeoutMs, () => {
      const text = `Routine ${nameOf(record)} ran longer than its timeoutMs: ${timeoutMs}`
      const details = { maybeExecuted: true, ...this.#placeOf(record) }
      this.#stop(record, failure('ERR_GOAWAY_TIMEOUT', text, details), graceMs)
    })
  }

  #announce(record: Running): void {
    if (record.announced) return
    record.announced = true
    record.begun = true
    this.#report.started(record.task.routine, this.#options.node, record.thread, record.attempt)
  }

  #yielded(routine: number, payload: Payload): void {
    const record = this.#records.get(routine)
    if (record === undefined || record.stopping !== undefined) return dropPayload(payload)
    record.begun = true
    record.credit--
    this.#report.value(routine, payload)
  }

  #ended(thread: Thread, routine: number, outcome: Outcome): void {
    const record = this.#records.get(routine)
    if (record === undefined || record.thread !== thread.id) {
      if (outcome.ok) dropPayload(outcome.payload)
      return
    }
    this.#freeSlot(thread, record)
    this.#host.routineEnded(thread.client, routine)
    this.#perform(schedule.step(this.#state, { type: 'ended', id: routine }))
    this.#conclude(record, outcome)
  }

  /** Settles a routine that is over, or lets it run again. */
  #conclude(record: Running, outcome: Outcome): void {
    const { terms } = record.task
    if (record.stopping !== undefined) {
      if (outcome.ok) dropPayload(outcome.payload)
      return this.#settle(record, { ok: false, error: record.stopping })
    }
    if (outcome.ok || record.attempt >= terms.attemptsMax || this.#closed !== undefined) {
      return this.#settle(record, outcome)
    }
    this.#clear(record.timer)
    record.thread = 0
    record.begun = false
    this.#enqueue(record)
  }

  #settle(record: Running, outcome: Outcome): void {
    const { routine } = record.task
    this.#clear(record.queueTimer)
    this.#clear(record.timer)
    this.#records.delete(routine)
    this.#report.settled(routine, outcome)
    if (this.#records.size === 0) this.#whenEmpty?.()
  }

  #parked(thread: Thread, returned: readonly number[], deliveries: number): void {
    for (const routine of returned) {
      const record = this.#records.get(routine)
      if (record !== undefined) this.#takeBack(thread, record)
    }
    const current = deliveries === this.#host.deliveries(thread.client)
    if (current) {
      return this.#perform(schedule.step(this.#state, { type: 'parked', thread: thread.id, returned }))
    }
    // It has more to do than it knew when it wrote this.
    for (const id of [...returned].reverse()) {
      schedule.step(this.#state, { type: 'revoked', id, taken: true })
    }
  }

  /** The thread sleeps in a blocking call: another may run in its place. */
  blocked(threadId: number): void {
    this.#dirty = true
    this.#perform(schedule.step(this.#state, { type: 'blocked', thread: threadId }))
  }

  unblocked(threadId: number): void {
    schedule.step(this.#state, { type: 'unblocked', thread: threadId })
  }

  /** Something was sent to the thread: what is parked on it may go on. */
  resumed(threadId: number): void {
    if (this.#state.threads.get(threadId)?.parked === true) {
      schedule.step(this.#state, { type: 'resumed', thread: threadId })
    }
  }

  /** Assigns what can start. Called once for a batch of inputs. */
  dispatch(): void {
    while (this.#dirty) {
      this.#dirty = false
      this.#perform(schedule.step(this.#state, { type: 'dispatch' }))
      if (this.#state.queued > 0 || this.#demanded) this.#demand()
    }
  }

  #demanded = false

  /** While routines wait, threads are to say when they park; one that has parked is asked no more. */
  #demand(): void {
    const wanted = this.#state.queued > 0
    this.#demanded = wanted
    for (const thread of this.#threads.values()) {
      const { words } = thread.words
      if (thread.demanding !== wanted) Atomics.store(words, wordDemand, wanted ? 1 : 0)
      thread.demanding = wanted
      if (!wanted) continue
      const scheduled = this.#state.threads.get(thread.id)
      if (scheduled === undefined || scheduled.parked || scheduled.blocked) continue
      if (scheduled.phase !== 'open' || scheduled.held.size === 0) continue
      if (Atomics.load(words, wordParkedAt) !== this.#host.deliveries(thread.client)) continue
      schedule.step(this.#state, { type: 'parked', thread: thread.id, returned: [] })
      this.#dirty = true
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
          this.#send(this.#threads.get(output.thread) as Thread, ['close'])
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
    const { port1, port2 } = new MessageChannel()
    const words = new ThreadWords()
    const client = this.#host.nextClient()
    const pooled = this.#pool.open({
      port: port2,
      words: words.buffer,
      hubWords: this.#options.hubWords.buffer as SharedArrayBuffer,
      client,
      node: this.#options.node,
      thread: id,
    })
    const thread: Thread = {
      id,
      client,
      words,
      pooled,
      functions: new Map(),
      freeSlots: Array.from({ length: slotsPerThreadMax }, (_, slot) => slotsPerThreadMax - 1 - slot),
      opened: false,
      demanding: false,
      culprit: 0,
      slots: [],
    }
    this.#threads.set(id, thread)
    this.#host.attach(client, id, port1, words)
    pooled.ended.then(
      () => this.#lost(thread, undefined),
      (error: unknown) => this.#lost(thread, error),
    )
  }

  #assign(threadId: number, routine: number, share: boolean): void {
    const thread = this.#threads.get(threadId) as Thread
    const record = this.#records.get(routine) as Running
    const { task } = record
    const { address, terms } = task
    let fn = thread.functions.get(address.key)
    if (fn === undefined) {
      fn = thread.functions.size
      thread.functions.set(address.key, fn)
      this.#send(thread, ['function', fn, address])
    }
    record.thread = threadId
    record.attempt++
    record.slot = thread.freeSlots.pop() as number
    this.#ticket = (this.#ticket % 0x7fff_fffe) + 1
    record.ticket = this.#ticket
    thread.slots[record.slot] = routine
    thread.words.assign(record.slot, record.ticket)
    let flags = share ? flagShare : 0
    if (terms.timeoutMs > 0 || terms.queueTimeoutMs > 0) flags |= flagReportStart
    if (address.kind !== 'function') flags |= flagStream
    const { slot, ticket, attempt } = record
    this.#send(thread, ['run', routine, slot, ticket, fn, attempt, flags, task.payload])
    if (record.credit > 0) this.#send(thread, ['credit', routine, record.credit])
    this.#announcing ??= this.#after(announceAfterMs, () => this.#announceAll())
  }

  /** Tells the callers of what has been running for a while. */
  #announceAll(): void {
    this.#announcing = undefined
    let silent = false
    for (const record of this.#records.values()) {
      if (record.announced || record.thread === 0) continue
      // The claim of one that has begun is gone; putting it back for a moment would be a race.
      const thread = this.#threads.get(record.thread)
      if (thread?.words.isClaimed(record.slot, record.ticket)) this.#announce(record)
      else silent = true
    }
    if (silent) this.#announcing = this.#after(announceAfterMs, () => this.#announceAll())
    this.#host.turn()
  }

  #revoke(threadId: number, routine: number): void {
    const thread = this.#threads.get(threadId) as Thread
    const record = this.#records.get(routine)
    if (record === undefined) return
    const taken = thread.words.claim(record.slot, record.ticket)
    if (taken) this.#takeBack(thread, record)
    schedule.step(this.#state, { type: 'revoked', id: routine, taken })
    if (taken) this.#dirty = true
  }

  #freeSlot(thread: Thread, record: Running): void {
    thread.slots[record.slot] = 0
    thread.freeSlots.push(record.slot)
    record.thread = 0
    record.slot = -1
  }

  /** It was assigned and has not begun: that was no attempt. */
  #takeBack(thread: Thread, record: Running): void {
    this.#freeSlot(thread, record)
    record.attempt--
  }

  #retireLater(threadId: number): void {
    this.#after(threadIdleMs, () => {
      this.#perform(schedule.step(this.#state, { type: 'retire', thread: threadId }))
      this.#host.turn()
    })
  }

  /** The thread is gone: closed, killed, exited, or out of memory. */
  #lost(thread: Thread, cause: unknown): void {
    this.#host.detach(thread.client)
    this.#threads.delete(thread.id)
    this.#dirty = true
    if (!thread.opened && cause !== undefined) this.#startFailed(cause)
    const blamed = thread.culprit || this.#blame(thread)
    for (const output of schedule.step(this.#state, { type: 'threadLost', thread: thread.id })) {
      if (output.type !== 'lost') continue
      for (const id of output.ids) this.#lostRoutine(thread, id, blamed, cause)
    }
    if (this.#state.threads.size === 0 && this.#closed !== undefined) this.#whenEmpty?.()
    this.#host.turn()
  }

  #blame(thread: Thread): number {
    const { words } = thread.words
    const slot = (Atomics.load(words, wordCulprit) || Atomics.load(words, wordRunning)) - 1
    return slot < 0 ? 0 : (thread.slots[slot] ?? 0)
  }

  #lostRoutine(thread: Thread, id: number, blamed: number, cause: unknown): void {
    const record = this.#records.get(id)
    if (record === undefined) return
    if (thread.words.claim(record.slot, record.ticket)) {
      // Assigned, but it had not begun.
      record.thread = 0
      record.attempt--
      return this.#enqueue(record)
    }
    const details = { cause, maybeExecuted: true, ...this.#placeOf(record) }
    const other = this.#records.get(blamed)
    const by =
      blamed === id || other === undefined
        ? ''
        : ` by routine ${nameOf(other)} (${blamed}), which shared the thread`
    const text = `Routine ${nameOf(record)} lost its thread${by}: ${whyLost(cause)}`
    record.thread = 0
    this.#conclude(record, {
      ok: false,
      error: failure('ERR_GOAWAY_THREAD_LOST', text, details),
    })
  }

  #placeOf(record: Running): GoawayErrorDetails {
    const { thread, attempt, task } = record
    return { routine: task.routine, node: this.#options.node, thread, attempt }
  }

  /** When no thread can be opened, nothing that waits will ever start. */
  #startFailed(cause: unknown): void {
    if (++this.#startFailures < threadStartFailuresMax) return
    this.#startFailures = 0
    const text = `No thread can be started: ${cause instanceof Error ? cause.message : cause}`
    for (const [id, record] of [...this.#records]) {
      if (record.thread !== 0) continue
      schedule.step(this.#state, { type: 'cancel', id })
      dropPayload(record.task.payload)
      this.#settle(record, { ok: false, error: failure('ERR_GOAWAY_THREAD_LOST', text, { cause }) })
    }
  }

  async close(graceMs: number): Promise<void> {
    this.#closed ??= new GoawayError('ERR_GOAWAY_SHUTDOWN', 'Cannot start a routine: shut down')
    await this.#emptied(graceMs)
    const reason = failure('ERR_GOAWAY_SHUTDOWN', 'The routine was stopped: shutdown() was called')
    const stopMs = Math.min(graceMs, 1_000)
    for (const id of [...this.#records.keys()]) this.cancel(id, reason, stopMs)
    this.dispatch()
    this.#host.turn()
    await this.#emptied(stopMs * 2 + 1_000)
    for (const timer of this.#timers) clearTimeout(timer)
    await this.#pool.destroy()
  }

  #emptied(limitMs: number): Promise<void> {
    if (this.#records.size === 0) return Promise.resolve()
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, limitMs)
      this.#whenEmpty = () => {
        if (this.#records.size > 0) return
        clearTimeout(timer)
        resolve()
      }
    })
  }

  #send(thread: Thread, message: RunMessage): void {
    this.#host.send(thread.client, message)
  }

  #armQueueTimer(record: Running): void {
    const { routine, terms } = record.task
    record.queueTimer = this.#after(terms.queueTimeoutMs, () => {
      if (record.begun) return
      const text = `Routine ${nameOf(record)} waited longer than its queueTimeoutMs: ${terms.queueTimeoutMs}`
      this.cancel(routine, failure('ERR_GOAWAY_QUEUE_TIMEOUT', text, { routine }), terms.graceMs)
      this.#host.turn()
    })
  }

  #after(delayMs: number, act: () => void): NodeJS.Timeout {
    const timer = setTimeout(() => {
      this.#timers.delete(timer)
      act()
    }, delayMs)
    this.#timers.add(timer)
    return timer
  }

  #clear(timer: NodeJS.Timeout | undefined): void {
    if (timer === undefined) return
    clearTimeout(timer)
    this.#timers.delete(timer)
  }
}

function nameOf(record: Running): string {
  return record.task.terms.name || record.task.address.name || record.task.address.module
}

/** Why a thread is gone, and what to do about it. */
function whyLost(cause: unknown): string {
  if (!(cause instanceof Error)) return 'it was closed'
  const { code, message } = cause as NodeJS.ErrnoException
  if (code === 'ERR_WORKER_OUT_OF_MEMORY') {
    return `${message}; raise init({ resourceLimits: { maxOldGenerationSizeMb } }) or hold less`
  }
  if (/^worker exited with code/.test(message)) {
    return `${message}; process.exit() in a routine ends its thread: return or throw instead`
  }
  return message
}

function failure(
  code: GoawayErrorCode,
  message: string,
  details: GoawayErrorDetails = {},
): ErrorRecord {
  return recordOf(new GoawayError(code, message, details))
}
