/**
 * Bare worker threads: what they share is memory, and all they are told is which function to call.
 * A machine whose cores share one budget does not give two of them twice the speed of one, and no
 * library can do better than they do.
 */
import { isMainThread, parentPort, Worker, workerData } from 'node:worker_threads'

/** The function's module and name, and its arguments. */
type Call = readonly [url: string, name: string, args: readonly unknown[]]
type Exports = Readonly<Record<string, (...args: readonly unknown[]) => unknown>>

const mark = 'bare worker of a classic'

if (!isMainThread && workerData === mark) {
  parentPort?.on('message', async ([url, name, args]: Call) => {
    const { [name]: call } = (await import(url)) as Exports
    parentPort?.postMessage(call?.(...args))
  })
}

export class BareWorkers {
  readonly #workers: readonly Worker[]

  constructor(count: number) {
    const file = new URL(import.meta.url)
    this.#workers = Array.from({ length: count }, () => new Worker(file, { workerData: mark }))
  }

  get count(): number {
    return this.#workers.length
  }

  /**
   * Calls the same function in each worker.
   *
   * @param module the caller's `import.meta.url`
   * @param args of the worker of that number; what is to be written to is in shared memory
   */
  async run<Work extends (...args: never[]) => unknown>(
    module: string,
    work: Work,
    args: (worker: number) => Readonly<Parameters<Work>>,
  ): Promise<ReturnType<Work>[]> {
    const answers = this.#workers.map(
      (worker, number) =>
        new Promise<ReturnType<Work>>((resolve, reject) => {
          worker.once('error', reject)
          worker.once('message', (result: ReturnType<Work>) => {
            worker.off('error', reject)
            resolve(result)
          })
          worker.postMessage([module, work.name, args(number)] satisfies Call)
        }),
    )
    return Promise.all(answers)
  }

  async end(): Promise<void> {
    await Promise.all(this.#workers.map((worker) => worker.terminate()))
  }
}

/** Numbers in shared memory, all 0. */
export function sharedNumbers(count: number): Float64Array<SharedArrayBuffer> {
  return new Float64Array(new SharedArrayBuffer(8 * count))
}

/** Words in shared memory, all 0. */
export function sharedWords(count: number): Int32Array<SharedArrayBuffer> {
  return new Int32Array(new SharedArrayBuffer(4 * count))
}
