/** The bare limit of a call to another thread: a port, and no library. */
import { once } from 'node:events'
import { Worker } from 'node:worker_threads'

export interface BarePort {
  /** Milliseconds of so many round trips, one after the other. */
  run(count: number): Promise<number>
  end(): Promise<number>
}

/** Round trips between two threads over a port, nothing else. */
export function barePort(): BarePort {
  const code = `const { parentPort } = require('node:worker_threads')
    parentPort.on('message', (message) => parentPort.postMessage(message))`
  const worker = new Worker(code, { eval: true })
  return {
    async run(count) {
      const start = performance.now()
      for (let left = count; left > 0; left--) {
        worker.postMessage(1)
        await once(worker, 'message')
      }
      return performance.now() - start
    },
    end: () => worker.terminate(),
  }
}
