/**
 * The threads, made and ended by piscina. Each runs one long piscina task, in which it serves its
 * port until it is closed; aborting that task ends the thread. What starts where is the scheduler's
 * affair.
 */
import { fileURLToPath } from 'node:url'
import type { MessagePort, ResourceLimits } from 'node:worker_threads'
import { Piscina } from 'piscina'

export interface PoolOptions {
  readonly threadsCeiling: number
  readonly env: Record<string, string>
  readonly execArgv: readonly string[]
  readonly argv: readonly string[]
  readonly resourceLimits: ResourceLimits | undefined
}

/** What a thread is given to start with. */
export interface ThreadStart {
  readonly port: MessagePort
  readonly words: SharedArrayBuffer
  readonly hubWords: SharedArrayBuffer
  readonly client: number
  readonly node: string
  readonly thread: number
  readonly clustered: boolean
  /** The program's own arguments, at a node: its threads may be older than its application. */
  readonly argv?: readonly string[]
  /** The folder that the application's code lies in, at a node that was sent it. */
  readonly code?: string
  /** What its routines print goes to its hub, which has it written elsewhere. */
  readonly printsToHub: boolean
}

export interface PoolThread {
  /** Resolves when it was closed; rejects when it was killed, exited or ran out of memory. */
  readonly ended: Promise<void>
  kill(): void
}

// From whichever folder of the library this code is bundled into.
const entry = fileURLToPath(new URL('../executor/thread-entry.cjs', import.meta.url))

export class Pool {
  readonly #piscina: Piscina

  constructor(options: PoolOptions) {
    this.#piscina = new Piscina({
      // The first thread starts, and loads this library, while the hub is still loading itself.
      minThreads: 1,
      filename: entry,
      name: 'serve',
      maxThreads: options.threadsCeiling,
      concurrentTasksPerWorker: 1,
      idleTimeout: 1_000,
      // A thread that waits in Atomics.wait for its next task would hear nothing from its port.
      atomics: 'disabled',
      env: options.env,
      execArgv: [...options.execArgv],
      argv: [...options.argv],
      recordTiming: false,
      ...(options.resourceLimits === undefined ? {} : { resourceLimits: options.resourceLimits }),
    })
    // Errors of threads reach us through their tasks.
    this.#piscina.on('error', () => {})
  }

  open(start: ThreadStart): PoolThread {
    const abort = new AbortController()
    const ended = this.#piscina.run(start, {
      transferList: [start.port],
      signal: abort.signal,
    }) as Promise<void>
    return { ended, kill: () => abort.abort() }
  }

  async destroy(): Promise<void> {
    await this.#piscina.destroy()
  }
}
