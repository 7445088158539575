/** Puts a hub together: with the threads of its node and, in a cluster, with the other nodes. */

import type { Clock } from '../clock.ts'
import { ClusterExecutor } from '../executor/cluster-executor.ts'
import type { Report } from '../executor/contract.ts'
import { ThreadExecutor } from '../executor/thread-executor.ts'
import type { ThreadHost } from '../executor/thread-host.ts'
import type { ThreadPool } from '../executor/thread-pool.ts'
import { type HistoryTarget, Recorder } from '../history/recorder.ts'
import { clientsPerNode, threadsCeiling, windowMax } from '../limits.ts'
import { ClusterRoutines } from './cluster-routines.ts'
import { Hub } from './hub.ts'
import type { HubOptions } from './hub-options.ts'
import type { PeersOptions } from './peers.ts'
import type { ReplicaMachines } from './replicas.ts'
import type { BellWatch } from './spin-governor.ts'

export interface HubParts {
  readonly node: string
  readonly hubWords: Int32Array
  /** 0 in a cluster: only what is placed on this node. */
  readonly threads: number
  readonly threadsMax: number
  readonly pool: ThreadPool
  /** The program's own arguments, where this is not its own process. */
  readonly argv?: readonly string[]
  readonly cluster?: ClusterPart
  /** @default the real one */
  readonly clock?: Clock
  readonly bell?: BellWatch
  /** @default those of the library */
  readonly replicaMachines?: ReplicaMachines | undefined
  /** Where this process records, if it is to. */
  readonly history?: HistoryTarget | undefined
  /** Records what this hub does, where that goes to no file. */
  readonly recorder?: Recorder | undefined
}

/** What a node is to the others. */
export interface ClusterPart extends PeersOptions {
  readonly labels: readonly string[]
}

export function assembleHub(parts: HubParts): Hub {
  const { cluster, hubWords: words, node } = parts
  if (cluster !== undefined) return assembleNode(parts, cluster)
  return new Hub({
    node,
    words,
    ...givenOf(parts),
    ...recorderOf(parts),
    firstClient: 0,
    executor: (host, report) => makeThreads(parts, host, report),
  })
}

type Given = Pick<HubOptions, 'clock' | 'bell' | 'replicaMachines'>

function givenOf({ clock, bell, replicaMachines }: HubParts): Given {
  return {
    ...(clock === undefined ? {} : { clock }),
    ...(bell === undefined ? {} : { bell }),
    ...(replicaMachines === undefined ? {} : { replicaMachines }),
  }
}

function recorderOf({ history, recorder }: HubParts): Pick<HubOptions, 'recorder'> {
  if (recorder !== undefined) return { recorder }
  return history === undefined ? {} : { recorder: new Recorder(history) }
}

function makeThreads(parts: HubParts, host: ThreadHost, report: Report): ThreadExecutor {
  const { cluster, threads } = parts
  const options = {
    ...parts,
    threads: Math.max(threads, 1),
    clustered: cluster !== undefined,
    printsToHub: (cluster?.place ?? 0) > 0,
    threadsCeiling,
    window: windowMax,
  }
  return new ThreadExecutor(options, host, report)
}

function assembleNode(parts: HubParts, cluster: ClusterPart): Hub {
  const { hubWords: words, node, threads } = parts
  const { place, index, labels } = cluster
  const made: ClusterExecutor[] = []
  const executor = (): ClusterExecutor => made[0] as ClusterExecutor
  const routines = new ClusterRoutines(executor)
  const hub = new Hub({
    node,
    words,
    ...givenOf(parts),
    ...recorderOf(parts),
    firstClient: place * clientsPerNode,
    cluster,
    executor: (host, report) => {
      const facts = { place, index, name: node, labels, threads }
      const turn = (): void => host.turn()
      const ordererOf = (other: number) => routines.ordererOf(other)
      const options = { ...facts, ...givenOf(parts), turn, ordererOf }
      const own = (inner: Report) => makeThreads(parts, host, inner)
      made.push(new ClusterExecutor(options, report, own))
      return executor().threads
    },
  })
  const placed = executor()
  const tasks = {
    submit: placed.submit.bind(placed),
    cancel: placed.cancel.bind(placed),
    credit: placed.credit.bind(placed),
    finish: placed.finish.bind(placed),
    close: placed.close.bind(placed),
    mayAct: placed.mayAct.bind(placed),
    dispatch: () => routines.dispatch(),
  }
  hub.runAnywhere(tasks, {
    joined: ({ member, link }) => routines.joined(member, link),
    received: ({ member }, message) => routines.received(member.place, message),
    lost: ({ member }) => routines.lost(member.place),
  })
  return hub
}
