/** A worker of BullMQ in a process of its own: `node queue-worker.js <port of Redis>`. */
import process from 'node:process'
import { loadPeer } from './peer-packages.ts'
import trivial from './trivial-task.ts'

interface Job {
  readonly data: { readonly value: number }
}

interface BullModule {
  readonly Worker: new (
    queue: string,
    run: (job: Job) => Promise<number>,
    options: object,
  ) => { waitUntilReady(): Promise<unknown> }
}

const { Worker } = loadPeer('bullmq') as BullModule
const connection = { host: '127.0.0.1', port: Number(process.argv[2]) }
// Its documentation: a factor over one, of some dozens. Of 1, 10, 50, 100 and 300 the fastest here.
const worker = new Worker('bench', async ({ data }) => trivial(data.value), {
  connection,
  concurrency: 100,
})
process.once('disconnect', () => process.exit(0))
await worker.waitUntilReady()
process.send?.('ready')
