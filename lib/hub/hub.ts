/**
 * The driver of a node. It takes messages from its threads and links, feeds the machines, and sends
 * what they order; it never waits for anything itself.
 *
 * One *turn* takes all that is there, lets the scheduler assign, and sends; then the hub sleeps in
 * its event loop, after a short look at the bell where that has paid off lately.
 */
import type { MessagePort } from 'node:worker_threads'
import { recordOf } from '../client/error-codec.ts'
import { dropPayload } from '../client/payload.ts'
import { SpinWatch } from '../client/spin-watch.ts'
import { GoawayError } from '../errors.ts'
import type { Outcome, Report } from '../executor/contract.ts'
import type { ThreadExecutor } from '../executor/thread-executor.ts'
import type { ThreadHost } from '../executor/thread-host.ts'
import {
  beatMs,
  drainMessagesMax,
  graceMsDefault,
  routinesPerClient,
  turnMsMax,
} from '../limits.ts'
import type { ErrorRecord } from '../wire/error-record.ts'
import type {
  Answer,
  Member,
  Message,
  Operation,
  Payload,
  ReportMessage,
  RunMessage,
  ThreadMessage,
} from '../wire/messages.ts'
import {
  type ThreadWords,
  wordAsleep,
  wordBeat,
  wordBell,
  wordWritten,
} from '../wire/shared-words.ts'
import { Master } from './master.ts'
import { Peers, type PeersOptions, type RoutinePeers } from './peers.ts'
import { Preparing, type TaskRunner } from './preparing.ts'
import { Session } from './session.ts'
import { SpinGovernor } from './spin-governor.ts'
import { StallWatch } from './stall-watch.ts'
import type { StoreReplies, StoreRequest, Stores } from './stores.ts'

export interface HubOptions {
  readonly node: string
  /** Shared with all threads of the node. */
  readonly words: Int32Array
  /** The first client gets this number, and so on. */
  readonly firstClient: number
  /** This node's part in a cluster, if it has one. */
  readonly cluster?: PeersOptions
  readonly executor: (host: ThreadHost, report: Report) => ThreadExecutor
}

/** What a node says of its work. */
export interface StatusCounts {
  /** Routines that run, parked ones included. */
  readonly running: number
  readonly waiting: number
  /** Routines that have ended. */
  readonly done: number
  readonly objects: number
  readonly locks: number
}

export class Hub implements ThreadHost, Report, StoreReplies {
  readonly node: string
  readonly executor: ThreadExecutor
  /** What runs the routines of this node's threads: here or, in a cluster, anywhere. */
  #tasks: Preparing
  readonly #words: Int32Array
  readonly #sessions = new Map<number, Session>()
  readonly #master: Master
  readonly #stores: Stores
  /** The other nodes of the cluster. */
  readonly peers: Peers
  readonly #beat: NodeJS.Timeout
  readonly #bell: SpinGovernor
  readonly #stall: StallWatch
  #waits = 0
  #nextClient: number
  /** Client of the program itself. */
  #program = -1
  /** Routines that routines have started: the program's process stays for them. */
  #routinesOfThreads = 0
  #busy = false
  #turning = false
  /** What is to be closed beside this hub: nodes that it has started. */
  closing: (graceMs: number) => Promise<void> = async () => {}
  /** What `cluster.stats()` tells: this node's counts, and those of the others. */
  stats: () => Promise<readonly unknown[]> = async () => [{ name: this.node, ...this.counts() }]
  #ended = 0
  /** The folder of the application's code, once this node has been sent it. */
  code: string | undefined
  /** The program is not listened to yet. */
  #held = true
  /** Why it gets nothing, if its cluster could not be made. */
  #failure: ErrorRecord | undefined
  #closing = false

