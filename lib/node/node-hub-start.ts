import type { MessagePort } from 'node:worker_threads'
import type { NodeStart } from '../deploy/node-start.ts'
import type { PoolOptions } from '../executor/pool.ts'

/** What the main thread of the process hands to its hub. */
export interface NodeHubStart extends Omit<PoolOptions, 'threadsCeiling'> {
  readonly start: NodeStart
  /** Takes reports, and says when to leave. */
  readonly port: MessagePort
  readonly hubWords: SharedArrayBuffer
}

/** The last word of the hub: the process is to exit with that code. */
export interface NodeLeft {
  readonly type: 'left'
  readonly code: number
}
