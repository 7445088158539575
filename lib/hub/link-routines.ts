/**
 * Routines over a link: those of this node at another one, and those of the other here. Functions
 * and terms are sent once and numbered. A number is given anew only when no order that was sent
 * with it is open, for a large order may be overtaken by what was sent after it.
 *
 * What comes for a routine that is not open is dropped: it has crossed with the routine's end.
 */

import { recordOf } from '../client/error-codec.ts'
import { dropPayload, isPort, staysOf } from '../client/payload.ts'
import { GoawayError, type GoawayErrorCode } from '../errors.ts'
import type { Outcome, Report, Task } from '../executor/contract.ts'
import type { NodeFacts } from '../executor/local-node.ts'
import type { NodeRoom } from '../executor/node-room.ts'
import type { NodeReport, RecallTerms, RemoteNode } from '../executor/remote-node.ts'
import type { ThreadExecutor } from '../executor/thread-executor.ts'
import { graceMsDefault, numbersKeptMax, routinesPerNode } from '../limits.ts'
import { mayGo } from '../protocol/recall.ts'
import type { Link } from '../transport/contract.ts'
import type { ErrorRecord } from '../wire/error-record.ts'
import type {
  FunctionAddress,
  Payload,
  RemoteRoutineMessage,
  RoutineTerms,
} from '../wire/messages.ts'

interface Numbered {
  readonly number: number
  /** Open orders that were sent with it. */
  uses: number
  told: boolean
}

/** Numbers things by their keys, so many as are in use and some more. */
class Numbers {
  readonly #byKey = new Map<string, Numbered>()
  #next = 0

  take(key: string): Numbered {
    let entry = this.#byKey.get(key)
    if (entry === undefined) {
      entry = { number: this.#free() ?? this.#next++, uses: 0, told: false }
      this.#byKey.set(key, entry)
    }
    entry.uses++
    return entry
  }

  /** The number of one that is not in use, if there are many. The oldest are looked at first. */
  #free(): number | undefined {
    if (this.#byKey.size < numbersKeptMax) return undefined
    let looks = 16
    for (const [key, { number, uses }] of this.#byKey) {
      if (uses > 0 && looks-- > 0) continue
      if (uses > 0) return undefined
      this.#byKey.delete(key)
      return number
    }
    return undefined
  }
}

interface OpenOrder {
  readonly fn: Numbered
  readonly terms: Numbered
}

/** The routines that this node has sent to another. */
export class RemoteRoutines implements RemoteNode {
  readonly place: number
  readonly index: number
  readonly name: string
  readonly labels: readonly string[]
  readonly threads: number
  readonly takesPorts: boolean
  readonly #link: Link
  readonly #report: NodeReport
  readonly #functions = new Numbers()
  readonly #terms = new Numbers()
  /** Terms are met again and again as the same object. */
  readonly #termsKeys = new WeakMap<RoutineTerms, string>()
  readonly #open = new Map<number, OpenOrder>()

  /** @param takesPorts the link does not leave the process */
  constructor(link: Link, node: NodeFacts, report: NodeReport, takesPorts = false) {
    this.#link = link
    this.#report = report
    this.place = node.place
    this.index = node.index
    this.name = node.name
    this.labels = node.labels
    this.threads = node.threads
    this.takesPorts = takesPorts
  }

  order(task: Task, attempt: number, waitedMs: number): void {
    const { routine, owner, address, payload } = task
    const fn = this.#functions.take(address.key)
    if (!fn.told) this.#link.send(['function', fn.number, address])
    fn.told = true
    const terms = this.#terms.take(this.#keyOf(task.terms))
    if (!terms.told) this.#link.send(['terms', terms.number, task.terms])
    terms.told = true
    this.#open.set(routine, { fn, terms })
    const { number } = terms
    this.#link.send(['order', routine, owner, fn.number, number, attempt, waitedMs, payload])
  }

  #keyOf(terms: RoutineTerms): string {
    let key = this.#termsKeys.get(terms)
    if (key === undefined) {
      key = Object.values(terms).map(String).join('\n')
      this.#termsKeys.set(terms, key)
    }
    return key
  }

