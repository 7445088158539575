/** What the hub's thread of a node process begins with: the pool first, as in a program's. */
import { workerData } from 'node:worker_threads'
import { Pool } from '../executor/pool.ts'
import { threadsCeiling } from '../limits.ts'
import type { NodeHubStart } from './node-hub-start.ts'

const start = workerData as NodeHubStart
const pool = new Pool({ ...start, threadsCeiling })
const { serveNode } = await import('./node-host.ts')
await serveNode(start, pool)
