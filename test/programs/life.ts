/** Programs that end, each in its way: by themselves, by shutdown, or by a signal. */
import process from 'node:process'
import { setTimeout as delay } from 'node:timers/promises'
import { goaway, init, isSpawner, Lock, StrictCentralized, shutdown } from 'goaway'
import { StrictCentralized as BlockingStore } from 'goaway/sync'
import { tell, tellHow } from './tell.ts'

const way = process.argv[2]
const s = StrictCentralized<{ started: number; never: number }>('life')
const blocking = BlockingStore<{ started: number; never: number }>('life')

export function quick(value: number): number {
  return value
}

export async function slow(what: string): Promise<void> {
  await delay(300)
  tell({ what })
}

/** Ends at once; what it started goes on. */
export async function startsChild(): Promise<void> {
  goaway(startsGrandchild)
}

export function startsGrandchild(): void {
  goaway(slow, 'grandchild')
}

export function fails(): void {
  throw new TypeError('nobody awaits this')
}

export function loops(): void {
  blocking.add('started')
  for (;;);
}

export function blocks(): void {
  blocking.add('started')
  blocking.waitFor('never')
}

export async function parks(): Promise<void> {
  await s.add('started')
  await s.waitFor('never')
}

/** Four kinds of threads: two that loop, one that blocks, one that awaits. */
function startAll(): void {
  for (const fn of [loops, loops, blocks, parks]) goaway(fn as () => void).catch(() => {})
}

async function ending(): Promise<void> {
  switch (way) {
    case 'awaited':
      tell({ value: await goaway(quick, 1) })
      return
    case 'with shutdown':
      tell({ value: await goaway(quick, 1) })
      await shutdown()
      return
    case 'await using': {
      await using _cluster = await init({ threads: 1 })
      tell({ value: await goaway(quick, 1) })
      return
    }
    case 'only init':
      await init()
      return
    case 'shutdown drains': {
      const pending = tellHow('drained', () => goaway(slow, 'slow'))
      // However long the routine's thread takes to start.
      await shutdown({ graceMs: 60_000 })
      return pending
    }
    case 'un-awaited':
      goaway(slow, 'slow')
      return
    case 'un-awaited children':
      goaway(startsChild)
      return
    case 'un-awaited failure':
      goaway(fails)
      return
    case 'un-awaited writes':
      void s.set('started', 1)
      return
    case 'loop over values': {
      for (let index = 0; index < 3; index++) await s.add('started')
      tell({ value: await s.get('started') })
      return
    }
    case 'background watch':
      void (async () => {
        for await (const value of s.watch('started')) tell({ value })
      })()
      await s.set('started', 1)
      await goaway(parksNot)
      tell({ what: 'done' })
      return
  }
}

export async function parksNot(): Promise<void> {
  await s.set('started', 2)
}

async function resources(): Promise<void> {
  const seen = (): string[] => process.getActiveResourcesInfo().sort()
  // Standard output is opened by its first use, and is not ours.
  console.log('start')
  await delay(0)
  const before = seen()
  for (let round = 1; round <= 3; round++) {
    await init({ threads: 2 })
    await Promise.all([goaway(quick, 1), goaway(slow, 'x'), s.add('started'), s.waitFor('started')])
    const held = await Lock('life').acquire({ timeoutMs: 60_000 })
    held.release()
    await goaway.with({ timeoutMs: 60_000, queueTimeoutMs: 60_000 })(quick, 2)
    goaway(parks).catch(() => {})
    goaway(loops).catch(() => {})
    await shutdown({ graceMs: 50 })
    // A MessagePort that closes is gone in the next turn of the event loop.
    await delay(0)
    tell({ round, before, after: seen(), listeners: process.listenerCount('SIGINT') })
  }
}

function tellReady(): void {
  const listeners = process.listenerCount('SIGINT') + process.listenerCount('SIGTERM')
  tell({ what: 'ready', listeners })
}

async function signalled(): Promise<void> {
  await init({ threads: 4 })
  if (way === 'signal while routines run') {
    startAll()
    await s.waitFor('started', (started) => started === 4)
    tellReady()
  } else if (way === 'signal while awaiting') {
    await s.set('started', 0)
    tellReady()
    await s.waitFor('never')
  } else {
    startAll()
    blocking.waitFor('started', (started) => started === 4)
    tellReady()
    blocking.waitFor('never')
  }
}

if (isSpawner) {
  if (way === 'resources') await resources()
  else if (way?.startsWith('signal') === true) await signalled()
  else await ending()
}