  cancel(routine: number, reason: ErrorRecord, graceMs: number): void {
    if (this.#open.has(routine)) this.#link.send(['cancel', routine, reason, graceMs])
  }

  credit(routine: number, values: number): void {
    if (this.#open.has(routine)) this.#link.send(['credit', routine, values])
  }

  finish(routine: number): void {
    if (this.#open.has(routine)) this.#link.send(['finish', routine])
  }

  recall(most: number, { name, labels, sent }: RecallTerms): void {
    this.#link.send(['recall', most, name, labels, sent])
  }

  /** Takes what the node tells of them. */
  received(message: RemoteRoutineMessage): void {
    switch (message[0]) {
      case 'started':
        if (!this.#open.has(message[1])) return
        return this.#report.started(message[1], message[2], message[3], message[4])
      case 'value':
        if (this.#open.has(message[1])) return this.#report.value(message[1], message[2])
        return dropPayload(message[2])
      case 'result':
        if (this.#close(message[1])) {
          return this.#report.settled(message[1], { ok: true, payload: message[2] })
        }
        return dropPayload(message[2])
      case 'failure':
        if (!this.#close(message[1])) return
        return this.#report.settled(message[1], { ok: false, error: message[2] })
      case 'room':
        return this.#report.room(message[1], message[2], message[3], message[4])
      case 'returned':
        if (this.#close(message[1])) return this.#report.returned(message[1], message[2])
        return dropPayload(message[2])
      case 'recalled':
        return this.#report.recalled(message[1], message[2])
    }
  }

  #close(routine: number): boolean {
    const order = this.#open.get(routine)
    if (order === undefined) return false
    this.#open.delete(routine)
    order.fn.uses--
    order.terms.uses--
    return true
  }
}

/** Room is told anew when less than half of it is left. */
const roomShare = 0.5
/** Load, per thread, is told anew when it has changed by so much, or by a quarter of itself. */
const loadStep = 0.5

/** The routines of another node that run here. */
export class RoutineServer implements Report {
  readonly #link: Link
  readonly #place: number
  readonly #executor: ThreadExecutor
  readonly #room: NodeRoom
  readonly #givesPorts: boolean
  readonly #functions = new Map<number, FunctionAddress>()
  readonly #terms = new Map<number, RoutineTerms>()
  readonly #open = new Set<number>()
  #received = 0
  #allowedTold = 0
  #loadTold = 0
  #eagerTold = 0
  /** When so many orders have arrived, those that a recall has overtaken are there. */
  #askedAbout = 0
  #hasNews = false
  #over = false

  /**
   * @param place of the other node
   * @param givesPorts the link does not leave the process
   */
  constructor(
    link: Link,
    place: number,
    executor: ThreadExecutor,
    room: NodeRoom,
    givesPorts = false,
  ) {
    this.#link = link
    this.#place = place
    this.#executor = executor
    this.#room = room
    this.#givesPorts = givesPorts
  }

  /** Routines of the other node that are open here. */
  get routines(): number {
    return this.#open.size
  }

  /** Takes what the other node orders. */
  received(message: RemoteRoutineMessage): void {
    switch (message[0]) {
      case 'function':
        this.#functions.set(message[1], message[2])
        return
      case 'terms':
        this.#terms.set(message[1], message[2])
        return
      case 'order':
        return this.#order(message)
      case 'cancel':
        if (!this.#open.has(message[1]) || message[2] === null) return
        return this.#executor.cancel(message[1], message[2], message[3])
      case 'credit':
        if (this.#open.has(message[1])) this.#executor.credit(message[1], message[2])
        return
      case 'finish':
        if (this.#open.has(message[1])) this.#executor.finish(message[1])
        return
      case 'recall':
        return this.#recall(message[1], message[2], message[3], message[4])
    }
  }

  /** Gives back what has not begun, for a node that would begin it at once. */
  #recall(most: number, name: string, labels: readonly string[], sent: number): void {
    if (sent > this.#received) this.#askedAbout = sent
    const isMeant = ({ routine, terms }: Task): boolean =>
      this.#open.has(routine) && mayGo(terms, name, labels)
    const { tasks, left } = this.#executor.takeBack(most, isMeant)
    for (const { routine, payload } of tasks) {
      this.#open.delete(routine)
      this.#link.send(['returned', routine, payload])
    }
    this.#link.send(['recalled', this.#received, left])
  }

  #order(message: Extract<RemoteRoutineMessage, readonly ['order', ...unknown[]]>): void {
    const [, routine, owner, fn, number, attempt, waitedMs, payload] = message
    const address = this.#functions.get(fn)
    const terms = this.#terms.get(number)
    if (++this.#received === this.#askedAbout) this.#hasNews = true
    const isTheirs = Math.floor(routine / routinesPerNode) === this.#place
    if (address === undefined || terms === undefined || !isTheirs || this.#open.has(routine)) {
      dropPayload(payload)
      const text = `Cannot run routine ${routine}: its order is not what this node understands`
      this.#link.send(['failure', routine, errorRecord('ERR_GOAWAY_PROTOCOL', text)])
      return
    }
    this.#open.add(routine)
    this.#executor.submit({ routine, owner, address, payload, terms, attempt, waitedMs })
  }

  started(routine: number, node: string, thread: number, attempt: number): void {
    if (this.#open.has(routine)) this.#link.send(['started', routine, node, thread, attempt])
  }

  value(routine: number, payload: Payload): void {
    if (!this.#open.has(routine)) return dropPayload(payload)
    if (this.#mayLeave(payload)) {
      this.#link.send(['value', routine, payload])
      return
    }
    dropPayload(payload)
    this.#executor.cancel(
      routine,
      staysHere(staysOf(payload, 'A value that the routine yielded')),
      graceMsDefault,
    )
  }

  settled(routine: number, outcome: Outcome): void {
    if (!this.#open.delete(routine)) {
      if (outcome.ok) dropPayload(outcome.payload)
      return
    }
    if (!outcome.ok) this.#link.send(['failure', routine, outcome.error])
    else if (this.#mayLeave(outcome.payload)) this.#link.send(['result', routine, outcome.payload])
    else {
      dropPayload(outcome.payload)
      this.#link.send([
        'failure',
        routine,
        staysHere(staysOf(outcome.payload, 'The result of the routine')),
      ])
    }
  }

  #mayLeave(payload: Payload): boolean {
    return this.#givesPorts || !isPort(payload)
  }

  /**
   * Says how much may be sent here, if that changed. Called once a turn, when all is placed.
   *
   * @param idleIsDue threads with nothing to do are told of as well
   * @returns whether there are such that the other node does not know of
   */
  tellRoom(idleIsDue: boolean): boolean {
    if (this.#over) return false
    const room = this.#room
    const left = this.#allowedTold - this.#received
    if (left <= 0 && this.#received > 0) room.exhausted = true
    const more = room.measure()
    const load = (room.routines - this.#open.size) / room.threads
    const change = Math.abs(load - this.#loadTold)
    const hasMore = more > left && left <= more * roomShare
    const { idle } = room
    const isEager = idle > 0 && this.#eagerTold <= this.#received
    const hasChanged = change >= Math.max(loadStep, this.#loadTold / 4)
    const tellsIdle = isEager && idleIsDue
    if (!hasMore && !tellsIdle && !hasChanged && !this.#hasNews) return isEager
    this.#hasNews = false
    this.#allowedTold = Math.max(this.#allowedTold, this.#received + more)
    this.#loadTold = load
    this.#eagerTold = this.#received + idle
    this.#link.send(['room', this.#allowedTold, load, idle, this.#received])
    return false
  }

  /** The other node is lost: nobody wants its routines any more. */
  closed(): void {
    this.#over = true
    const text = 'The routine was stopped: the node that started it is lost'
    const reason = errorRecord('ERR_GOAWAY_NODE_LOST', text)
    const open = [...this.#open]
    this.#open.clear()
    for (const routine of open) this.#executor.cancel(routine, reason, graceMsDefault)
  }
}

function errorRecord(code: GoawayErrorCode, text: string): ErrorRecord {
  return recordOf(new GoawayError(code, text))
}

function staysHere(what: string): ErrorRecord {
  return errorRecord(
    'ERR_GOAWAY_VALUE',
    `${what} cannot leave its process, and was to go to another node: shared memory and what is ` +
      'moved by `transfer` stay in one process; return a copy, or run the routine with ' +
      "on: 'local'",
  )
}
