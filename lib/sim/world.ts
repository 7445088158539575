/**
 * A whole cluster in one thread, by virtual time and from one seed: real hubs, executors and
 * drivers of the membership, on simulated threads, links and clocks. Who has a world steps it, or
 * asks it to run until something is so; between two steps all that the one made ready is done.
 */
import { GoawayError } from '../errors.ts'
import type { HistoryOperation } from '../history/format.ts'
import { returnMsMax } from '../limits.ts'
import type { Agenda } from './agenda.ts'
import { callingThread, enterSimulation, turnOver } from './ambient.ts'
import type { Delays, Network } from './network.ts'
import { Random } from './random.ts'
import { RecordingInMemory } from './recording-in-memory.ts'
import { type ClusterOptions, SimulatedCluster } from './simulated-cluster.ts'
import type { Machine, SimulatedProcess } from './simulated-process.ts'
import type { SimulatedThread } from './simulated-thread.ts'
import { Trace, type TraceEntry } from './trace.ts'

export interface WorldOptions extends ClusterOptions {
  /** @default 1 */
  readonly seed?: number
  /** Operations are recorded in {@link World.history}. @default false */
  readonly records?: boolean
}

/** Entries of the trace that can be read; its hash counts all. */
const traceKept = 10_000

export class World {
  readonly seed: number
  readonly random: Random
  readonly #cluster: SimulatedCluster
  readonly #trace = new Trace(traceKept)
  readonly #recording: RecordingInMemory | undefined
  readonly #leave: () => void
  #healings = 0

