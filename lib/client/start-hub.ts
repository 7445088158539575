/** Starts the hub of this process, from the program's thread. */
import { availableParallelism } from 'node:os'
import { resolve } from 'node:path'
import process from 'node:process'
import { MessageChannel, type ResourceLimits, Worker } from 'node:worker_threads'
import { GoawayError } from '../errors.ts'
import type { Executor, ExecutorFactory } from '../executor/contract.ts'
import type { ClusterStart, HubStart } from '../hub/hub-start.ts'
import { routinesPerClient } from '../limits.ts'
import type { PortFrame } from '../wire/frame.ts'
import { createHubWords, ThreadWords } from '../wire/shared-words.ts'
import { Channel } from './channel.ts'
import { type Node, place } from './current.ts'
import { HubClient, hubLost, type Keeper } from './hub-client.ts'
import { moduleUrl } from './locate.ts'
import { Members } from './members.ts'
import { PortExecutor } from './port-executor.ts'
import { programBaseline } from './quiet.ts'
import { RoutineTable } from './routine-table.ts'
import { endHistory, historyOfCluster, type StartedHistory, startHistory } from './start-history.ts'
import { defaultThreadsMax, threadsOfEnvironment } from './threads-variable.ts'

export interface StartOptions {
  /** Threads that run at a time. @default GOAWAY_THREADS, or the cores this process may use */
  readonly threads?: number | undefined
  /** Threads before parked routines share. @default 32, or 8 times `threads` if that is more */
  readonly threadsMax?: number | undefined
  /** Limits of each thread, as of `node:worker_threads`. */
  readonly resourceLimits?: ResourceLimits | undefined
  readonly executor?: ExecutorFactory | undefined
  /** Path of a cluster file, or its content: the nodes that this program is to have. */
  readonly cluster?: string | object | undefined
  /** Modules beside those that the program imports, as URLs or paths. */
  readonly modules?: readonly string[] | undefined
  /** File to record in. */
  readonly history?: string | undefined
}

/** Names a cluster file for a program that names none: what `goaway run --cluster` sets. */
export const clusterVariable = 'GOAWAY_CLUSTER'

/** What the hub is to know of the cluster that this program spawns, if it does. */
function clusterOf({ cluster, modules = [], history }: StartOptions): ClusterStart | undefined {
  const source = cluster ?? (process.env[clusterVariable] || undefined)
  if (source === undefined) return undefined
  const entry = process.argv[1] ?? ''
  const urls = modules.map((module) => moduleUrl(module))
  const start = { source, cwd: process.cwd(), entry, modules: urls }
  if (typeof source !== 'string' || history !== undefined) return start
  return { ...start, history: { file: historyOfCluster(resolve(source)) } }
}

/**
 * Options of the Node process that its threads need too; others are refused by threads, or harm
 * them.
 */
const threadOptions = new RegExp(
  `^(${[
    '--import',
    '--require|-r',
    '--loader|--experimental-loader',
    '--conditions|-C',
    '--experimental-(strip|transform)-types',
    '--no-experimental-strip-types',
    '--enable-source-maps',
    '--(no|disable)-warning.*',
    '--preserve-symlinks.*',
    '--experimental-require-module',
    '--input-type.*',
  ].join('|')})(=|$)`,
)

/** Of `process.execArgv`, what a thread takes. */
export function threadArguments(execArgv: readonly string[]): string[] {
  const taken: string[] = []
  for (let index = 0; index < execArgv.length; index++) {
    const option = execArgv[index] as string
    if (!threadOptions.test(option)) continue
    taken.push(option)
    const value = execArgv[index + 1]
    const takesNext = /^(--import|--require|-r|--loader|--experimental-loader|--conditions|-C)$/
    if (takesNext.test(option) && value !== undefined) {
      taken.push(value)
      index++
    }
  }
  return taken
}

/**
 * Keeps the event loop alive while something is pending. It is the hub's thread that does, not the
 * port to it: that one closes when the hub dies, before it is known that everything pending has
 * failed.
 */
class WorkerKeeper implements Keeper {
  #pending = 0
  readonly #worker: Worker

  constructor(worker: Worker) {
    this.#worker = worker
  }

