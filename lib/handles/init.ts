/** Starting and ending the node of this program. */
import { inspect } from 'node:util'
import type { ResourceLimits } from 'node:worker_threads'
import { notSpawner, place } from '../client/current.ts'
import { errorOf } from '../client/error-codec.ts'
import { registerModules } from '../client/locate.ts'
import type { ClusterNode, MembersEvent, MembersListener } from '../client/members.ts'
import { type StartOptions, startHub } from '../client/start-hub.ts'
import type { NodeStatus } from '../deploy/node-status.ts'
import { GoawayError } from '../errors.ts'
import type { ExecutorFactory } from '../executor/contract.ts'
import { shutdownGraceMsDefault, threadsCeiling, timerMsMax } from '../limits.ts'

export interface InitOptions {
  /** Routines that run at a time. @default GOAWAY_THREADS, or the cores this process may use */
  threads?: number
  /**
   * Threads before routines that only await share one. @default 32, or 8 times `threads` if more
   */
  threadsMax?: number
  /** Modules whose exported functions may be routines, where they cannot be found by inspection. */
  modules?: readonly string[]
  /** Runs the routines in place of this node's threads. */
  executor?: ExecutorFactory
  /** Limits of each thread, as of `new Worker()`. */
  resourceLimits?: ResourceLimits
  /**
   * File to record in what all threads do to objects and locks; see `docs/history.md`. What it held
   * is replaced. @default GOAWAY_HISTORY, or none
   */
  history?: string
}

/**
 * A cluster: the content of a cluster file, and what else `init` takes. See `docs/cluster.md`; what
 * is wrong with it is told by `init`.
 */
export interface ClusterOptions extends InitOptions {
  /** Nodes by address, or with `launch: 'local'` how many. */
  nodes: number | readonly (string | Readonly<Record<string, unknown>>)[]
  /** Who starts them. @default 'local' for a number of nodes, else 'none' */
  launch?: 'local' | 'none' | 'ssh'
  /** Which node serves objects and locks: the first, or each its part. @default 'first' */
  placement?: 'first' | 'hash'
  /** @default `~/.goaway/secret`, made on first use */
  secretFile?: string
  /** Files in PEM, for mutual TLS instead of a secret. */
  certificates?: { key: string; cert: string; ca: string }
  /** Files to upload beside the code, as globs. */
  assets?: readonly string[]
  /** A node that is not heard of for so long is lost. @default 5000 */
  nodeTimeoutMs?: number
  /** A link that breaks for less comes back as if nothing had been. @default 2000 */
  linkGraceMs?: number
  /** A process that is not heard of for so long loses its locks. @default nodeTimeoutMs */
  sessionMs?: number
  /** How long nodes may take to start. @default 20000 */
  startTimeoutMs?: number
}

export interface ShutdownOptions {
  /** Milliseconds that running routines have to end before they are stopped. @default 5000 */
  graceMs?: number
}

/**
 * The running system. `await using cluster = await init()` shuts it down at the end of the block.
 */
export interface Cluster {
  /** Who is there now, this program's own process first. */
  nodes(): ClusterNode[]
  /** News of nodes; what it returns ends the listening. */
  on(event: MembersEvent, listener: MembersListener): () => void
  /** What each node does. */
  stats(): Promise<readonly NodeStatus[]>
  shutdown(options?: ShutdownOptions): Promise<void>
  [Symbol.asyncDispose](): Promise<void>
}

const isCount = (value: unknown, max: number): boolean =>
  Number.isSafeInteger(value) && (value as number) >= 1 && (value as number) <= max

const resourceNames = [
  'maxOldGenerationSizeMb',
  'maxYoungGenerationSizeMb',
  'codeRangeSizeMb',
  'stackSizeMb',
]

function isResourceLimits(value: unknown): boolean {
  if (typeof value !== 'object' || value === null) return false
  return Object.entries(value).every(
    ([name, size]) => resourceNames.includes(name) && typeof size === 'number' && size > 0,
  )
}

const checks: {
  readonly [Name in keyof Required<StartOptions>]: [(value: unknown) => boolean, string]
} = {
  threads: [(value) => isCount(value, threadsCeiling), `1 to ${threadsCeiling}`],
  threadsMax: [(value) => isCount(value, threadsCeiling), `1 to ${threadsCeiling}`],
  modules: [
    (value) => Array.isArray(value) && value.every((one) => typeof one === 'string'),
    'a list of paths or URLs',
  ],
  history: [(value) => typeof value === 'string' && value !== '', 'the path of a file'],
  cluster: [(value) => typeof value === 'string' || typeof value === 'object', 'a cluster'],
  executor: [(value) => typeof value === 'function', 'a function that makes an executor'],
  resourceLimits: [isResourceLimits, `an object of megabytes: ${resourceNames.join(', ')}`],
}

