/**
 * The machines and processes of a simulation, and how they come to be a cluster: what `Spawner` and
 * `NodeApplication` do for real processes, with the same drivers of the membership.
 */
import type { Oracle } from '../cluster/oracle.ts'
import { GoawayError } from '../errors.ts'
import type { ReplicaMachines } from '../hub/replicas.ts'
import { clusterNodesMax, returnMsMax, returnMsMin } from '../limits.ts'
import { type MembershipOptions, membershipTimes } from '../protocol/membership-times.ts'
import { Agenda } from './agenda.ts'
import { driveNode, driveSpawner } from './cluster-drivers.ts'
import { FunctionTable } from './function-table.ts'
import { Network } from './network.ts'
import type { Random } from './random.ts'
import type { RecordingInMemory } from './recording-in-memory.ts'
import { SimulatedLink } from './simulated-link.ts'
import { type Machine, SimulatedProcess } from './simulated-process.ts'
import type { SimulatedThread } from './simulated-thread.ts'
import type { Trace } from './trace.ts'

export interface ClusterOptions {
  /** Nodes beside the spawner, or the labels of each. @default 3 */
  readonly nodes?: number | readonly (readonly string[])[]
  /** Threads of each node. @default 2 */
  readonly threads?: number
  /** Threads of the spawner; 0: only what is placed on it. @default 0 */
  readonly spawnerThreads?: number
  /** @default 'first' */
  readonly placement?: 'first' | 'hash'
  /** @default 5000 */
  readonly nodeTimeoutMs?: number
  /** @default 2000 */
  readonly linkGraceMs?: number
  /** What the spawner takes for `nodeTimeoutMs`: another value than the nodes' is a fault. */
  readonly spawnerTimeoutMs?: number
  /** Of the replicated stores. @default those of the library */
  readonly replicaMachines?: ReplicaMachines
  /** Of messages between processes. @default 0.1 to 20 */
  readonly delayMs?: readonly [least: number, most: number]
  /** Clocks go faster or slower by up to so much. @default 0.005 */
  readonly drift?: number
  /** A node that has left starts again by itself, as under a supervisor. @default true */
  readonly restarts?: boolean
}

export interface ClusterParts {
  readonly random: Random
  readonly trace: Trace
  readonly recording: RecordingInMemory | undefined
}

/** Names of the nodes beside the spawner. */
export function nodeNamesOf({ nodes = nodesDefault }: ClusterOptions): string[] {
  const count = typeof nodes === 'number' ? nodes : nodes.length
  return Array.from({ length: count }, (_, at) => `node-${at + 1}`)
}

const nodesDefault = 3
/** How long a process that leaves is still there, in milliseconds: see `NodeHost`. */
const leavingMs = 20
/** How soon a machine starts its process again, in milliseconds. */
const restartMs = 100

/** @throws {GoawayError} ERR_GOAWAY_CONFIG */
function checkOptions(options: ClusterOptions): void {
  const { nodes = nodesDefault, nodeTimeoutMs = 5_000, linkGraceMs = 2_000 } = options
  const count = typeof nodes === 'number' ? nodes : nodes.length
  if (!Number.isInteger(count) || count < 1 || count > clusterNodesMax) {
    const text = `Option nodes of a simulation has to be 1 to ${clusterNodesMax}: ${count}`
    throw new GoawayError('ERR_GOAWAY_CONFIG', text)
  }
  const most = Math.floor(membershipTimes({ nodeTimeoutMs, linkGraceMs }).linkGraceMsMax)
  if (linkGraceMs <= most) return
  const text = `Option linkGraceMs has to be ${most} or less with nodeTimeoutMs ${nodeTimeoutMs}`
  throw new GoawayError('ERR_GOAWAY_CONFIG', `${text}: ${linkGraceMs}`)
}

export class SimulatedCluster {
  readonly agenda = new Agenda()
  readonly random: Random
  readonly network: Network
  /** By index: that of the spawner first. */
  readonly machines: readonly Machine[]
  readonly times: MembershipOptions
  /** The thread of the program. */
  readonly program: SimulatedThread
  readonly #options: ClusterOptions
  readonly #parts: ClusterParts
  readonly #functions = new FunctionTable()
  readonly #places = new Map<number, SimulatedProcess>()
  readonly #oracle: Oracle
  #links: SimulatedLink[] = []
  #nextPlace = 0