  constructor(options: HubOptions) {
    this.node = options.node
    this.#words = options.words
    this.#nextClient = options.firstClient
    this.#bell = new SpinGovernor(new SpinWatch(options.words, wordBell), options.words)
    this.#stall = new StallWatch({
      sessions: () => this.#sessions.values(),
      routinesOn: (thread) => this.executor.routinesOn(thread),
      // What other nodes may do is not known here.
      mayAct: () => options.cluster !== undefined || this.#tasks.mayAct(),
      giveUp: (session, call, error) => this.#stores.forget(session.client, call, error),
      turn: () => this.turn(),
    })
    const master = new Master(this)
    this.#master = master
    const alone = { place: 0, index: 1, nodes: 1, placement: 'first' } as const
    this.peers = new Peers(options.cluster ?? alone, master, this, () => this.turn())
    this.#stores = options.cluster === undefined ? master : this.peers.router
    this.#beat = setInterval(() => Atomics.add(this.#words, wordBeat, 1), beatMs)
    this.executor = options.executor(this, this)
    this.#tasks = new Preparing(this.executor, this, () => this.turn())
  }

  nextClient(): number {
    return this.#nextClient++
  }

  /** From now on the threads take the application's code from that folder. */
  useCode(directory: string): void {
    this.code = directory
    for (const session of this.#sessions.values()) session.send(['code', directory])
    this.turn()
  }

  /** Lets routines run at other nodes as well. */
  runAnywhere(tasks: TaskRunner, peers: RoutinePeers): void {
    this.#tasks = new Preparing(tasks, this, () => this.turn())
    this.peers.routines = peers
  }

  /** @param prepare see {@link Preparing} */
  prepareWith(prepare: Preparing['prepare']): void {
    this.#tasks.prepare = prepare
  }

  counts(): StatusCounts {
    return {
      running: this.executor.routines - this.executor.counts.waiting,
      waiting: this.executor.counts.waiting,
      done: this.#ended,
      ...this.#master.counts(),
    }
  }

  /** Takes on the program's own thread; it is heard when the hub has begun. */
  attachProgram(port: MessagePort, words: ThreadWords): number {
    this.#program = this.nextClient()
    this.attach(this.#program, 0, port, words)
    return this.#program
  }

  /** All that the program needs is there. `members`: the nodes of its cluster, if it has one. */
  begin(members: readonly Member[]): void {
    const program = this.#sessions.get(this.#program)
    this.#held = false
    this.tellMembers(members)
    program?.send(['ready', this.node])
    this.turn()
  }

  /** What the program needs is not to be had: whatever it asks for is refused. */
  fail(error: ErrorRecord): void {
    this.#failure = error
    this.#held = false
    this.#sessions.get(this.#program)?.send(['failed', error])
    this.turn()
  }

  tellMembers(members: readonly Member[]): void {
    if (members.length > 0) this.#sessions.get(this.#program)?.send(['members', members])
  }

  /** Takes on a thread. `thread` 0 is the program's own. */
  attach(client: number, thread: number, port: MessagePort, words: ThreadWords): void {
    const session = new Session(client, thread, port, words)
    this.#sessions.set(client, session)
    port.on('message', (frame: unknown) => {
      session.inbox.delivered(frame)
      this.turn()
    })
  }

  detach(client: number): void {
    const session = this.#sessions.get(client)
    if (session === undefined) return
    this.#drain(session, Infinity)
    this.#sessions.delete(client)
    this.#stall.gone(client)
    session.close()
    this.#stores.clientLost(client)
    // Nobody is left to hear of what its routines started.
    const reason = new GoawayError(
      'ERR_GOAWAY_THREAD_LOST',
      'The routine was stopped: the thread of the routine that started it is gone',
      { maybeExecuted: true },
    )
    for (const routine of session.routines) {
      this.#routinesOfThreads--
      this.#tasks.cancel(routine, recordOf(reason), graceMsDefault)
    }
    session.routines.clear()
  }

  send(client: number, message: RunMessage): void {
    const session = this.#sessions.get(client)
    if (session === undefined) return
    session.send(message)
    this.executor.resumed(session.thread)
  }

  /** So many bytes of what the thread printed have been written. */
  written(client: number, bytes: number): void {
    const session = this.#sessions.get(client)
    if (session === undefined) return
    Atomics.add(session.words.words, wordWritten, bytes)
    Atomics.notify(session.words.words, wordWritten)
  }

  hasStarted(client: number): boolean {
    return (this.#sessions.get(client)?.routines.size ?? 0) > 0
  }

  deliveries(client: number): number {
    return this.#sessions.get(client)?.deliveries ?? 0
  }

  routineEnded(client: number, routine: number): void {
    this.#ended++
    // Nobody is left who could want what it still waits for.
    this.#endWaits(client, routine, () => routineOver(routine))
    this.#sessions.get(client)?.told.delete(routine)
    this.#stores.ownerEnded(client, routine)
  }

  routineStopping(client: number, routine: number, reason: ErrorRecord): void {
    this.#endWaits(client, routine, () => reason)
  }

  #endWaits(client: number, routine: number, reason: () => ErrorRecord): void {
    const session = this.#sessions.get(client)
    if (session === undefined || session.waiting.size === 0) return
    for (const [call, { owner }] of [...session.waiting]) {
      if (owner !== routine) continue
      session.told.add(routine)
      this.#stores.forget(client, call, reason())
    }
  }

  // What the stores answer.

  answer(client: number, call: number, answer: Answer): void {
    const session = this.#sessionOf(client)
    if (session === undefined)
      return this.peers.ofClient(client)?.server.replies.answer(client, call, answer)
    this.#unblock(session, call)
    session.answer(call, answer)
  }

  refuse(client: number, call: number, error: ErrorRecord): void {
    const session = this.#sessionOf(client)
    if (session === undefined)
      return this.peers.ofClient(client)?.server.replies.refuse(client, call, error)
    this.#unblock(session, call)
    session.refuse(call, error)
  }

  parked(request: StoreRequest): void {
    const { client, call, owner, blocking } = request
    const session = this.#sessionOf(client)
    if (session === undefined) return this.peers.ofClient(client)?.server.replies.parked(request)
    const limited = session.blockingLimited
    session.waiting.set(call, { owner, blocking, limited, since: this.#waits++ })
    const refusal = this.#refusalOf(session, request)
    if (refusal !== undefined) return this.#stores.forget(client, call, refusal)
    if (session.relieved.delete(call)) session.send(['waits', call])
    if (!blocking) return
    if (session.thread !== 0) this.executor.blocked(session.thread)
    this.#stall.blocked()
  }

  /**
   * Why a routine may not wait: it is over; or it is to stop, and its request has crossed with
   * that. One that knows may still wait for a lock, which it may need to clean up.
   */
  #refusalOf(session: Session, { owner, operation }: StoreRequest): ErrorRecord | undefined {
    if (owner === 0) return undefined
    if (!this.executor.has(session.thread, owner)) return routineOver(owner)
    const reason = this.executor.stopping(owner)
    if (reason === undefined) return undefined
    if (operation[0] === 'acquire' && (operation[2] === true || session.told.has(owner))) return
    session.told.add(owner)
    return reason
  }

  #unblock(session: Session, call: number): void {
    if (session.thread === 0) return
    if (session.waiting.get(call)?.blocking === true) this.executor.unblocked(session.thread)
    else this.executor.resumed(session.thread)
  }

  #sessionOf(client: number): Session | undefined {
    return this.#sessions.get(client)
  }

  // What the executor reports.

  started(routine: number, node: string, thread: number, attempt: number): void {
    this.#callerOf(routine)?.send(['started', routine, node, thread, attempt])
  }

  value(routine: number, payload: Payload): void {
    const session = this.#callerOf(routine)
    if (session === undefined) return dropPayload(payload)
    session.send(['value', routine, payload])
    this.executor.resumed(session.thread)
  }

  settled(routine: number, outcome: Outcome): void {
    const session = this.#callerOf(routine)
    if (session?.routines.delete(routine) !== true) {
      if (outcome.ok) dropPayload(outcome.payload)
      return
    }
    if (session.client !== this.#program) this.#routinesOfThreads--
    session.send(
      outcome.ok ? ['result', routine, outcome.payload] : ['failure', routine, outcome.error],
    )
    if (session.thread !== 0) this.executor.resumed(session.thread)
  }

  #callerOf(routine: number): Session | undefined {
    return this.#sessions.get(Math.floor(routine / routinesPerClient))
  }

  // What the threads send.

  #take(session: Session, message: Message): void {
    if (message[0] === 'quiet') {
      return this.#stall.answered(session.client, message[1], message[2])
    }
    this.#stall.stir()
    if (this.#failure !== undefined && this.#refused(session, message, this.#failure)) return
    switch (message[0]) {
      case 'ask':
        if (message[2]) {
          session.blockingCall = message[1]
          session.blockingLimited = message[5]
        }
        return this.#request(session, message[1], message[2], message[3], message[4])
      case 'tell':
        return this.#request(session, 0, false, message[1], message[2])
      case 'submit':
        return this.#submit(session, message)
      case 'function':
        session.functions.set(message[1], message[2] as never)
        return
      case 'terms':
        session.terms.set(message[1], message[2])
        return
      case 'cancel':
        return this.#tasks.cancel(message[1], message[2] as ErrorRecord, message[3])
      case 'credit':
        return this.#tasks.credit(message[1], message[2])
      case 'finish':
        return this.#tasks.finish(message[1])
      case 'forget':
        return this.#forget(session, message[1])
      case 'relieve':
        session.relieved.add(message[1])
        return
      case 'stats': {
        const call = message[1]
        void this.stats().then((stats) => {
          session.send(['stats', call, stats])
          this.turn()
        })
        return
      }
      case 'print':
        return this.peers.print(session.client, message[1], message[2])
      case 'shutdown':
        void this.close(message[1])
        return
      default:
        this.executor.received(session.thread, message as ReportMessage)
    }
  }

  #refused(session: Session, message: Message, error: ErrorRecord): boolean {
    if (message[0] === 'ask') {
      if (message[2]) session.blockingCall = message[1]
      this.refuse(session.client, message[1], error)
    } else if (message[0] === 'submit') {
      dropPayload(message[5])
      session.send(['failure', message[1], error])
    }
    return message[0] === 'ask' || message[0] === 'submit'
  }

  #request(
    session: Session,
    call: number,
    blocking: boolean,
    owner: number,
    operation: Operation,
  ): void {
    const { client, thread } = session
    // What a routine holds is freed when it ends: a lock granted later would stay until its thread
    // ends.
    const acquires = operation[0] === 'acquire' || operation[0] === 'tryAcquire'
    if (acquires && owner !== 0 && !this.executor.has(thread, owner)) {
      if (call !== 0) this.refuse(client, call, routineOver(owner))
      return
    }
    this.#stores.request({ client, call, owner, thread, blocking, operation })
  }

  #forget(session: Session, call: number): void {
    const reason = new GoawayError('ERR_GOAWAY_TIMEOUT', 'The wait was given up')
    this.#stores.forget(session.client, call, recordOf(reason))
  }

  #submit(
    session: Session,
    message: Extract<ThreadMessage, readonly ['submit', ...unknown[]]>,
  ): void {
    const [, routine, owner, fn, terms, payload] = message
    session.routines.add(routine)
    if (session.client !== this.#program) this.#routinesOfThreads++
    this.#tasks.submit({
      routine,
      owner,
      address: session.functions.get(fn) as never,
      payload,
      terms: session.terms.get(terms) as never,
    })
  }

  // Turns.

  /** Works through all that is there. Called for every wake-up. */
  turn(): void {
    if (this.#turning) return
    this.#turning = true
    Atomics.store(this.#words, wordAsleep, 0)
    const until = performance.now() + turnMsMax
    for (;;) {
      const bell = Atomics.load(this.#words, wordBell)
      let more = false
      for (const session of this.#sessions.values()) {
        if (this.#drain(session, drainMessagesMax)) more = true
      }
      this.#tasks.dispatch()
      const now = performance.now()
      this.#flush(now)
      if (now > until) {
        this.#flush(Infinity)
        setImmediate(() => this.turn())
        break
      }
      if (more || this.#bell.watch(bell, now)) continue
      if (this.#flush(Infinity)) continue
      Atomics.store(this.#words, wordAsleep, 1)
      // Whoever rang before it saw us asleep has sent no message.
      if (Atomics.load(this.#words, wordBell) === bell) break
      Atomics.store(this.#words, wordAsleep, 0)
    }
    this.#turning = false
  }

  /** Takes what a thread has sent, up to a bound; whether the bound cut it short. */
  #drain(session: Session, most: number): boolean {
    if (this.#held && session.client === this.#program) return false
    for (let left = most; left > 0; left--) {
      const message = session.inbox.take()
      if (message === undefined) return false
      this.#take(session, message)
    }
    return true
  }

  /**
   * Sends what is ready at this time; everything, if that is Infinity. Whether anything was sent.
   */
  #flush(now: number): boolean {
    const busy = this.#routinesOfThreads > 0
    if (busy !== this.#busy) {
      this.#busy = busy
      this.#sessions.get(this.#program)?.send(['busy', busy])
    }
    let sent = false
    for (const session of this.#sessions.values()) if (session.flush(now)) sent = true
    this.peers.flush()
    return sent
  }

  /** Ends all routines and threads, and tells the program. */
  async close(graceMs: number): Promise<void> {
    if (this.#closing) return
    this.#closing = true
    await this.#tasks.close(graceMs)
    await this.closing(graceMs)
    clearInterval(this.#beat)
    this.#stall.close()
    this.peers.close()
    this.#sessions.get(this.#program)?.send(['closed'])
    this.#flush(Infinity)
  }

  /** The hub cannot go on: those who are blocked on it are to look at its words now. */
  wakeAll(): void {
    for (const session of this.#sessions.values()) session.wake()
  }
}

function routineOver(routine: number): ErrorRecord {
  return recordOf(
    new GoawayError(
      'ERR_GOAWAY_CANCELLED',
      `Routine ${routine} is over: what it left behind may not wait`,
      {
        routine,
      },
    ),
  )
}