function checkOptions(options: StartOptions): void {
  for (const [name, value] of Object.entries(options)) {
    if (value === undefined) continue
    if (!Object.hasOwn(checks, name)) {
      const names = Object.keys(checks)
        .filter((one) => one !== 'cluster')
        .join(', ')
      throw invalid(`Unknown option of init(): ${name}; there are ${names}`)
    }
    const [holds, what] = checks[name as keyof StartOptions]
    if (!holds(value))
      throw invalid(`Option ${name} of init() has to be ${what}: ${inspect(value)}`)
  }
  const { threads, threadsMax } = options
  if (threads !== undefined && threadsMax !== undefined && threadsMax < threads) {
    throw invalid(
      `Option threadsMax of init() has to be threads (${threads}) or more: ${threadsMax}`,
    )
  }
}

function inSimulation(what: string): string {
  return `${what} cannot be called in a simulation: simulate() makes the cluster, and ends it`
}

function invalid(message: string): GoawayError {
  return new GoawayError('ERR_GOAWAY_CONFIG', message)
}

place.start ??= () => startHub({})

/**
 * Starts this program's node with options. Without it the first use starts one with the defaults.
 *
 * @throws {GoawayError} ERR_GOAWAY_CONFIG for a bad option, or when it was started already;
 *   ERR_GOAWAY_NOT_SPAWNER in a routine's thread; ERR_GOAWAY_HUB_LOST when the hub cannot start
 */
export async function init(config: string | InitOptions | ClusterOptions = {}): Promise<Cluster> {
  if (place.simulated?.() !== undefined) throw invalid(inSimulation('init()'))
  if (place.pool) throw notSpawner('call init()')
  if (typeof config !== 'string' && (typeof config !== 'object' || config === null)) {
    throw invalid(`init() takes an object, or the path of a cluster file: ${inspect(config)}`)
  }
  const options = optionsOf(config)
  checkOptions(options)
  if (place.node !== undefined) {
    throw invalid(
      'init() has to come first, and once: the node was started already, by init() or by the ' +
        'first use of goaway(), an object or a lock; shutdown() ends it',
    )
  }
  place.shutDown = false
  const node = startHub(options)
  place.node = node
  try {
    await ready(node)
    if (options.modules !== undefined) await registerModules(options.modules)
  } catch (error) {
    await node.close?.(0)
    place.shutDown = false
    throw error
  }
  return clusterOf(node)
}

function clusterOf({ members }: ReturnType<typeof startHub>): Cluster {
  return {
    nodes: () => members?.list() ?? [],
    on: (event, listener) => members?.on(event, listener) ?? (() => {}),
    stats: async () => ((await members?.stats()) ?? []) as readonly NodeStatus[],
    shutdown,
    [Symbol.asyncDispose]: () => shutdown(),
  }
}

/** What is for this library's start; the rest describes a cluster, which the hub reads. */
function optionsOf(config: string | InitOptions | ClusterOptions): StartOptions {
  if (typeof config === 'string') return { cluster: config }
  if (!('nodes' in config) && !('launch' in config)) return config
  const { modules, executor, resourceLimits, history, ...cluster } = config
  return { modules, executor, resourceLimits, history, cluster }
}

function ready({ client }: ReturnType<typeof startHub>): Promise<void> {
  client.keeper.retain()
  return new Promise<void>((resolve, reject) => {
    client.on('ready', () => resolve())
    client.on('failed', (message) => {
      if (message[0] === 'failed') reject(errorOf(message[1]))
    })
    client.onLost(reject)
  }).finally(() => client.keeper.release())
}

/**
 * Ends the node: takes no more routines, waits for those that run, stops what is left after
 * `graceMs`, and leaves no thread and no timer. Does nothing when nothing was started.
 */
export async function shutdown(options: ShutdownOptions = {}): Promise<void> {
  const { graceMs = shutdownGraceMsDefault } = options
  if (!(typeof graceMs === 'number' && graceMs >= 0 && graceMs <= timerMsMax)) {
    throw new RangeError(`Option graceMs has to be 0 to ${timerMsMax} milliseconds: ${graceMs}`)
  }
  if (place.simulated?.() !== undefined) throw invalid(inSimulation('shutdown()'))
  if (place.pool) throw notSpawner('call shutdown()')
  await place.node?.close?.(graceMs)
}

/** True in the program's own thread; false where a thread has loaded the module to run routines. */
export const isSpawner: boolean = !place.pool
