/**
 * BullMQ with a worker in another process, and a Redis that is started for it. A burst is added by
 * `addBulk`, and each result awaited by `waitUntilFinished`, as its documentation says.
 */
import { fork } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { howToHave, isInstalled, loadPeer } from './peer-packages.ts'
import { type RedisServer, startRedis } from './redis-server.ts'

export interface QueuePeer {
  run(value: number): Promise<unknown>
  runAll(values: readonly number[]): Promise<unknown>
  end(): Promise<void>
}

interface Part {
  waitUntilReady(): Promise<unknown>
  setMaxListeners(count: number): unknown
  close(): Promise<void>
}

interface QueueJob {
  waitUntilFinished(events: Part): Promise<unknown>
}

interface NewJob {
  readonly name: string
  readonly data: { readonly value: number }
}

interface Queue extends Part {
  add(name: string, data: NewJob['data']): Promise<QueueJob>
  addBulk(jobs: readonly NewJob[]): Promise<readonly QueueJob[]>
}

interface BullModule {
  readonly Queue: new (name: string, options: object) => Queue
  readonly QueueEvents: new (name: string, options: object) => Part
}

async function open(server: RedisServer): Promise<QueuePeer> {
  const { Queue, QueueEvents } = loadPeer('bullmq') as BullModule
  const connection = { host: '127.0.0.1', port: server.port }
  // Who waits for a job has to find it, even if it was quicker: some are kept.
  const defaultJobOptions = { removeOnComplete: { count: 2_000 } }
  const queue = new Queue('bench', { connection, defaultJobOptions })
  const events = new QueueEvents('bench', { connection })
  for (const part of [queue, events]) part.setMaxListeners(0)
  const program = fileURLToPath(new URL('./queue-worker.js', import.meta.url))
  const worker = fork(program, [String(server.port)])
  await Promise.all([queue.waitUntilReady(), events.waitUntilReady(), once(worker, 'message')])
  return {
    async run(value) {
      const job = await queue.add('trivial', { value })
      return job.waitUntilFinished(events)
    },
    async runAll(values) {
      const jobs = await queue.addBulk(
        values.map((value) => ({ name: 'trivial', data: { value } })),
      )
      return Promise.all(jobs.map((job) => job.waitUntilFinished(events)))
    },
    async end() {
      const ended = once(worker, 'exit')
      worker.disconnect()
      await ended
      await events.close()
      await queue.close()
      await server.end()
    },
  }
}

/** The queue, or the line that says what it needs. */
export async function openQueue(): Promise<QueuePeer | string> {
  const packages = ['bullmq', 'ioredis'].every(isInstalled)
  const server = packages ? await startRedis() : undefined
  if (server !== undefined) return open(server)
  const needs = packages ? 'redis-server of the system' : `redis-server of the system, ${howToHave}`
  return `BullMQ beside remote routines: needs ${needs}`
}
