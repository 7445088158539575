/**
 * `launch: local`: node processes on this machine, children of the spawner without a supervisor.
 * They end with the spawner, however that ends. Works in any thread of it.
 */
import { GoawayError } from '../errors.ts'
import { localStopMs } from '../limits.ts'
import type { Credentials } from '../transport/credentials.ts'
import type { NodeConfig } from './cluster-config.ts'
import { NodeChild } from './node-child.ts'

/** A node that this process has started, wherever it runs. */
export interface LaunchedNode {
  readonly port: number
  /** Tells this life of the node's process from the next; undefined: it may be any. */
  readonly incarnation: string | undefined
  /** Of the process on this machine. */
  readonly pid: number
  /**
   * When `exited` resolves, the node's process is gone for certain. Otherwise (over ssh) only the
   * way to it is, and it ends a moment later, when it notices.
   */
  readonly isChild: boolean
  /** Resolves when it is gone, however it went, with the reason for a person. */
  readonly exited: Promise<string>
  /** Ends it; resolves when it is gone. */
  stop(): Promise<void>
}

export interface LaunchLocalOptions {
  readonly credentials: Credentials
  readonly storeDirectory: string
  /** It is killed when it does not listen by then. */
  readonly startTimeoutMs: number
  /** Gives up and ends what it has started. */
  readonly signal?: AbortSignal | undefined
  /** Stands in for the node process, in tests. */
  readonly program?: string | undefined
}

/** @throws {GoawayError} ERR_GOAWAY_LAUNCH when it does not listen in time */
export async function launchLocal(
  node: NodeConfig,
  options: LaunchLocalOptions,
): Promise<LaunchedNode> {
  const { credentials, storeDirectory, startTimeoutMs, signal, program } = options
  const { name, host, port, labels, threads, threadsMax } = node
  const start = {
    listen: { host, port },
    credentials,
    name,
    labels,
    storeDirectory,
    ...(threads !== undefined && { threads }),
    ...(threadsMax !== undefined && { threadsMax }),
  }
  const child = new NodeChild(start, { program })
  const listening = await beforeTimeout(child, name, startTimeoutMs, signal)
  child.unref()
  return {
    ...listening,
    pid: child.pid,
    isChild: true,
    exited: child.exited.then(({ why, failure }) =>
      failure === undefined ? why : `${why}: ${failure.message}`,
    ),
    stop: () => child.stop(localStopMs),
  }
}

async function beforeTimeout(
  child: NodeChild,
  name: string,
  startTimeoutMs: number,
  signal: AbortSignal | undefined,
): Promise<{ readonly port: number; readonly incarnation: string }> {
  let timedOut = false
  const timer = setTimeout(() => {
    timedOut = true
    child.kill()
  }, startTimeoutMs)
  const give = (): void => child.kill()
  signal?.addEventListener('abort', give)
  if (signal?.aborted) give()
  try {
    const { port, incarnation } = await child.listening
    return { port, incarnation }
  } catch (cause) {
    if (!timedOut) throw cause
    throw new GoawayError(
      'ERR_GOAWAY_LAUNCH',
      `Cannot start node ${name}: it did not listen within startTimeoutMs: ${startTimeoutMs}`,
      { cause },
    )
  } finally {
    clearTimeout(timer)
    signal?.removeEventListener('abort', give)
  }
}
