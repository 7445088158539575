/**
 * Runs routines on the nodes of a cluster. Every hub has one, which places what was started on its
 * own node; its threads are a node like the others. Where a routine goes is decided by
 * `lib/protocol/placement.ts`; here it is sent, and followed until it is settled.
 *
 * A node runs a routine again by itself when it fails and may be repeated; here it is sent again
 * only when its node is lost.
 */
import { recordOf } from '../client/error-codec.ts'
import { dropPayload, isPort, staysOf } from '../client/payload.ts'
import { type Clock, realClock } from '../clock.ts'
import { GoawayError, type GoawayErrorDetails } from '../errors.ts'
import {
  addNode,
  hasNodeFor,
  initialPlacement,
  place,
  removeNode,
  wait,
  waitAgain,
  withdraw,
} from '../protocol/placement.ts'
import { mayRun, type PlacementState } from '../protocol/placement-state.ts'
import { givenBack } from '../protocol/recall.ts'
import type { ErrorRecord } from '../wire/error-record.ts'
import type { Payload } from '../wire/messages.ts'
import type { Executor, Outcome, Report, Task } from './contract.ts'
import { LastEnd } from './last-end.ts'
import { LocalNode, type NodeFacts, ReportByPlace } from './local-node.ts'
import { NodeRoom } from './node-room.ts'
import { PlacedRoutine, type Seat } from './placed-routine.ts'
import { QueueDeadlines } from './queue-deadlines.ts'
import { Recalls } from './recalls.ts'
import type { NodeReport, RemoteNode } from './remote-node.ts'
import { failure, overloaded, titleOf } from './running-routine.ts'
import type { ThreadExecutor } from './thread-executor.ts'
import { portRefused, wishRefused } from './wish-refusal.ts'

export interface ClusterExecutorOptions extends NodeFacts {
  /** @default the real one */
  readonly clock?: Clock
  /** Something has happened outside of a message: work through it. */
  readonly turn: () => void
  /** Whoever ordered the routines that were started on that other node. */
  readonly ordererOf: (place: number) => Report | undefined
}

export class ClusterExecutor implements Executor {
  /** The threads of this node. */
  readonly threads: ThreadExecutor
  readonly room: NodeRoom
  readonly #clock: Clock
  readonly #options: ClusterExecutorOptions
  readonly #report: Report
  readonly #local: Seat
  readonly #seats = new Map<number, Seat>()
  /** Nodes that are lost, by name, with their labels. */
  readonly #lost = new Map<string, readonly string[]>()
  readonly #placement: PlacementState
  readonly #records = new Map<number, PlacedRoutine>()
  readonly #deadlines: QueueDeadlines
  readonly #recalls: Recalls
  #closed = false
  readonly #lastEnd: LastEnd

