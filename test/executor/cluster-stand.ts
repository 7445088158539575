/**
 * Nodes of a cluster in the test's own thread: each a hub with its own pool of real threads, joined
 * by links in the process. What the test submits at a node is placed by that node.
 */

import { ClusterExecutor } from '../../lib/executor/cluster-executor.ts'
import type { Executor, Report } from '../../lib/executor/contract.ts'
import { Pool } from '../../lib/executor/pool.ts'
import { ThreadExecutor } from '../../lib/executor/thread-executor.ts'
import type { ThreadHost } from '../../lib/executor/thread-host.ts'
import { ClusterRoutines } from '../../lib/hub/cluster-routines.ts'
import { Hub } from '../../lib/hub/hub.ts'
import { clientsPerNode, routinesPerClient } from '../../lib/limits.ts'
import type { Link } from '../../lib/transport/contract.ts'
import { threadLink } from '../../lib/transport/thread.ts'
import type { LinkMessage, RemoteRoutineMessage } from '../../lib/wire/messages.ts'
import { createHubWords } from '../../lib/wire/shared-words.ts'

export interface StandNodeOptions {
  readonly place: number
  readonly threads?: number
  readonly labels?: readonly string[]
  readonly threadsMax?: number
}

const nobody: Report = { started() {}, value() {}, settled() {} }

export class StandNode {
  readonly place: number
  readonly name: string
  readonly threads: number
  readonly labels: readonly string[]
  readonly hub: Hub
  readonly cluster: ClusterExecutor
  readonly routines: ClusterRoutines
  /** Messages that were sent to each other node. */
  readonly sent: RemoteRoutineMessage[] = []
  /** Nodes that have said what they have room for. */
  readonly known = new Set<number>()
  /** The test, as one who submits. */
  report: Report = nobody
  readonly #links = new Map<number, Link>()

  constructor(options: StandNodeOptions) {
    const { place, threads = 2, labels = [], threadsMax = 4 } = options
    this.place = place
    this.name = `node-${place}`
    this.threads = threads
    this.labels = labels
    const hubWords = createHubWords()
    const pool = new Pool({
      threadsCeiling: 32,
      env: { ...process.env } as Record<string, string>,
      execArgv: [],
      argv: [],
      resourceLimits: undefined,
    })
    const sizes = { threads: Math.max(1, threads), threadsMax, threadsCeiling: 32, window: 8 }
    const threadOptions = { ...sizes, node: this.name, pool, hubWords, clustered: true }
    this.routines = new ClusterRoutines(() => this.cluster)
    const made: ClusterExecutor[] = []
    this.hub = new Hub({
      node: this.name,
      words: hubWords,
      firstClient: place * clientsPerNode,
      executor: (host, report) => {
        const cluster = this.#makeCluster(host, report, threadOptions)
        made.push(cluster)
        return this.#asThreads(cluster)
      },
    })
    this.cluster = made[0] as ClusterExecutor
    // The test is the first client.
    this.hub.nextClient()
  }

  #makeCluster(
    host: ThreadHost,
    report: Report,
    options: ConstructorParameters<typeof ThreadExecutor>[0],
  ): ClusterExecutor {
    const { place, name, labels, threads } = this
    const reportOf = (routine: number): Report =>
      Math.floor(routine / routinesPerClient) === place * clientsPerNode ? this.report : report
    return new ClusterExecutor(
      {
        place,
        index: place,
        name,
        labels,
        threads,
        turn: () => this.hub.turn(),
        ordererOf: (other) => this.routines.ordererOf(other),
      },
      {
        started: (routine, ...rest) => reportOf(routine).started(routine, ...rest),
        value: (routine, payload) => reportOf(routine).value(routine, payload),
        settled: (routine, outcome) => reportOf(routine).settled(routine, outcome),
      },
      (own) => new ThreadExecutor(options, host, own),
    )
  }

  /** What the hub takes for its threads, and asks to run what its clients submit. */
  #asThreads(cluster: ClusterExecutor): ThreadExecutor {
    const { threads } = cluster
    const placed: Record<string, unknown> = {
      submit: cluster.submit.bind(cluster),
      cancel: cluster.cancel.bind(cluster),
      credit: cluster.credit.bind(cluster),
      finish: cluster.finish.bind(cluster),
      close: cluster.close.bind(cluster),
      mayAct: cluster.mayAct.bind(cluster),
      dispatch: () => {
        this.routines.dispatch()
        for (const link of this.#links.values()) link.flush()
      },
    }
    return new Proxy(threads, {
      get: (_, key) => {
        if (typeof key === 'string' && key in placed) return placed[key]
        const own: unknown = Reflect.get(threads, key, threads)
        return typeof own === 'function' ? own.bind(threads) : own
      },
    })
  }

  /** Joins two nodes by a link. */
  join(other: StandNode, takesPorts = true): void {
    const [end, otherEnd] = threadLink()
    const one = this.#open(end, other.place)
    const two = other.#open(otherEnd, this.place)
    this.#joined(other, one, takesPorts)
    other.#joined(this, two, takesPorts)
  }

  #open(end: ReturnType<typeof threadLink>[0], place: number): Link {
    const link = end.open({
      received: (messages) => {
        for (const message of messages) {
          if (message[0] === 'room') this.known.add(place)
          this.routines.received(place, message as RemoteRoutineMessage)
        }
        this.hub.turn()
      },
      closed: () => {
        this.#links.delete(place)
        this.routines.lost(place)
        this.hub.turn()
      },
    })
    const send = link.send.bind(link)
    link.send = (message: LinkMessage) => {
      this.sent.push(message as RemoteRoutineMessage)
      send(message)
    }
    return link
  }

  #joined(node: StandNode, link: Link, takesPorts: boolean): void {
    const { place, name, labels, threads } = node
    this.#links.set(place, link)
    this.routines.joined({ place, index: place, name, labels, threads }, link, takesPorts)
    this.hub.turn()
  }

  /** Cuts it off from all others. */
  cut(): void {
    for (const link of this.#links.values()) link.close()
  }

  /** The node as an executor for the test's own routines. */
  executor(report: Report, others: readonly StandNode[] = []): Executor {
    this.report = report
    const soon = <Args extends unknown[]>(act: (...args: Args) => void) => {
      return (...args: Args): void => {
        act(...args)
        setImmediate(() => this.hub.turn())
      }
    }
    const { cluster } = this
    return {
      submit: soon((task) => cluster.submit(task)),
      cancel: soon((routine, reason, graceMs) => cluster.cancel(routine, reason, graceMs)),
      credit: soon((routine, values) => cluster.credit(routine, values)),
      finish: soon((routine) => cluster.finish(routine)),
      close: async (graceMs) => {
        await this.hub.close(graceMs)
        for (const node of [this, ...others]) node.cut()
        for (const node of others) await node.hub.close(0)
      },
    }
  }
}