  retain(): void {
    if (this.#pending++ === 0) this.#worker.ref()
  }

  release(): void {
    if (--this.#pending === 0) this.#worker.unref()
  }
}

export function startHub(options: StartOptions): Node {
  const threads = options.threads ?? threadsOfEnvironment() ?? availableParallelism()
  const threadsMax = options.threadsMax ?? defaultThreadsMax(threads)
  const cluster = clusterOf(options)
  const history = startHistory({ option: options.history, ofCluster: cluster?.history?.file })
  const { port1, port2 } = new MessageChannel()
  const words = new ThreadWords()
  const hubWords = createHubWords()
  const env = { ...process.env } as Record<string, string>
  const worker = new Worker(new URL('../hub/hub-entry.js', import.meta.url), {
    name: 'goaway hub',
    // The hub runs none of the application's code, so it needs none of its loaders.
    execArgv: [],
    env: { ...env, NODE_OPTIONS: '' },
    workerData: {
      port: port2,
      words: words.buffer,
      hubWords: hubWords.buffer,
      node: 'local',
      threads,
      threadsMax: Math.max(threads, threadsMax),
      env,
      execArgv: threadArguments(process.execArgv),
      argv: process.argv.slice(2),
      resourceLimits: options.resourceLimits,
      spawns: cluster,
      history: history?.target,
    } satisfies Omit<HubStart, 'hubWords'> & { hubWords: unknown },
    transferList: [port2],
  })
  worker.unref()
  const keeper = new WorkerKeeper(worker)
  const client = new HubClient(0, new Channel(port1, words, hubWords), keeper)
  const routines = new RoutineTable(keeper, 0 * routinesPerClient)
  routines.executor = options.executor?.(routines) ?? new PortExecutor(client, routines)
  port1.on('message', (frame: PortFrame) => client.receive(frame))
  port1.unref()
  client.onLost((error) => routines.lose(error))
  const members = new Members(client)
  let failure: unknown
  worker.on('error', (error) => {
    failure = error
  })
  worker.on('exit', () => client.lose(hubLost(failure)))
  keepWhileBusy(client, keeper)
  client.answerWhetherQuiet(programBaseline)
  const close = closer({ client, routines, worker, port: port1, history })
  const clustered = cluster !== undefined
  // A program that ends lets its nodes know, or they would wait for it to come back; and makes a
  // history of what it has recorded.
  const end = (): void => void close(0)
  if (clustered || history !== undefined) {
    process.once('beforeExit', end)
    client.onLost(() => process.off('beforeExit', end))
  }
  const own = { client, routines, threads, members, close }
  const node: Node = { name: 'local', thread: 0, clustered, ...own }
  return history === undefined ? node : { ...node, recorder: history.recorder }
}

/** Routines that routines have started keep the program alive like its own. */
function keepWhileBusy(client: HubClient, keeper: Keeper): void {
  let busy = false
  client.on('busy', (message) => {
    if (message[0] !== 'busy' || message[1] === busy) return
    busy = message[1]
    if (busy) keeper.retain()
    else keeper.release()
  })
}

/** What the program's own executor fails to close with is thrown when all else is closed. */
async function closeOwn(
  executor: Executor | undefined,
  graceMs: number,
): Promise<{ readonly error: unknown } | undefined> {
  try {
    await executor?.close(graceMs)
    return undefined
  } catch (error) {
    return { error }
  }
}

interface Started {
  readonly client: HubClient
  readonly routines: RoutineTable
  readonly worker: Worker
  readonly port: { close(): void }
  readonly history: StartedHistory | undefined
}

function closer(started: Started): (graceMs: number) => Promise<void> {
  const { client, routines, worker, port, history } = started
  let closing: Promise<void> | undefined
  return (graceMs) => {
    closing ??= (async () => {
      const own = routines.executor
      let failure: { readonly error: unknown } | undefined
      if (client.lost === undefined) {
        client.keeper.retain()
        const closed = new Promise<void>((resolve) => {
          client.on('closed', () => resolve())
          client.onLost(() => resolve())
        })
        if (!(own instanceof PortExecutor)) failure = await closeOwn(own, graceMs)
        client.channel.send(['shutdown', graceMs])
        await closed
        client.keeper.release()
      }
      const error = new GoawayError(
        'ERR_GOAWAY_SHUTDOWN',
        'No answer will come: shutdown() was called; await what is to be done before it',
      )
      client.lose(error)
      place.node = undefined
      place.shutDown = true
      await worker.terminate()
      port.close()
      if (history !== undefined) endHistory(history)
      if (failure !== undefined) throw failure.error
    })()
    return closing
  }
}
