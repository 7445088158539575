/**
 * Pools of threads that run a trivial job, each set up in the way that its own documentation
 * recommends for speed, or that was faster here: two threads that stay, and no events.
 */
import { fileURLToPath } from 'node:url'
import { howToHave, isInstalled, loadPeer } from './peer-packages.ts'

export interface PoolPeer {
  readonly name: string
  /** One job, awaited by itself. */
  run(value: number): Promise<unknown>
  /** Many jobs at once, where the pool has a call for that. */
  runAll?(values: readonly number[]): Promise<unknown>
  end(): Promise<unknown>
}

export interface PoolPeers {
  readonly pools: readonly PoolPeer[]
  readonly leftOut: readonly string[]
}

/** What piscina and its fork tinypool have in common. */
interface TaskPool {
  run(value: number): Promise<unknown>
  destroy(): Promise<unknown>
}

type TaskPoolClass = new (options: object) => TaskPool

interface PiscinaModule {
  readonly Piscina: TaskPoolClass
  readonly FixedQueue: new () => object
}

interface WorkerpoolModule {
  pool(
    script: string,
    options: object,
  ): {
    exec(name: string, values: readonly number[]): Promise<unknown>
    terminate(): Promise<unknown>
  }
}

interface PoolifierModule {
  readonly FixedThreadPool: new (
    threads: number,
    script: string,
    options: object,
  ) => {
    execute(value: number): Promise<unknown>
    mapExecute(values: readonly number[]): Promise<unknown>
    destroy(): Promise<unknown>
  }
}

const fileOf = (name: string): string => fileURLToPath(new URL(`./${name}.js`, import.meta.url))

function taskPool(name: string, pool: TaskPool): PoolPeer {
  return { name, run: (value) => pool.run(value), end: () => pool.destroy() }
}

function piscinas(threads: number): PoolPeer[] {
  const { Piscina, FixedQueue } = loadPeer('piscina') as PiscinaModule
  const options = { filename: fileOf('trivial-task'), minThreads: threads, maxThreads: threads }
  const many = { concurrentTasksPerWorker: 64 }
  return [
    taskPool('piscina', new Piscina({ ...options, taskQueue: new FixedQueue() })),
    // Meant for tasks that wait, but it also lets a thread be given the next one in advance.
    taskPool(
      'piscina, 64 tasks a thread',
      new Piscina({ ...options, ...many, taskQueue: new FixedQueue() }),
    ),
  ]
}

function tinypools(threads: number): PoolPeer[] {
  const { Tinypool } = loadPeer('tinypool') as { readonly Tinypool: TaskPoolClass }
  const options = { filename: fileOf('trivial-task'), minThreads: threads, maxThreads: threads }
  return [taskPool('tinypool', new Tinypool(options))]
}

function workerpools(threads: number): PoolPeer[] {
  const { pool: open } = loadPeer('workerpool') as WorkerpoolModule
  const pool = open(fileOf('workerpool-task'), {
    minWorkers: threads,
    maxWorkers: threads,
    workerType: 'thread',
  })
  return [
    {
      name: 'workerpool',
      run: (value) => pool.exec('trivial', [value]),
      end: () => pool.terminate(),
    },
  ]
}

/** Without its queue of tasks, which was slower here: threads get their tasks at once. */
function poolifiers(threads: number): PoolPeer[] {
  const { FixedThreadPool } = loadPeer('poolifier') as PoolifierModule
  const pool = new FixedThreadPool(threads, fileOf('poolifier-task'), { enableEvents: false })
  return [
    {
      name: 'poolifier',
      run: (value) => pool.execute(value),
      runAll: (values) => pool.mapExecute(values),
      end: () => pool.destroy(),
    },
  ]
}

const makers: Readonly<Record<string, (threads: number) => PoolPeer[]>> = {
  piscina: piscinas,
  tinypool: tinypools,
  workerpool: workerpools,
  poolifier: poolifiers,
}

/** Opens the pools that are installed, and has a line for each that is not. */
export function openPools(threads: number): PoolPeers {
  const pools: PoolPeer[] = []
  const leftOut: string[] = []
  for (const [name, make] of Object.entries(makers)) {
    if (isInstalled(name)) pools.push(...make(threads))
    else leftOut.push(`${name} beside routines and map: needs ${howToHave}`)
  }
  return { pools, leftOut }
}
