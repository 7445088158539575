/** How the hub of a program begins, alone or with a cluster. */
import process from 'node:process'
import type { MessagePort, ResourceLimits } from 'node:worker_threads'
import { leaveSystemThread } from '../client/hub-pulse.ts'
import type { HistoryTarget } from '../history/recorder.ts'
import { ThreadWords, wordDead } from '../wire/shared-words.ts'
import type { Hub } from './hub.ts'

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
  /** The cluster that this program spawns, if it is not to be alone. */
  readonly spawns: ClusterStart | undefined
  /** Where this process records, if it is to. */
  readonly history: HistoryTarget | undefined
}

/** What the program's thread knows of its cluster: the hub reads the file. */
export interface ClusterStart {
  /** Path of a cluster file, or its content. */
  readonly source: string | object
  readonly cwd: string
  /** Path of the program; '' if there is none, as in a REPL. */
  readonly entry: string
  /** Modules beside those that the program imports, as URLs. */
  readonly modules: readonly string[]
  /** What the program's thread took to be its `history`, where it looked for that in a file. */
  readonly history?: { readonly file: string | undefined }
}

/** From now on the hub hears the program, which is answered when the hub has begun. */
export function listen(hub: Hub, start: HubStart): Hub {
  dieLoudly(hub, new Int32Array(start.hubWords))
  hub.attachProgram(start.port, new ThreadWords(start.words))
  hub.executor.warm(1)
  hub.turn()
  return hub
}

/** Those who are blocked on a hub that cannot go on are to see it soon, however it ends. */
export function dieLoudly(hub: Hub, hubWords: Int32Array): void {
  leaveSystemThread(hubWords)
  process.on('uncaughtException', (error) => {
    Atomics.store(hubWords, wordDead, 1)
    hub.wakeAll()
    throw error
  })
}
