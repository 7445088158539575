/** The hub's thread: makes the hub, and lets nobody wait for it when it dies. */
import process from 'node:process'
import type { MessagePort, ResourceLimits } from 'node:worker_threads'
import type { Pool } from '../executor/pool.ts'
import { ThreadExecutor } from '../executor/thread-executor.ts'
import { threadsCeiling, windowMax } from '../limits.ts'
import { ThreadWords, wordDead } from '../wire/shared-words.ts'
import { Hub } from './hub.ts'

/** What the program's thread hands to its hub. */
export interface HubStart {
  readonly port: MessagePort
  readonly words: SharedArrayBuffer
  readonly hubWords: SharedArrayBuffer
  readonly node: string
  readonly threads: number
  readonly threadsMax: number
  readonly env: Record<string, string>
  readonly execArgv: readonly string[]
  readonly argv: readonly string[]
  readonly resourceLimits: ResourceLimits | undefined
}

export function main(start: HubStart, pool: Pool): void {
  const { node, threads, threadsMax } = start
  const hubWords = new Int32Array(start.hubWords)
  const options = { node, threads, threadsMax, pool, hubWords, threadsCeiling, window: windowMax }
  const hub = new Hub({
    node,
    words: hubWords,
    firstClient: 0,
    executor: (host, report) => new ThreadExecutor(options, host, report),
  })
  process.on('uncaughtException', (error) => {
    Atomics.store(hubWords, wordDead, 1)
    hub.wakeAll()
    throw error
  })
  hub.attach(hub.nextClient(), 0, start.port, new ThreadWords(start.words))
  hub.executor.warm(1)
  hub.turn()
}
