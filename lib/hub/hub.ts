/**
 * The driver of a node. It takes messages from its threads and links, feeds the machines, and sends
 * what they order; it never waits for anything itself.
 *
 * One *turn* takes all that is there, lets the scheduler assign, and sends; then the hub sleeps in
 * its event loop, after a short look at the bell where that has paid off lately.
 */
import { SpinWatch } from '../client/spin-watch.ts'
import { type Clock, realClock, type Timer } from '../clock.ts'
import type { ThreadExecutor } from '../executor/thread-executor.ts'
import type { ThreadHost } from '../executor/thread-host.ts'
import { beatMs, drainMessagesMax, turnMsMax } from '../limits.ts'
import type { ErrorRecord } from '../wire/error-record.ts'
import type {
  Member,
  Message,
  Operation,
  ReportMessage,
  RoutineTerms,
  RunMessage,
  ThreadMessage,
  ThreadPort,
} from '../wire/messages.ts'
import { type ThreadWords, wordAsleep, wordBeat, wordBell } from '../wire/shared-words.ts'
import { ClientNumbers } from './client-numbers.ts'
import { type HostedStores, hostStores } from './host-replicas.ts'
import type { HubOptions, StatusCounts } from './hub-options.ts'
import { Lease } from './lease.ts'
import type { Peers, RoutinePeers } from './peers.ts'
import { Preparing, type TaskRunner } from './preparing.ts'
import { Program } from './program.ts'
import type { Replicas } from './replicas.ts'
import { callerLost, givenUp, Replies, type RepliesHost, routineOver } from './replies.ts'
import { Reports, type ReportsHost } from './reports.ts'
import { Session } from './session.ts'
import { type BellWatch, SpinGovernor } from './spin-governor.ts'
import { StallWatch } from './stall-watch.ts'
import { verbOf } from './stores.ts'

export class Hub implements ThreadHost {
  readonly node: string
  readonly executor: ThreadExecutor
  /** What runs the routines of this node's threads: here or, in a cluster, anywhere. */
  #tasks: Preparing
  readonly #clock: Clock
  readonly #words: Int32Array
  readonly #sessions = new Map<number, Session>()
  readonly #stores: HostedStores
  /** All stores: those that are replicated, and those behind. */
  readonly replicas: Replicas
  /** The other nodes of the cluster. */
  readonly peers: Peers
  /** Until when the threads of this node may read by themselves. */
  readonly lease: Lease
  readonly #beat: Timer
  readonly #bell: BellWatch
  readonly #stall: StallWatch
  readonly #program = new Program()
  readonly #replies: Replies
  readonly #reports: Reports
  readonly #numbers: ClientNumbers
  #turning = false
  /** Closes what goes beside this hub. */
  closing: (graceMs: number) => Promise<void> = async () => {}
  /** What `cluster.stats()` tells: this node's counts, and those of the others. */
  stats: () => Promise<readonly unknown[]> = async () => [{ name: this.node, ...this.counts() }]
  #ended = 0
  /** The folder of the application's code, once this node has been sent it. */
  code: string | undefined
  #closing = false

