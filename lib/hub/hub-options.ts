/** What a hub is made with, and what it tells of itself. */
import type { Clock } from '../clock.ts'
import type { Report } from '../executor/contract.ts'
import type { ThreadExecutor } from '../executor/thread-executor.ts'
import type { ThreadHost } from '../executor/thread-host.ts'
import type { Recorder } from '../history/recorder.ts'
import type { Traffic } from './counted-link.ts'
import type { PeersOptions } from './peers.ts'
import type { RefCounts } from './refs.ts'
import type { ReplicaMachines } from './replicas.ts'
import type { BellWatch } from './spin-governor.ts'

export interface HubOptions {
  readonly node: string
  /** Shared with all threads of the node. */
  readonly words: Int32Array
  /** The first client gets this number, and so on. */
  readonly firstClient: number
  /** This node's part in a cluster, if it has one. */
  readonly cluster?: PeersOptions
  /** @default the real one */
  readonly clock?: Clock
  /** @default a short look where that pays off */
  readonly bell?: BellWatch
  /** Of the replicated stores; left out: those of the library. */
  readonly replicaMachines?: ReplicaMachines
  /** Where it records which locks were freed, if it is to. */
  readonly recorder?: Recorder
  readonly executor: (host: ThreadHost, report: Report) => ThreadExecutor
}

/** What a node says of its work. */
export interface StatusCounts extends Traffic, RefCounts {
  /** Routines that run, parked ones included. */
  readonly running: number
  readonly waiting: number
  /** Routines that have ended. */
  readonly done: number
  readonly objects: number
  readonly locks: number
}