  constructor(options: WorldOptions = {}) {
    const { seed = 1, records = false } = options
    this.seed = seed
    this.random = new Random(seed)
    this.#leave = enterSimulation()
    if (records) this.#recording = new RecordingInMemory()
    const parts = { random: this.random, trace: this.#trace, recording: this.#recording }
    try {
      this.#cluster = new SimulatedCluster(options, parts)
    } catch (error) {
      this.#leave()
      throw error
    }
  }

  // Who is there.

  get agenda(): Agenda {
    return this.#cluster.agenda
  }

  get network(): Network {
    return this.#cluster.network
  }

  /** The computers by index: that of the spawner first. */
  get machines(): readonly Machine[] {
    return this.#cluster.machines
  }

  /** The thread of the program. */
  get program(): SimulatedThread {
    return this.#cluster.program
  }

  /** By its name, such as `node-2`. */
  machine(name: string): Machine {
    return this.#cluster.machine(name)
  }

  /** The process of that place, or the last one of the machine with that name. */
  node(which: number | string): SimulatedProcess {
    return this.#cluster.node(which)
  }

  /** Processes that run, in the order of their places. */
  get processes(): SimulatedProcess[] {
    return this.#cluster.processes
  }

  /** Names of those who belong to the cluster, as the spawner says. */
  get members(): string[] {
    return this.#cluster.members
  }

  // What happens to them.

  /** The process ends in the midst of whatever it does, and nothing comes back by itself. */
  crash(name: string): void {
    this.#cluster.crash(name)
  }

  /** A process is there again; it takes part, in a new place, once the spawner has found it. */
  restart(name: string): void {
    this.#cluster.restart(name)
  }

  /** It does nothing from now on, while its clock goes on. */
  pause(name: string): void {
    this.#cluster.note(name, 'is paused')
    this.machine(name).process?.pause()
  }

  resume(name: string): void {
    this.#cluster.note(name, 'goes on')
    this.machine(name).process?.resume()
  }

  /**
   * Nothing gets from the machines of one group to those of the other.
   *
   * @param oneWay the other direction stays open
   * @returns what mends it
   */
  cut(from: readonly string[], to: readonly string[], oneWay = false): () => void {
    const ways = from.flatMap((one) => to.map((other) => [one, other] as const))
    if (!oneWay) ways.push(...ways.map(([one, other]) => [other, one] as const))
    for (const name of [...from, ...to]) this.machine(name)
    this.#cluster.note(
      from.join(' '),
      `${oneWay ? 'do not reach' : 'are cut from'} ${to.join(' ')}`,
    )
    for (const [one, other] of ways) this.network.block(one, other)
    return this.#once(() => {
      this.#cluster.note(from.join(' '), `reach ${to.join(' ')} again`)
      for (const [one, other] of ways) this.network.unblock(one, other)
    })
  }

  /** Each group is cut from all others. Who is in none reaches all. Returns what mends it. */
  partition(...groups: readonly (readonly string[])[]): () => void {
    const mends = groups.flatMap((group, at) =>
      groups.slice(at + 1).map((other) => this.cut(group, other)),
    )
    return () => {
      for (const mend of mends) mend()
    }
  }

  /** All messages take so many times as long, until it is undone by what is returned. */
  slow(factor: number): () => void {
    this.#cluster.note('spawner', `the network takes ${factor} times as long`)
    this.network.slowness *= factor
    return this.#once(() => {
      this.#cluster.note('spawner', 'the network is as before')
      this.network.slowness /= factor
    })
  }

  /** What mends a fault: once, and not after all was healed. */
  #once(mend: () => void): () => void {
    const healings = this.#healings
    let isMended = false
    return () => {
      if (isMended || this.#healings !== healings) return
      isMended = true
      mend()
    }
  }

  /** All reach all again, nobody is paused, and what has crashed restarts. */
  heal(): void {
    this.#cluster.note('spawner', 'all is healed')
    this.#healings++
    this.network.unblockAll()
    this.network.slowness = 1
    for (const { name, process, isUp } of this.machines) {
      process?.resume()
      if (!isUp) this.restart(name)
    }
  }

  /** The connections between two machines break, and come back as soon as they can. */
  breakLinks(one: string, other: string): void {
    this.#cluster.note(one, `loses its connection to ${other}`)
    for (const link of this.#cluster.linksBetween(one, other)) link.break()
  }

  /** From now on its clock goes so fast: 1 is right. */
  drift(name: string, rate: number): void {
    this.#cluster.note(name, `has a clock of rate ${rate}`)
    const machine = this.machine(name)
    machine.rate = rate
    if (machine.process !== undefined) machine.process.clock.rate = rate
  }

  /** Its clock on the wall is set by so many milliseconds, forward or back. */
  setWall(name: string, aheadMs: number): void {
    this.#cluster.note(name, `has its clock set by ${aheadMs} ms`)
    this.machine(name).process?.clock.setWall(aheadMs)
  }

  /** How long messages take from now on. */
  setDelays(delays: Delays): void {
    this.network.delays = delays
  }

  // Time.

  /** Does something at that time. */
  at(time: number, act: () => void): void {
    this.agenda.plan(time - this.agenda.time, act)
  }

  /** Waits for so much true time, in milliseconds, while others step. */
  sleep(ms: number): Promise<void> {
    const owner = callingThread()
    return new Promise((resolve) => {
      this.agenda.plan(ms, resolve, { owner })
    })
  }

  /** One thing happens, and all that it makes ready. False: nothing is planned. */
  async step(): Promise<boolean> {
    const did = this.agenda.step()
    if (!this.agenda.wasSilent) await turnOver()
    return did
  }

  /** Lets so much true time pass, in milliseconds. */
  async run(ms: number): Promise<void> {
    const until = this.agenda.time + ms
    await turnOver()
    while (this.agenda.nextAt <= until) await this.step()
    this.agenda.skipTo(until)
  }

  /**
   * Steps until the promise is settled.
   *
   * @throws {GoawayError} ERR_GOAWAY_TIMEOUT after so much true time
   */
  async settle<T>(promise: PromiseLike<T>, limitMs = 600_000): Promise<T> {
    const until = this.agenda.time + limitMs
    let isSettled = false
    const settled = (): void => {
      isSettled = true
    }
    promise.then(settled, settled)
    await turnOver()
    while (!isSettled && this.agenda.time < until && (await this.step())) {
      // Each step is a turn of the real event loop.
    }
    if (isSettled) return promise
    const text = `Nothing settled it in ${limitMs} ms of virtual time, up to ${this.agenda.time}`
    throw new GoawayError('ERR_GOAWAY_TIMEOUT', text)
  }

  /**
   * Nothing has been under way for so long that nothing will be: by now all who could be missed
   * have been.
   */
  get isQuiet(): boolean {
    const { nodeTimeoutMs, linkGraceMs } = this.#cluster.times
    return this.agenda.quietMs > 4 * nodeTimeoutMs + linkGraceMs + returnMsMax
  }

  get now(): number {
    return this.agenda.time
  }

  /** What was asked of objects and locks, and what was seen: for `check` of `goaway/check`. */
  get history(): readonly HistoryOperation[] {
    return this.#recording?.operations() ?? []
  }

  get trace(): readonly TraceEntry[] {
    return this.#trace.entries
  }

  /** Equal for equal seeds, options and programs. */
  get hash(): string {
    return this.#trace.hash()
  }

  /** What has no answer yet, one line each. */
  pending(): string[] {
    return this.processes.flatMap((process) =>
      [...process.threads()].flatMap((thread) => thread.pending()),
    )
  }

  /** Everything ends. */
  close(): void {
    for (const { process } of this.machines) process?.die()
    this.agenda.clear()
    this.#leave()
  }
}
