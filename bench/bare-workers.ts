/** The bare limit of work on two threads: workers and one message each way; no library. */
import { isMainThread, parentPort, Worker, workerData } from 'node:worker_threads'
import { hashes } from './routines.ts'

type Part = Parameters<typeof hashes>

const mark = 'bare worker'

if (!isMainThread && workerData === mark) {
  parentPort?.on('message', (part: Part) => parentPort?.postMessage(hashes(...part)))
}

/** So many workers, each given its part by `run`. */
export function bareWorkers(count: number): {
  run(parts: readonly Part[]): Promise<void>
  end(): Promise<void>
} {
  const file = new URL(import.meta.url)
  const workers = Array.from({ length: count }, () => new Worker(file, { workerData: mark }))
  return {
    async run(parts) {
      const answers = workers.map((worker, index) => {
        const answer = new Promise((resolve) => worker.once('message', resolve))
        worker.postMessage(parts[index])
        return answer
      })
      await Promise.all(answers)
    },
    async end() {
      await Promise.all(workers.map((worker) => worker.terminate()))
    },
  }
}