  constructor(
    options: ClusterExecutorOptions,
    report: Report,
    makeThreads: (report: Report) => ThreadExecutor,
  ) {
    this.#clock = options.clock ?? realClock
    this.#lastEnd = new LastEnd(this.#clock, () => this.#records.size === 0)
    this.#options = options
    this.#report = report
    this.#placement = initialPlacement(options.place)
    this.#deadlines = new QueueDeadlines(
      this.#clock,
      (routine) => this.#placement.waiting.has(routine),
      (routines) => this.#waitedTooLong(routines),
    )
    const { ordererOf } = options
    const local = this.reportOf(options.place)
    const own = (at: number) => (at === options.place ? local : ordererOf(at))
    this.threads = makeThreads(new ReportByPlace(own))
    this.room = new NodeRoom(this.#clock, this.threads, options.threads)
    this.#local = this.#add(new LocalNode(options, this.threads, local))
    this.#recalls = new Recalls({
      clock: this.#clock,
      state: this.#placement,
      own: this.#local.counts,
      routines: () => this.#records.size,
      idle: () => this.room.idle,
      ask: (place, most, recall) => this.#seats.get(place)?.node.recall(most, recall),
      turn: options.turn,
    })
  }

  /** Routines that were started here and are not settled. */
  get routines(): number {
    return this.#records.size
  }

  /** Those of them that no node has taken yet. */
  get waiting(): number {
    return this.#placement.waiting.size
  }

  /** Whether something will happen that no thread of this node has to ask for. */
  mayAct(): boolean {
    if (this.threads.mayAct() || this.waiting > 0 || this.#deadlines.armed) return true
    if (this.#recalls.armed) return true
    for (const { seat } of this.#records.values()) if (seat !== this.#local) return true
    return false
  }

  nodeJoined(node: RemoteNode): void {
    this.#lost.delete(node.name)
    this.#add(node)
  }

  #add(node: RemoteNode): Seat {
    const { place, index, name, labels, threads } = node
    const counts = { allowed: 0, sent: 0, eager: 0, arrived: 0, marked: 0, mine: 0, others: 0 }
    const facts = { place, index, name, labels, threads }
    const seat = { node, counts: { ...facts, ...counts, asked: new Map() } }
    this.#seats.set(place, seat)
    addNode(this.#placement, seat.counts)
    return seat
  }

  /** What ran there is lost, or sent again where it may be; nothing is sent there any more. */
  nodeLost(place: number, error?: Error): void {
    const seat = this.#seats.get(place)
    if (seat === undefined || seat === this.#local) return
    const { name, labels } = seat.node
    this.#seats.delete(place)
    this.#lost.set(name, labels)
    this.#recalls.changed = true
    for (const id of removeNode(this.#placement, place)) {
      const record = this.#records.get(id) as PlacedRoutine
      this.#settle(record, { ok: false, error: this.#refusalOf(record) })
    }
    for (const record of [...this.#records.values()]) {
      if (record.seat === seat) this.#lostWith(record, name, error)
    }
  }

  #lostWith(record: PlacedRoutine, node: string, cause: Error | undefined): void {
    record.seat = undefined
    const { attempt, terms, routine, yielded, kept } = record
    const unwanted = whyUnwanted(record)
    if (unwanted !== undefined) return this.#settle(record, { ok: false, error: unwanted })
    const mayRepeat = attempt < terms.attemptsMax && kept && !yielded && !this.#closed
    if (mayRepeat && hasNodeFor(this.#placement, terms.on)) return this.#enqueue(record)
    const why = cause === undefined ? `${node} is gone` : `${node}: ${cause.message}`
    const text = `Routine ${titleOf({ task: record })} lost its node: ${why}`
    const details: GoawayErrorDetails = { maybeExecuted: true, routine, node, attempt, cause }
    this.#settle(record, { ok: false, error: failure('ERR_GOAWAY_NODE_LOST', text, details) })
  }

  submit(task: Task): void {
    const record = new PlacedRoutine(task)
    const refused = this.#closed ? shutDown() : overloaded(this.#records.size)
    if (refused !== undefined) return this.#refuse(record, refused)
    const { on } = task.terms
    const staysHere = !this.#mayTravel(task.payload)
    const isLocal = on === 'local' || (staysHere && on === '')
    if (!isLocal) {
      if (!hasNodeFor(this.#placement, on)) return this.#refuse(record, this.#refusalOf(record))
      if (staysHere && !mayRun(this.#local.counts, on)) {
        return this.#refuse(record, portRefused(staysOf(task.payload, 'An argument'), on))
      }
    }
    this.#records.set(task.routine, record)
    if (!isLocal && !staysHere) return this.#enqueue(record)
    this.#local.counts.mine++
    this.#order(record, this.#local)
  }

  /** Whether whatever node may be chosen can be handed the value. */
  #mayTravel(payload: Payload): boolean {
    if (!isPort(payload)) return true
    for (const { node } of this.#seats.values()) if (!node.takesPorts) return false
    return true
  }

  #refusalOf(record: PlacedRoutine): ErrorRecord {
    const nodes = [...this.#seats.values()].map(({ node }) => node)
    return wishRefused(record, nodes, this.#lost)
  }

  #refuse(record: PlacedRoutine, error: ErrorRecord): void {
    dropPayload(record.payload)
    this.#report.settled(record.routine, { ok: false, error })
  }

  #enqueue(record: PlacedRoutine): void {
    const { routine, owner, terms } = record
    record.since = wait(this.#placement, routine, owner !== 0, terms.priority, terms)
    // One that was sent before has had its wait.
    if (terms.queueTimeoutMs === 0 || record.attempt > 0) return
    record.sinceMs = this.#clock.now()
    this.#deadlines.add(routine, terms.queueTimeoutMs)
  }

  #waitedTooLong(routines: readonly number[]): void {
    for (const routine of routines) {
      const record = this.#records.get(routine)
      if (record === undefined || !withdraw(this.#placement, routine)) continue
      const limit = `its queueTimeoutMs: ${record.terms.queueTimeoutMs}`
      const text = `Routine ${titleOf({ task: record })} waited longer than ${limit}`
      const error = failure('ERR_GOAWAY_QUEUE_TIMEOUT', text, { routine })
      this.#settle(record, { ok: false, error })
    }
    this.#options.turn()
  }

  /** Does something at the beginning of a turn that begins then. */
  later(delayMs: number, act: () => void): void {
    if (this.#closed) return
    this.#clock.setTimer(delayMs, () => {
      act()
      this.#options.turn()
    })
  }

  /** Sends what the nodes take. Called once for a batch of inputs. */
  dispatch(): void {
    const state = this.#placement
    if (state.waiting.size === 0) return this.#recalls.look()
    const { counts } = this.#local
    counts.others = (this.room.routines - counts.mine) / this.room.threads
    if (counts.threads > 0) {
      counts.eager = counts.sent + this.room.idle
      counts.allowed = counts.sent + this.room.measure()
    }
    for (let next = place(state); next !== undefined; next = place(state)) {
      const seat = this.#seats.get(next.node.place) as Seat
      this.#order(this.#records.get(next.id) as PlacedRoutine, seat)
    }
    if (state.waiting.size > 0 && counts.sent >= counts.allowed) this.room.exhausted = true
    this.#recalls.look()
  }

  #order(record: PlacedRoutine, seat: Seat): void {
    const { terms, sinceMs, credit } = record
    record.seat = seat
    this.#recalls.changed = true
    const before = record.attempt++
    const waitedMs = sinceMs === 0 ? 0 : this.#clock.now() - sinceMs
    seat.node.order(record, before, waitedMs)
    if (credit > 0) seat.node.credit(record.routine, credit)
    const isGone = isPort(record.payload)
    if (seat === this.#local || (terms.attemptsMax > 1 && !isGone)) {
      record.kept = !isGone
      return
    }
    record.kept = false
    record.payload = null
  }

  cancel(routine: number, reason: ErrorRecord, graceMs: number): void {
    const record = this.#records.get(routine)
    if (record === undefined) return
    if (withdraw(this.#placement, routine)) {
      return this.#settle(record, { ok: false, error: reason })
    }
    record.stopping ??= reason
    record.seat?.node.cancel(routine, reason, graceMs)
  }

  credit(routine: number, values: number): void {
    const record = this.#records.get(routine)
    if (record === undefined) return
    record.credit += values
    record.seat?.node.credit(routine, values)
  }

  finish(routine: number): void {
    const record = this.#records.get(routine)
    if (record === undefined) return
    record.finished = true
    if (!withdraw(this.#placement, routine)) return record.seat?.node.finish(routine)
    this.#settle(record, { ok: false, error: notWanted() })
  }

  /** What the node of that place tells of what it was sent. */
  reportOf(place: number): NodeReport {
    const recordOfRoutine = (routine: number): PlacedRoutine | undefined => {
      const record = this.#records.get(routine)
      return record?.seat?.node.place === place ? record : undefined
    }
    return {
      started: (routine, node, thread, attempt) => {
        const record = recordOfRoutine(routine)
        if (record === undefined) return
        record.attempt = Math.max(record.attempt, attempt)
        this.#report.started(routine, node, thread, attempt)
      },
      value: (routine, payload) => {
        const record = recordOfRoutine(routine)
        if (record === undefined || record.stopping !== undefined) return dropPayload(payload)
        record.yielded = true
        record.credit--
        this.#report.value(routine, payload)
      },
      settled: (routine, outcome) => {
        const record = recordOfRoutine(routine)
        if (record !== undefined) this.#ended(record, outcome)
        else if (outcome.ok) dropPayload(outcome.payload)
      },
      room: (allowed, load, idle, arrived) => {
        const counts = this.#seats.get(place)?.counts
        if (counts === undefined) return
        counts.allowed = Math.max(counts.allowed, allowed)
        counts.others = load
        counts.eager = arrived + idle
        counts.arrived = arrived
        this.#recalls.changed = true
      },
      returned: (routine, payload) => {
        const record = recordOfRoutine(routine)
        if (record === undefined) dropPayload(payload)
        else this.#returned(record, payload)
      },
      recalled: (arrived, left) => this.#recalls.answered(place, arrived, left),
    }
  }

  /** Its node gave it back before it began: it waits again, as if it had not been sent. */
  #returned(record: PlacedRoutine, payload: Payload): void {
    const { counts } = record.seat as Seat
    const { routine: id, owner, terms, since } = record
    givenBack(counts)
    record.seat = undefined
    record.attempt--
    if (!record.kept) record.payload = payload
    record.kept = true
    const unwanted = whyUnwanted(record)
    if (unwanted !== undefined) return this.#settle(record, { ok: false, error: unwanted })
    const { priority, on, apart, queueTimeoutMs } = terms
    const from = counts.place
    waitAgain(this.#placement, { id, child: owner !== 0, priority, on, apart, since, from })
    if (queueTimeoutMs === 0 || record.attempt > 0) return
    this.#deadlines.addAgain(id, queueTimeoutMs, record.sinceMs)
  }

  #ended(record: PlacedRoutine, outcome: Outcome): void {
    ;(record.seat as Seat).counts.mine--
    // Its node lets go of what lay on a port.
    record.payload = null
    if (record.stopping === undefined || !outcome.ok) return this.#settle(record, outcome)
    // It ended before it heard that it was to stop.
    dropPayload(outcome.payload)
    this.#settle(record, { ok: false, error: record.stopping })
  }

  #settle(record: PlacedRoutine, outcome: Outcome): void {
    const { routine, payload, kept } = record
    if (kept) dropPayload(payload)
    this.#records.delete(routine)
    this.#report.settled(routine, outcome)
    this.#lastEnd.look()
  }

  async close(graceMs: number): Promise<void> {
    this.#closed = true
    await this.#lastEnd.wait(graceMs)
    const reason = failure('ERR_GOAWAY_SHUTDOWN', 'The routine was stopped: shutdown() was called')
    const stopMs = Math.min(graceMs, 1_000)
    for (const id of [...this.#records.keys()]) this.cancel(id, reason, stopMs)
    this.#options.turn()
    await this.#lastEnd.wait(stopMs * 2 + 1_000)
    // A node that says nothing is not waited for any longer.
    for (const record of [...this.#records.values()]) {
      if (record.seat !== this.#local) this.#settle(record, { ok: false, error: reason })
    }
    this.#deadlines.clear()
    this.#recalls.clear()
    await this.threads.close(0)
  }
}

/** How it ends if it has not begun, or would have to begin again. */
function whyUnwanted({ stopping, finished }: PlacedRoutine): ErrorRecord | undefined {
  return stopping ?? (finished ? notWanted() : undefined)
}

function notWanted(): ErrorRecord {
  return failure('ERR_GOAWAY_CANCELLED', 'No value of this generator is wanted any more')
}

function shutDown(): ErrorRecord {
  return recordOf(
    new GoawayError(
      'ERR_GOAWAY_SHUTDOWN',
      'Cannot start a routine: shutdown() was called; call init() to start anew',
    ),
  )
}
