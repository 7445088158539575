/** Blocking calls that nobody can answer, and some that somebody can. */
import { scrypt } from 'node:crypto'
import process from 'node:process'
import { setTimeout as sleep } from 'node:timers/promises'
import { goaway, init, isSpawner, Lock, StrictCentralized } from 'goaway'
import { Lock as SyncLock, StrictCentralized as SyncStrict } from 'goaway/sync'
import { tell, tellHow } from './tell.ts'

interface Fields {
  x?: number
  parked?: boolean
  /** Somebody is about to wait for `x`. */
  waits?: boolean
}
const blocking = SyncStrict<Fields>('stalled')
const fields = StrictCentralized<Fields>('stalled')
const lock = SyncLock('stalled')

/** A routine of this thread blocks it, or has. */
let isTaken = false

/** Parks until a neighbour has blocked the thread: nothing runs here between that and the call. */
async function parkUntilTaken(): Promise<void> {
  await fields.set('parked', true)
  while (!isTaken) await sleep(5)
}

/** Parks, and would answer its neighbour. */
export async function setBehindNeighbour(): Promise<string> {
  await parkUntilTaken()
  await fields.set('x', 1)
  return 'set'
}

export async function setLater(): Promise<void> {
  await sleep(50)
  await fields.set('x', 1)
}

export function waitForField(timeoutMs?: number): number | undefined {
  isTaken = true
  blocking.set('waits', true)
  return timeoutMs === undefined ? blocking.waitFor('x') : blocking.waitFor('x', { timeoutMs })
}

export async function parkForGood(): Promise<void> {
  await fields.set('parked', true)
  await StrictCentralized('never').waitFor('set')
}

export function exitLater(): void {
  const until = performance.now() + 300
  while (performance.now() < until);
  process.exit(1)
}

export async function holdLock(): Promise<string> {
  const held = await Lock('stalled').acquire()
  await parkUntilTaken()
  held.release()
  return 'released'
}

export function blockOnLock(): string {
  isTaken = true
  lock.acquire().release()
  return 'acquired'
}

const cases: Record<string, () => Promise<void>> = {
  async 'own thread, field'() {
    await init({ threads: 1, threadsMax: 1 })
    const setting = goaway(setBehindNeighbour)
    await fields.waitFor('parked')
    await tellHow('blocked', () => goaway(waitForField))
    tell({ what: 'parked', value: await setting })
  },
  async 'own thread, lock'() {
    await init({ threads: 1, threadsMax: 1 })
    const holding = goaway(holdLock)
    await fields.waitFor('parked')
    await tellHow('blocked', () => goaway(blockOnLock))
    tell({ what: 'parked', value: await holding })
  },
  async 'all blocked'() {
    await init({ threads: 2 })
    const waits = Array.from({ length: 3 }, () => goaway(waitForField))
    const settled = await Promise.allSettled(waits)
    tell(settled.map((one) => (one.status === 'rejected' ? one.reason.code : one.value)))
  },
  async 'program alone'() {
    await tellHow('blocked', () => blocking.waitFor('x'))
  },
  async 'another thread'() {
    await init({ threads: 2 })
    void goaway(setLater)
    tell(blocking.waitFor('x'))
  },
  async 'timer of the program'() {
    await init({ threads: 1 })
    setTimeout(() => void fields.set('x', 7), 400)
    tell(await goaway(waitForField))
  },
  async 'hidden work of the program'() {
    await init({ threads: 1 })
    const waiting = goaway(waitForField)
    await fields.waitFor('waits')
    // Node does not list the work of its crypto threads among what is active. So much of it takes
    // some looks of the hub, and also on a busy machine no more than a part of its patience.
    scrypt('secret', 'salt', 64, { N: 2 ** 14, maxmem: 2 ** 26 }, () => void fields.set('x', 3))
    tell(await waiting)
  },
  async 'another thread is parked for good'() {
    await init({ threads: 2 })
    const parked = goaway(parkForGood)
    await fields.waitFor('parked')
    await tellHow('blocked', () => goaway(waitForField))
    parked.cancel()
    await parked.catch(() => {})
  },
  async 'an asked thread exits'() {
    await init({ threads: 2 })
    const exits = goaway(exitLater).catch(() => {})
    await tellHow('blocked', () => goaway(waitForField))
    await exits
  },
  async 'limited queue'() {
    await init({ threads: 1 })
    const limited = goaway.with({ queueTimeoutMs: 60_000 })
    await tellHow('blocked', () => limited(waitForField))
  },
  async 'time limit'() {
    await init({ threads: 1 })
    await tellHow('blocked', () => goaway(waitForField, 300))
  },
}

if (isSpawner) await cases[process.argv[2] ?? '']?.()
