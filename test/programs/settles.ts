/**
 * Many kinds of pending calls, and then the end of what they wait for. Each is to settle, and says
 * how.
 */
import process from 'node:process'
import { setTimeout as delay } from 'node:timers/promises'
import { goaway, init, isSpawner, Lock, StrictCentralized, shutdown } from 'goaway'
import { StrictCentralized as BlockingStore } from 'goaway/sync'
import { tell, tellHow } from './tell.ts'

const s = StrictCentralized<Record<string, number>>('settles')
const blocking = BlockingStore<Record<string, number>>('settles')

export function loops(): void {
  blocking.add('started')
  for (;;);
}

export function blocks(): void {
  blocking.add('started')
  blocking.waitFor('never')
}

export async function waits(): Promise<void> {
  await s.add('started')
  await s.waitFor('never')
}

export async function acquires(): Promise<void> {
  await s.add('started')
  await Lock('settles').acquire()
}

export async function watches(): Promise<void> {
  await s.add('started')
  for await (const _ of s.watch('never'));
}

export async function awaitsForEver(): Promise<void> {
  await s.add('started')
  await new Promise(() => {})
}

export async function awaitsChild(): Promise<void> {
  await s.add('started')
  await goaway(loops)
}

export async function* streams(): AsyncGenerator<number> {
  yield 1
  await s.add('started')
  await s.waitFor('never')
}

export function queued(): void {}

/** The parked ones share the one thread with the routine that ends it. */
export async function exits(): Promise<void> {
  await s.waitFor('exit')
  process.exit(5)
}

const parked = [waits, acquires, watches, awaitsForEver]

function startParked(pending: Promise<void>[]): void {
  for (const fn of parked) pending.push(tellHow(fn.name, () => goaway(fn)))
  pending.push(
    tellHow('streams', async () => {
      for await (const _ of goaway(streams));
    }),
  )
}

async function shutDown(): Promise<void> {
  await init({ threads: 4 })
  const held = await Lock('settles').acquire()
  const pending: Promise<void>[] = []
  startParked(pending)
  for (const fn of [loops, blocks, awaitsChild]) {
    pending.push(tellHow(fn.name, () => goaway(fn)))
  }
  await s.waitFor('started', (started) => started === 9)
  pending.push(
    tellHow('loops 2', () => goaway(loops)),
    tellHow('loops 3', () => goaway(loops)),
  )
  await s.waitFor('started', (started) => started === 11)
  pending.push(tellHow('queued', () => goaway(queued)))
  pending.push(tellHow('waitFor', () => s.waitFor('never')))
  pending.push(tellHow('waitFor with timeout', () => s.waitFor('never', { timeoutMs: 60_000 })))
  pending.push(tellHow('acquire', () => Lock('settles').acquire()))
  pending.push(tellHow('watch', () => s.watch('never').next()))
  // All of that has come to the hub.
  await s.keys()
  const started = performance.now()
  await shutdown({ graceMs: 100 })
  await Promise.all(pending)
  tell({ what: 'took', ms: performance.now() - started, lost: held.lost.aborted })
}

async function loseThread(): Promise<void> {
  await init({ threads: 1, threadsMax: 1 })
  const held = await Lock('settles').acquire()
  const pending: Promise<void>[] = [tellHow('exits', () => goaway(exits))]
  startParked(pending)
  await s.waitFor('started', (started) => started === 5)
  await s.set('exit', 1)
  await Promise.all(pending)
  held.release()
  // What the lost routines waited for is not given to them.
  const again = await Lock('settles').acquire({ timeoutMs: 60_000 })
  again.release()
  await delay(0)
  tell({ what: 'took' })
}

if (isSpawner) {
  if (process.argv[2] === 'shutdown') await shutDown()
  else await loseThread()
}
