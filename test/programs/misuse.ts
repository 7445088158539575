/** What is refused: use after shutdown, starting twice, options and names that do not hold. */
import process from 'node:process'
import { goaway, init, isSpawner, Lock, StrictCentralized, shutdown } from 'goaway'
import { Lock as BlockingLock, StrictCentralized as BlockingStore } from 'goaway/sync'
import { tell, tellHow } from './tell.ts'

const s = StrictCentralized<Record<string, unknown>>('misuse')
const blocking = BlockingStore<Record<string, unknown>>('misuse')
const lock = Lock('misuse')
const blockingLock = BlockingLock('misuse')

export function quick(): number {
  return 1
}

export function* generates(): Generator<number> {
  yield 1
}

async function afterShutdown(): Promise<void> {
  await s.set('x', 1)
  const watch = s.watch('x')
  await watch.next()
  const held = await lock.acquire()
  await shutdown()
  await tellHow('goaway', () => goaway(quick))
  await tellHow('generator', () => goaway(generates).next())
  await tellHow('get', () => s.get('x'))
  await tellHow('set', () => s.set('x', 2))
  await tellHow('update', () => s.update('x', () => 2))
  await tellHow('waitFor', () => s.waitFor('x'))
  await tellHow('watch', () => watch.next())
  await tellHow('acquire', () => lock.acquire())
  await tellHow('tryAcquire', () => lock.tryAcquire())
  await tellHow('blocking get', () => blocking.x)
  await tellHow('blocking set', () => {
    blocking.x = 2
  })
  await tellHow('blocking waitFor', () => blocking.waitFor('x'))
  await tellHow('blocking acquire', () => blockingLock.acquire())
  tell({ what: 'held.lost', aborted: held.lost.aborted })
  await tellHow('release', () => held.release())
  await tellHow('shutdown again', () => shutdown())
  await init({ threads: 1 })
  await tellHow('get after init', () => s.get('x'))
  await tellHow('goaway after init', () => goaway(quick))
  await tellHow('blocking get after init', () => blocking.x)
}

async function options(): Promise<void> {
  const bad: unknown[] = [
    { threads: 0 },
    { threads: 1.5 },
    { threads: '2' },
    { threadsMax: 1_000_000 },
    { threads: 4, threadsMax: 3 },
    { modules: 'one.js' },
    { modules: ['./nowhere.js'] },
    { executor: 5 },
    { resourceLimits: 64 },
    { resourceLimits: { maxOldGenerationSizeMb: 'much' } },
    { resourceLimits: { maxOldSpace: 64 } },
    { thread: 2 },
    'nowhere.yaml',
    null,
    7,
  ]
  for (const config of bad) {
    await tellHow(`init ${JSON.stringify(config)}`, () => init(config as object))
    await shutdown()
  }
  await init({ threads: 1 })
  await tellHow('init twice', () => init())
  await tellHow('shutdown graceMs', () => shutdown({ graceMs: -1 }))
  const terms: object[] = [
    { timeoutMs: 0 },
    { timeoutMs: 'soon' },
    { graceMs: -1 },
    { queueTimeoutMs: Number.NaN },
    { priority: 0.5 },
    { signal: 5 },
    { isolate: 1 },
    { transfer: {} },
    { retries: 3 },
    { retries: -1, idempotent: true },
    { name: 7 },
    { timeout: 5 },
  ]
  for (const one of terms) {
    await tellHow(`with ${JSON.stringify(one)}`, () => goaway.with(one)(quick))
  }
  await tellHow('not a function', () => goaway('quick' as unknown as typeof quick))
  await tellHow('acquire timeoutMs', () => lock.acquire({ timeoutMs: -1 }))
  await tellHow('waitFor signal', () => s.waitFor('x', { signal: 5 as never }))
  await tellHow('add', () => s.add('x', '1' as never))
  await tellHow('update', () => s.update('x', 5 as unknown as () => unknown))
  await tellHow('name', () => StrictCentralized(''))
  await tellHow('lock name', () => Lock(5 as never))
  await tellHow('initial', () => StrictCentralized('x', 5 as never))
}

async function fields(): Promise<void> {
  await s.set('keys', 'a field')
  await tellHow('get keys', () => s.get('keys'))
  await tellHow('blocking get keys', () => blocking.get('keys'))
  tell({ what: 'property keys', value: typeof blocking.keys })
  await tellHow('assign keys', () => {
    ;(blocking as Record<string, unknown>).keys = 1
  })
  await tellHow('assign then', () => {
    Reflect.set(blocking, 'then', 1)
  })
  await tellHow('delete keys', () => delete (blocking as Record<string, unknown>).keys)
  await tellHow('awaited handle', async () => typeof (await (async () => blocking)()))
  await tellHow('text', () => `${String(blocking)} ${String(s)} ${String(lock)}`)
}

if (isSpawner) {
  if (process.argv[2] === 'after shutdown') await afterShutdown()
  if (process.argv[2] === 'options') await options()
  if (process.argv[2] === 'fields') await fields()
}
