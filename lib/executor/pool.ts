/**
 * The threads, made and ended by piscina. Each runs one long piscina task, in which it serves its
 * port until it is closed; aborting that task ends the thread. What starts where is the scheduler's
 * affair.
 */
import { fileURLToPath } from 'node:url'
import { MessageChannel, type MessagePort, type ResourceLimits } from 'node:worker_threads'
import { Piscina } from 'piscina'
import type { PoolThread, ThreadPool, ThreadStart } from './thread-pool.ts'

export interface PoolOptions {
  readonly threadsCeiling: number
  readonly env: Record<string, string>
  readonly execArgv: readonly string[]
  readonly argv: readonly string[]
  readonly resourceLimits: ResourceLimits | undefined
}

/** What a thread of the pool is given to start with. */
export interface PooledStart extends ThreadStart {
  readonly port: MessagePort
}

// From whichever folder of the library this code is bundled into.
const entry = fileURLToPath(new URL('../executor/thread-entry.cjs', import.meta.url))

export class Pool implements ThreadPool {
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
    const { port1, port2 } = new MessageChannel()
    const abort = new AbortController()
    const pooled: PooledStart = { ...start, port: port2 }
    const ended = this.#piscina.run(pooled, {
      transferList: [port2],
      signal: abort.signal,
    }) as Promise<void>
    return { port: port1, ended, kill: () => abort.abort() }
  }

  async destroy(): Promise<void> {
    await this.#piscina.destroy()
  }
}
