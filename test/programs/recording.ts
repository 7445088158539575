/**
 * A program that is recorded: routines use a few fields and a lock, in all ways there are. What it
 * is to do stands in its arguments.
 */
import process from 'node:process'
import { type Cluster, goaway, init, isSpawner, Lock, StrictCentralized, shutdown } from 'goaway'
import { Lock as SyncLock, StrictCentralized as SyncStrict } from 'goaway/sync'

interface Fields {
  x: number
  y: number | undefined
  list: number[]
  'a.b': string
}

const initial: Fields = { x: 0, y: 1, list: [], 'a.b': 'begin' }
const shared = StrictCentralized<Fields>('recorded.object', initial)
const blocking = SyncStrict<Fields>('recorded.object', initial)
const started = StrictCentralized<{ count: number }>('started', { count: 0 })
const lock = Lock('recorded.lock')
const blockingLock = SyncLock('recorded.lock')

/** Numbers that look like chance, and are the same each time. */
function chances(seed: number): (below: number) => number {
  let state = seed
  return (below) => {
    state = (Math.imul(state, 1_103_515_245) + 12_345) & 0x7fff_ffff
    return (state >> 8) % below
  }
}

const ways: readonly ((value: number) => unknown)[] = [
  () => shared.get('x'),
  (value) => shared.set('x', value),
  () => shared.add('x', 2),
  () => shared.update('x', (value) => value + 1),
  () => shared.update('list', (list) => [...list, 1].slice(-3)),
  (value) => shared.compareAndSet('x', value - 1, value),
  (value) => shared.compareAndSet('list', [1], [value]),
  () => shared.compareAndSet('y', undefined, 5),
  () => shared.delete('y'),
  () => shared.has('y'),
  () => shared.set('y', undefined),
  (value) => blocking.set('a.b', `@${value}`),
  () => blocking.get('a.b'),
  () => blocking.x,
  () => blocking.update('x', (value) => value * 2),
  () => blocking.compareAndSet('list', [1, 1], []),
  () => blocking.add('x', 1),
  () => blocking.delete('y'),
  (value) => {
    blocking.y = value
  },
  () => lock.with(() => shared.add('x', 1)),
  () => blockingLock.with(() => blocking.add('x', 1)),
  () => shared.waitFor('x'),
  async () => (await lock.tryAcquire())?.release(),
]

export async function work(seed: number, rounds: number): Promise<void> {
  await started.add('count')
  const chance = chances(seed)
  for (let round = 0; round < rounds; round++) {
    await (ways[chance(ways.length)] as (value: number) => unknown)(chance(4))
  }
}

/** Tasks that overlap: one routine is several callers. */
export async function overlap(): Promise<void> {
  await Promise.all([shared.get('x'), shared.add('x', 1), shared.get('list'), shared.set('y', 3)])
}

/** So much is judged in moments, and nobody who kills in time sees the end of it. */
const turnsMax = 25

/** Goes on until it is killed: who does so late finds it waiting. */
export async function forever(seed: number): Promise<void> {
  for (let turn = 0; turn < turnsMax; turn++) await work(seed + turn, 20)
  await started.waitFor('count', () => false)
}

/** Ends while it holds the lock. */
export async function forget(): Promise<void> {
  await lock.acquire()
}

/** Somebody kills the last node while all of them work. */
async function loseNode(cluster: Cluster): Promise<void> {
  const left = new Promise<void>((resolve) => cluster.on('leave', () => resolve()))
  for (const on of ['node-1', 'node-2', 'node-3']) {
    void goaway
      .with({ on })(forever, 7_000)
      .catch(() => {})
  }
  await started.waitFor('count', (count) => count >= 9)
  // The first one serves the objects.
  const last = (await cluster.stats()).find(({ name }) => name === 'node-3')
  console.log(`pid ${last?.pid}`)
  await left
  await work(6, 10)
  await shutdown({ graceMs: 0 })
}

async function main(what: string, file: string, cluster: string): Promise<void> {
  const nodes = Number(cluster)
  const config = nodes > 0 ? { nodes, threads: 0, nodeTimeoutMs: 30_000 } : { threads: 4 }
  const running = file === 'none' ? undefined : await init({ ...config, history: file })
  switch (what) {
    case 'work':
      await Promise.all([1, 2, 3, 4].map((seed) => goaway(work, seed, 40)))
      await goaway(forget)
      await work(5, 10)
      return
    case 'overlap':
      await goaway(overlap)
      return
    case 'shutdown':
      await goaway(work, 1, 5)
      await shutdown()
      console.log('over')
      return
    case 'forever':
      for (const seed of [10, 20, 30, 40]) void goaway(forever, seed * 1_000).catch(() => {})
      await started.waitFor('count', (count) => count >= 12)
      console.log('working')
      return
    case 'lose a node':
      return loseNode(running as Cluster)
  }
}

const [what = '', file = '', nodes = ''] = process.argv.slice(2)
if (isSpawner) await main(what, file, nodes)