  constructor(options: HubOptions) {
    this.node = options.node
    this.#clock = options.clock ?? realClock
    const { words } = options
    this.#words = words
    this.#numbers = new ClientNumbers(options.firstClient, (one) => this.#sessions.has(one))
    this.lease = new Lease(words, this.#clock, options.cluster?.place ?? 0)
    this.#bell = options.bell ?? new SpinGovernor(new SpinWatch(words, wordBell), words)
    this.#stall = new StallWatch({
      clock: this.#clock,
      sessions: () => this.#sessions.values(),
      routinesOn: (thread) => this.executor.routinesOn(thread),
      // What other nodes may do is not known here.
      mayAct: () => options.cluster !== undefined || this.#tasks.mayAct(),
      giveUp: (session, call, error) => this.replicas.forget(session.client, call, error),
      turn: () => this.turn(),
    })
    this.#replies = new Replies(this.#host())
    this.#reports = new Reports(this.#host())
    this.#stores = hostStores(options, this.#replies, {
      turn: () => this.turn(),
      taken: (client, store, error) => this.#sessions.get(client)?.taken(store, error),
    })
    this.peers = this.#stores.peers
    this.replicas = this.#stores.replicas
    this.#beat = this.#clock.every(beatMs, () => Atomics.add(this.#words, wordBeat, 1))
    this.executor = options.executor(this, this.#reports)
    this.#tasks = new Preparing(this.executor, this.#reports, () => this.turn())
  }

  /** What answers and reports need of this hub. */
  #host(): RepliesHost & ReportsHost {
    return {
      executor: () => this.executor,
      stores: () => this.replicas,
      session: (client) => this.#sessions.get(client),
      elsewhere: (client) => this.peers.ofClient(client)?.server.replies,
      blocked: () => this.#stall.blocked(),
      refs: () => this.#stores.refs,
      settled: (session) => this.#program.count(session, -1),
    }
  }

  nextClient(): number {
    return this.#numbers.next()
  }

  /** From now on the threads take the application's code from that folder. */
  useCode(directory: string): void {
    this.code = directory
    for (const session of this.#sessions.values()) session.send(['code', directory])
    this.turn()
  }

  /** Lets routines run at other nodes as well. */
  runAnywhere(tasks: TaskRunner, peers: RoutinePeers): void {
    this.#tasks = new Preparing(tasks, this.#reports, () => this.turn())
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
      ...this.#stores.counts(),
    }
  }

  /** Takes on the program's own thread; it is heard when the hub has begun. */
  attachProgram(port: ThreadPort, words: ThreadWords): number {
    const client = this.nextClient()
    this.#program.attach(this.#attach(client, 0, port, words))
    return client
  }

  /** All that the program needs is there. `members`: the nodes of its cluster, if it has one. */
  begin(members: readonly Member[]): void {
    this.#program.begin(this.node, members)
    this.turn()
  }

  /** What the program needs is not to be had: whatever it asks for is refused. */
  fail(error: ErrorRecord): void {
    this.#program.fail(error)
    this.turn()
  }

  tellMembers(members: readonly Member[]): void {
    this.#program.tellMembers(members)
    this.turn()
  }

  /** Takes on a thread of the pool. */
  attach(client: number, thread: number, port: ThreadPort, words: ThreadWords): void {
    this.#attach(client, thread, port, words)
  }

  #attach(client: number, thread: number, port: ThreadPort, words: ThreadWords): Session {
    const session = new Session(client, thread, port, words)
    this.#sessions.set(client, session)
    this.#stores.published.memory.attach(words.words)
    port.on('message', (frame: unknown) => {
      session.inbox.delivered(frame)
      this.turn()
    })
    return session
  }

  detach(client: number): void {
    const session = this.#sessions.get(client)
    if (session === undefined) return
    this.#drain(session, Infinity)
    this.#sessions.delete(client)
    this.#stores.published.memory.detach(session.words.words)
    this.#stall.gone(client)
    session.close()
    this.replicas.clientLost(client)
    this.#stores.refs.clientLost(client)
    // Nobody is left to hear of what its routines started.
    const reason = callerLost()
    for (const [routine, graceMs] of session.routines) {
      this.#program.count(session, -1)
      this.#tasks.cancel(routine, reason, graceMs)
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
    this.#sessions.get(client)?.written(bytes)
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
    this.#replies.endWaits(client, routine, () => routineOver(routine))
    this.#sessions.get(client)?.told.delete(routine)
    this.replicas.ownerEnded(client, routine)
  }

  routineStopping(client: number, routine: number, reason: ErrorRecord): void {
    this.#replies.endWaits(client, routine, () => reason)
  }

  // What the threads send.

  #take(session: Session, message: Message): void {
    if (message[0] === 'quiet') {
      return this.#stall.answered(session.client, message[1], message[2])
    }
    this.#stall.stir()
    if (this.#program.refuses(session, message)) return
    switch (message[0]) {
      case 'ask':
        if (message[2]) session.blocks(message[1], message[5])
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
        return this.replicas.forget(session.client, message[1], givenUp())
      case 'relieve':
        session.relieved.add(message[1])
        return
      case 'stats':
        return void this.#tellStats(session, message[1])
      case 'refs':
        return this.#stores.refs.told(session.client, message[1])
      case 'print':
        return this.peers.print(session.client, message[1], message[2])
      case 'shutdown':
        return void this.close(message[1])
      default:
        this.executor.received(session.thread, message as ReportMessage)
    }
  }

  async #tellStats(session: Session, call: number): Promise<void> {
    session.send(['stats', call, await this.stats()])
    this.turn()
  }

  #request(
    session: Session,
    call: number,
    blocking: boolean,
    owner: number,
    operation: Operation,
  ): void {
    const { client, thread } = session
    if (operation[0] === 'ref') return this.#stores.refs.asked(client, call, operation[1])
    // What a routine holds is freed when it ends: a lock granted later would outlast it.
    const acquires = verbOf(operation) === 'acquire' || verbOf(operation) === 'tryAcquire'
    if (acquires && owner !== 0 && !this.executor.has(thread, owner)) {
      return call === 0 ? undefined : this.#replies.refuse(client, call, routineOver(owner))
    }
    this.replicas.request({ client, call, owner, thread, blocking, operation })
  }

  #submit(
    session: Session,
    message: Extract<ThreadMessage, readonly ['submit', ...unknown[]]>,
  ): void {
    const [, routine, owner, fn, terms, payload] = message
    this.#program.count(session, 1)
    this.#stores.refs.submitted(routine, payload)
    const address = session.functions.get(fn) as never
    const known = session.terms.get(terms) as RoutineTerms
    session.routines.set(routine, known.graceMs)
    this.#tasks.submit({ routine, owner, address, payload, terms: known })
  }

  // Turns.

  /** Works through all that is there. Called for every wake-up. */
  turn(): void {
    if (this.#turning) return
    this.#turning = true
    Atomics.store(this.#words, wordAsleep, 0)
    const until = this.#clock.now() + turnMsMax
    for (;;) {
      const bell = Atomics.load(this.#words, wordBell)
      let more = false
      for (const session of this.#sessions.values()) {
        if (this.#drain(session, drainMessagesMax)) more = true
      }
      this.#tasks.dispatch()
      const now = this.#clock.now()
      const repliesAwaited = this.#peersAreNext(this.#flush(now))
      if (now > until) {
        this.#flush(Infinity)
        this.#clock.setImmediate(() => this.turn())
        break
      }
      if (more || (!repliesAwaited && this.#bell.watch(bell, now))) continue
      if (this.#flush(Infinity)) continue
      Atomics.store(this.#words, wordAsleep, 1)
      // Whoever rang before it saw us asleep has sent no message.
      if (Atomics.load(this.#words, wordBell) === bell) break
      Atomics.store(this.#words, wordAsleep, 0)
    }
    this.#turning = false
  }

  /**
   * Whether what comes next will come over a link, of which the bell says nothing: something went
   * to other nodes, and nothing to a thread.
   */
  #peersAreNext(sentToThreads: boolean): boolean {
    const answered = this.#replies.takeAnswered()
    return this.peers.takeSent() && !sentToThreads && !answered
  }

  /** Takes what a thread has sent, up to a bound; whether the bound cut it short. */
  #drain(session: Session, most: number): boolean {
    if (this.#program.isHeld(session)) return false
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
    this.#program.tellWhetherBusy()
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
    this.#clock.clearTimer(this.#beat)
    this.#stall.close()
    this.peers.close()
    this.#program.closed()
    this.#flush(Infinity)
  }

  /** The hub cannot go on: who is blocked on it, or only reads, is to look at its words now. */
  wakeAll(): void {
    this.#stores.published.memory.close()
    for (const session of this.#sessions.values()) session.wake()
  }
}
