/**
 * What the hub's thread begins with: the pool, whose first thread takes longest to start, and then
 * the hub itself, which loads meanwhile.
 */
import { workerData } from 'node:worker_threads'
import { Pool } from '../executor/pool.ts'
import { threadsCeiling } from '../limits.ts'
import type { HubStart } from './hub-start.ts'

const start = workerData as HubStart
const pool = new Pool({ ...start, threadsCeiling })
const { main } = await import('./hub-main.ts')
await main(start, pool)
