/**
 * A thread of a simulated process: a client of its hub like any other, over a simulated port. Code
 * that it runs knows it by its scope, so that handles and `goaway` find their node.
 */
import { Channel } from '../client/channel.ts'
import type { Node } from '../client/current.ts'
import { HubClient, type Keeper } from '../client/hub-client.ts'
import { PortExecutor } from '../client/port-executor.ts'
import { RoutineTable } from '../client/routine-table.ts'
import { type Scope, scopes } from '../client/scope.ts'
import type { Timer } from '../clock.ts'
import { GoawayError } from '../errors.ts'
import type { Executor, Task } from '../executor/contract.ts'
import type { Recorder } from '../history/recorder.ts'
import { isReplicated } from '../hub/stores.ts'
import { routinesPerClient } from '../limits.ts'
import type { PortFrame } from '../wire/frame.ts'
import type { Answer, FunctionAddress, Operation } from '../wire/messages.ts'
import type { ThreadWords } from '../wire/shared-words.ts'
import type { Owner, Planned } from './agenda.ts'
import type { LocalClock } from './local-clock.ts'
import type { Random } from './random.ts'
import type { SimulatedPort } from './simulated-port.ts'

/** A simulated process does not end because nothing is pending. */
const keeper: Keeper = { retain() {}, release() {} }

/** What a thread needs of its process. */
export interface ThreadHome extends Owner {
  readonly name: string
  readonly clock: LocalClock
  readonly random: Random
  readonly hubWords: Int32Array
  locate(fn: unknown): FunctionAddress
  recorder(): Recorder | undefined
}

export interface SimulatedThreadOptions {
  readonly home: ThreadHome
  readonly client: number
  /** Its number in the pool; 0 for a program's own. */
  readonly thread: number
  /** Routines that its process, or with a program the cluster, runs at a time. */
  readonly threads: number
  readonly port: SimulatedPort
  readonly words: ThreadWords
}

/** Remembers what has no answer yet, for who wants to know why nothing happens any more. */
class SimulatedClient extends HubClient {
  readonly pending = new Map<number, string>()
  #calls = 0

  override ask(
    owner: number,
    operation: Operation,
    resolve: (answer: Answer) => void,
    reject: (error: unknown) => void,
    background = false,
  ): number {
    const id = this.#calls++
    this.pending.set(id, describe(owner, operation))
    const settled = <T>(act: (value: T) => void) => {
      return (value: T): void => {
        this.pending.delete(id)
        act(value)
      }
    }
    return super.ask(owner, operation, settled(resolve), settled(reject), background)
  }

  override askBlocking(_owner: number, operation: Operation): Answer {
    throw mayNotBlock(operation)
  }

  override tellBlocking(_owner: number, operation: Operation): void {
    throw mayNotBlock(operation)
  }
}

function mayNotBlock(operation: Operation): GoawayError {
  const [name, object] = isReplicated(operation) ? operation[1] : operation
  const [what, instead] =
    name === 'ref'
      ? ['read() of a Ref', 'ref.get()']
      : [`${name} of '${String(object)}'`, 'the handles of goaway']
  return new GoawayError(
    'ERR_GOAWAY_DEADLOCK',
    `Cannot block in a simulation, where one thread does everything: ${what}; ` +
      `use ${instead}, not what goaway/sync has`,
  )
}

function describe(owner: number, operation: Operation): string {
  const [name, ...rest] = isReplicated(operation) ? operation[1] : operation
  const words = rest.map((one) => (typeof one === 'string' ? `'${one}'` : '')).filter(Boolean)
  const by = owner === 0 ? '' : ` of routine ${owner}`
  return `${name}(${words.join(', ')})${by}`
}

/** Remembers what runs, by the names of the functions. */
class SimulatedRoutines extends RoutineTable {
  readonly pending = new Map<number, string>()

  override remove(routine: number): void {
    this.pending.delete(routine)
    super.remove(routine)
  }

  watch(executor: Executor): void {
    const submit = executor.submit.bind(executor)
    executor.submit = (task: Task) => {
      this.pending.set(task.routine, task.terms.name || task.address.name || 'a function')
      submit(task)
    }
    this.executor = executor
  }
}

export class SimulatedThread implements Node, Owner {
  readonly home: ThreadHome
  readonly name: string
  readonly thread: number
  readonly threads: number
  readonly clustered = true
  readonly client: SimulatedClient
  readonly routines: SimulatedRoutines
  readonly locate: (fn: unknown) => FunctionAddress
  readonly random: Random
  readonly recorder: Recorder | undefined
  readonly #port: SimulatedPort
  readonly #scope: Scope
  #isOver = false

  constructor(options: SimulatedThreadOptions) {
    const { home, client, thread, threads, port, words } = options
    this.home = home
    this.name = home.name
    this.thread = thread
    this.threads = threads
    this.#port = port
    this.recorder = home.recorder()
    this.random = home.random.stream(`thread ${client}`)
    this.locate = (fn) => home.locate(fn)
    this.client = new SimulatedClient(
      client,
      new Channel(port as never, words, home.hubWords),
      keeper,
      home.clock,
    )
    this.routines = new SimulatedRoutines(keeper, client * routinesPerClient)
    this.routines.watch(new PortExecutor(this.client, this.routines))
    this.client.onLost((error) => this.routines.lose(error))
    this.client.refs.followsCollector = false
    this.#scope = { owner: 0, held: new Map(), context: undefined, over: false, home: this }
    port.on('message', (frame) => {
      if (!this.#isOver) this.enter(() => this.client.receive(frame as PortFrame))
    })
  }

  get isPaused(): boolean {
    return this.home.isPaused
  }

  get isDead(): boolean {
    return this.#isOver || this.home.isDead
  }

  defer(planned: Planned): void {
    this.home.defer(planned)
  }

  /** Runs code as this thread's own. */
  enter<T>(act: () => T): T {
    return scopes.run(this.#scope, act)
  }

  /** Its timers end with it, before its process does. */
  setTimer(delayMs: number, act: () => void): Timer {
    return this.home.clock.setTimer(delayMs, () => {
      if (!this.isDead) act()
    })
  }

  /** What has no answer yet, one line each. */
  pending(): string[] {
    const calls = [...this.client.pending.values()]
    const routines = [...this.routines.pending.values()].map((name) => `routine ${name}`)
    const where = this.thread === 0 ? this.name : `${this.name}, thread ${this.thread}`
    return [...calls, ...routines].map((what) => `${what} (${where})`)
  }

  /** What it does from now on nobody hears of. */
  end(): void {
    this.#isOver = true
    this.#port.close()
  }
}
