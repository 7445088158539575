/**
 * One process of a simulated cluster: a real hub with the real driver, whose threads, links and
 * clock are simulated. A machine that restarts runs another process, in another place.
 */
import type { RoutineFunction } from '../client/function-address.ts'
import type { Recorder } from '../history/recorder.ts'
import { assembleHub } from '../hub/assemble.ts'
import type { Hub } from '../hub/hub.ts'
import type { ReplicaMachines } from '../hub/replicas.ts'
import type { Answer, FunctionAddress, Member, Operation } from '../wire/messages.ts'
import { createHubWords, ThreadWords } from '../wire/shared-words.ts'
import type { Agenda, Planned } from './agenda.ts'
import type { FunctionTable } from './function-table.ts'
import { LocalClock } from './local-clock.ts'
import type { Random } from './random.ts'
import type { RecordingInMemory } from './recording-in-memory.ts'
import type { LinkOwner, SimulatedEnd } from './simulated-link.ts'
import { SimulatedPool } from './simulated-pool.ts'
import { type PortSpace, SimulatedPort } from './simulated-port.ts'
import { SimulatedThread, type ThreadHome } from './simulated-thread.ts'

/** A computer of the cluster. Index 0 is the one that the program runs on. */
export interface Machine {
  readonly index: number
  readonly name: string
  readonly labels: readonly string[]
  readonly threads: number
  /** How fast its clock goes. */
  rate: number
  /** Processes it has started so far. */
  lives: number
  /** A process runs there, whether or not it takes part. */
  isUp: boolean
  /** The last that took part. */
  process: SimulatedProcess | undefined
}

export interface ProcessOptions {
  readonly machine: Machine
  readonly place: number
  /** Nodes of the cluster. */
  readonly nodes: number
  readonly placement: 'first' | 'hash'
  readonly replicaMachines: ReplicaMachines | undefined
  readonly agenda: Agenda
  readonly random: Random
  readonly functions: FunctionTable
  /** Where its threads record what they do. */
  readonly recording: RecordingInMemory | undefined
}

/** Messages from thread to thread take so long at most, in milliseconds. */
const portDelayMsMax = 0.2
/** Nobody rings while the hub looks, for there is but one thread. */
const bell = { watch: () => false }

export class SimulatedProcess implements LinkOwner, ThreadHome {
  readonly machine: Machine
  readonly place: number
  readonly member: Member
  readonly clock: LocalClock
  readonly random: Random
  readonly hubWords = createHubWords()
  readonly hub: Hub
  readonly pool: SimulatedPool
  /** Its ends of the links to the others. */
  readonly links: SimulatedEnd[] = []
  isPaused = false
  isDead = false
  readonly #agenda: Agenda
  readonly #functions: FunctionTable
  readonly #recording: RecordingInMemory | undefined
  readonly #space: PortSpace
  readonly #life: number
  readonly #clients: SimulatedThread[] = []
  #deferred: Planned[] = []

  constructor(options: ProcessOptions) {
    const { machine, place, agenda, random, functions } = options
    const { index, name, labels, threads, rate } = machine
    this.machine = machine
    this.place = place
    this.#agenda = agenda
    this.#functions = functions
    this.#recording = options.recording
    this.#life = machine.lives
    this.random = random.stream(`process ${place}`)
    this.clock = new LocalClock(agenda, this, rate, this.random.between(1, 1_000))
    const incarnation = `${name}/${machine.lives}`
    this.member = { place, index, name, host: '', port: 0, labels, threads, incarnation }
    const delayMs = (): number => this.random.between(0, portDelayMsMax)
    this.#space = { agenda, owner: this, delayMs }
    this.pool = new SimulatedPool(this, this.#space)
    const { nodes, placement } = options
    this.hub = assembleHub({
      node: name,
      hubWords: this.hubWords,
      threads,
      threadsMax: Math.max(1, threads) * 8,
      pool: this.pool,
      cluster: { place, index, nodes, placement, labels },
      replicaMachines: options.replicaMachines,
      clock: this.clock,
      bell,
      recorder: this.recorder(),
    })
  }

  get name(): string {
    return this.machine.name
  }

  get isReplaced(): boolean {
    return this.machine.isUp && this.machine.lives > this.#life
  }

  /**
   * A thread that runs the program, as at the spawner's.
   *
   * @param threads of the whole cluster
   */
  attachProgram(threads: number): SimulatedThread {
    return this.#attach(threads, (port, words) => this.hub.attachProgram(port, words))
  }

  #attach(
    threads: number,
    attach: (port: SimulatedPort, words: ThreadWords) => number,
  ): SimulatedThread {
    const [port, far] = SimulatedPort.pair(this.#space)
    const words = new ThreadWords()
    const client = attach(port, words)
    const thread = new SimulatedThread({ home: this, client, thread: 0, threads, port: far, words })
    this.#clients.push(thread)
    return thread
  }

  /** One more thread of this process that is no thread of its pool. */
  thread(): SimulatedThread {
    return this.#attach(this.machine.threads, (port, words) => {
      const client = this.hub.nextClient()
      this.hub.attach(client, 0, port, words)
      return client
    })
  }

  /** A client of its hub, for who wants to ask it without a handle. */
  client(): SimulatedThread['client'] {
    return this.thread().client
  }

  /** Asks its hub by a client of its own. */
  ask(operation: Operation): Promise<Answer> {
    return this.client().askAsync(0, operation)
  }

  /** All threads that have run code. */
  *threads(): Generator<SimulatedThread> {
    yield* this.#clients
    yield* this.pool.threads
  }

  locate(fn: unknown): FunctionAddress {
    return this.#functions.locate(fn)
  }

  resolve(address: FunctionAddress): RoutineFunction {
    return this.#functions.resolve(address)
  }

  /** A recorder for one of its threads, if there is to be a history. */
  recorder(): Recorder | undefined {
    return this.#recording?.recorder()
  }

  defer(planned: Planned): void {
    this.#deferred.push(planned)
  }

  /** It does nothing from now on, while its clock goes on. */
  pause(): void {
    this.isPaused = true
  }

  resume(): void {
    if (!this.isPaused) return
    this.isPaused = false
    this.#agenda.resume(this.#deferred.splice(0))
  }

  /** It is no more, in the midst of whatever it did. */
  die(): void {
    if (this.isDead) return
    this.isDead = true
    this.isPaused = false
    this.#deferred = []
    for (const end of this.links) end.died()
  }
}
