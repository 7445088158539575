/**
 * A spawner in small: starts stand-ins from a thread, tells their ports, and then waits, blocked,
 * or returns. Arguments: the folder, what to do (`return`, `block`).
 */
import { writeSync } from 'node:fs'
import process from 'node:process'
import { fileURLToPath } from 'node:url'
import { isMainThread, parentPort, Worker, workerData } from 'node:worker_threads'
import { launchLocal } from '../../lib/deploy/launch-local.ts'
import { standIn, startOf } from './stand-in.ts'

async function hub(folder: string): Promise<void> {
  const { credentials } = startOf(folder)
  const nodes = await Promise.all(
    [1, 2].map((index) => {
      const node = { index, name: `node-${index}`, host: '127.0.0.1', port: 0, labels: [] }
      const options = { credentials, storeDirectory: folder, startTimeoutMs: 30_000 }
      return launchLocal(node, { ...options, program: standIn })
    }),
  )
  writeSync(1, `${JSON.stringify(nodes.map(({ pid, port }) => ({ pid, port })))}\n`)
  parentPort?.postMessage('started')
  // As a hub does, the thread lives on.
  parentPort?.on('message', () => {})
}

if (isMainThread) {
  const [folder, way] = process.argv.slice(2)
  const worker = new Worker(fileURLToPath(import.meta.url), { workerData: folder, execArgv: [] })
  if (way === 'block') Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0)
  worker.on('message', () => worker.unref())
} else {
  await hub(workerData as string)
}