  constructor(options: ClusterOptions, parts: ClusterParts) {
    checkOptions(options)
    this.#options = options
    this.#parts = parts
    this.random = parts.random
    const { nodeTimeoutMs = 5_000, linkGraceMs = 2_000 } = options
    const [leastMs, mostMs] = options.delayMs ?? [0.1, 20]
    this.times = { nodeTimeoutMs, linkGraceMs }
    this.network = new Network(this.agenda, this.random.stream('network'), { leastMs, mostMs })
    this.machines = this.#makeMachines()
    const spawner = this.#startProcess(this.machine('spawner'))
    const threads = this.machines.reduce((sum, machine) => sum + machine.threads, 0)
    this.program = spawner.attachProgram(threads)
    const { spawnerTimeoutMs = nodeTimeoutMs } = options
    const times = { nodeTimeoutMs: spawnerTimeoutMs, linkGraceMs }
    this.#oracle = driveSpawner(spawner, times, (place) => this.#removed(place))
    this.#join(this.machines.slice(1))
    spawner.hub.begin(this.#oracle.members())
  }

  #makeMachines(): Machine[] {
    const { nodes = nodesDefault, threads = 2, spawnerThreads = 0, drift = 0.005 } = this.#options
    const random = this.random.stream('machines')
    const labels = typeof nodes === 'number' ? new Array<[]>(nodes).fill([]) : nodes
    const names = ['spawner', ...nodeNamesOf(this.#options)]
    return [[], ...labels].map((own, index) => ({
      index,
      name: names[index] as string,
      labels: own,
      threads: index === 0 ? spawnerThreads : threads,
      rate: 1 + random.between(-drift, drift),
      lives: 0,
      isUp: false,
      process: undefined,
    }))
  }

  #startProcess(machine: Machine): SimulatedProcess {
    machine.lives++
    machine.isUp = true
    const { placement = 'first', replicaMachines } = this.#options
    const nodes = this.machines.length - 1
    const place = this.#nextPlace++
    const { agenda, random } = this
    const process = new SimulatedProcess({
      ...{ machine, place, nodes, placement, agenda, random, replicaMachines },
      functions: this.#functions,
      recording: this.#parts.recording,
    })
    machine.process = process
    this.#places.set(place, process)
    return process
  }

  /** Processes that are ready take part: linked with all others, and in the next view. */
  #join(machines: readonly Machine[]): void {
    const spawner = this.node(0)
    const peers = machines.map((machine) => {
      const others = [...this.#places.values()].filter((one) => this.#isLinked(one))
      const process = this.#startProcess(machine)
      for (const other of others) this.#link(process, other)
      driveNode(process, this.times, (reason) => this.#expelled(process, reason))
      process.hub.executor.warm(1)
      process.hub.turn()
      const { place } = process
      return spawner.hub.peers.get(place) as NonNullable<ReturnType<typeof spawner.hub.peers.get>>
    })
    this.#oracle.take(peers)
    for (const machine of machines) this.note(machine.name, 'joins')
  }

  #isLinked(process: SimulatedProcess): boolean {
    if (process.place === 0) return true
    return this.node(0).hub.peers.get(process.place) !== undefined
  }

  #link(process: SimulatedProcess, other: SimulatedProcess): void {
    const { network, times } = this
    const { linkGraceMs: graceMs } = times
    const arrived = (from: string, to: string, kinds: string): void => {
      this.note(to, `${from}: ${kinds}`)
    }
    const link = new SimulatedLink({ graceMs, network, arrived }, process, other)
    const { ends } = link
    this.#links = [...this.#links.filter(({ isOver }) => !isOver), link]
    process.links.push(ends[0])
    other.links.push(ends[1])
    process.hub.peers.link(other.member, ends[0])
    // Whoever is dialled knows of the other what it says of itself.
    const { member } = process
    const unknown = { ...member, index: 0, labels: [], threads: 0 }
    other.hub.peers.link(other.place === 0 ? member : unknown, ends[1])
  }

  /** Something has happened there. */
  note(at: string, what: string): void {
    this.#parts.trace.add(this.agenda.time, at, what)
  }

  /** It serves no more, and knows it: its process ends, and another begins where that is wanted. */
  #expelled(process: SimulatedProcess, reason: string): void {
    this.note(process.name, `leaves: ${reason}`)
    for (const { link } of process.hub.peers) {
      link.send(['bye'])
      link.close()
    }
    // Until then its threads are told what they asked, as in a real process.
    process.clock.setTimer(leavingMs, () => this.#ended(process, this.#options.restarts !== false))
  }

  #ended(process: SimulatedProcess, restarts: boolean): void {
    process.die()
    const { machine } = process
    if (machine.process !== process) return
    machine.isUp = false
    if (restarts) this.agenda.plan(restartMs, () => this.restart(machine.name))
  }

  /** The spawner looks for a node that it has lost until that is there again. */
  #removed(place: number): void {
    const process = this.#places.get(place)
    if (process === undefined) return
    this.note(process.name, 'is removed')
    const look = (waitMs: number): void => {
      const next = (): void => {
        if (!this.#takeBack(process.machine)) look(Math.min(2 * waitMs, returnMsMax))
      }
      this.node(0).clock.setTimer(waitMs, next, true)
    }
    look(returnMsMin)
  }

  #takeBack(machine: Machine): boolean {
    if (!machine.isUp || machine.process?.isDead === false) return false
    // Who is dead and not removed yet could not be met.
    const linked = [...this.#places.values()].filter((one) => this.#isLinked(one))
    const reaches = ({ name }: SimulatedProcess): boolean =>
      this.network.reaches(machine.name, name)
    const answers = (one: SimulatedProcess): boolean => !one.isDead && !one.isPaused && reaches(one)
    if (!linked.every(answers)) return false
    // What was up until now was nobody's process.
    machine.lives--
    this.#join([machine])
    this.node(0).hub.tellMembers(this.#oracle.members())
    return true
  }

  // Who is there.

  /** By its name, such as `node-2`. */
  machine(name: string): Machine {
    const found = this.machines.find((machine) => machine.name === name)
    if (found !== undefined) return found
    const names = this.machines.map((machine) => machine.name).join(', ')
    throw new GoawayError(
      'ERR_GOAWAY_CONFIG',
      `No machine has the name ${name}; there are ${names}`,
    )
  }

  /** The process of that place, or the last one of the machine with that name. */
  node(which: number | string): SimulatedProcess {
    const found = typeof which === 'number' ? this.#places.get(which) : this.machine(which).process
    if (found !== undefined) return found
    throw new GoawayError('ERR_GOAWAY_CONFIG', `No process has place ${which}`)
  }

  /** Processes that run, in the order of their places. */
  get processes(): SimulatedProcess[] {
    return [...this.#places.values()].filter(({ isDead }) => !isDead)
  }

  /** Names of those who belong to the cluster, as the spawner says. */
  get members(): string[] {
    return this.#oracle.members().map(({ name }) => name)
  }

  /** The process ends in the midst of whatever it does, and nothing comes back by itself. */
  crash(name: string): void {
    if (name === 'spawner') {
      const text = 'Cannot crash the spawner: it is the program, and all would be over'
      throw new GoawayError('ERR_GOAWAY_CONFIG', text)
    }
    const { process } = this.machine(name)
    if (process === undefined || process.isDead) return
    this.note(name, 'crashes')
    this.#ended(process, false)
  }

  /** A process is there again; it takes part, in a new place, once the spawner has found it. */
  restart(name: string): void {
    const machine = this.machine(name)
    if (machine.isUp) return
    this.note(name, 'restarts')
    machine.isUp = true
    machine.lives++
  }

  /** The links between two machines that are not over. */
  linksBetween(one: string, other: string): SimulatedLink[] {
    return this.#links.filter(({ ends, isOver }) => {
      const names = ends.map(({ owner }) => owner.name)
      return !isOver && names.includes(one) && names.includes(other)
    })
  }
}
