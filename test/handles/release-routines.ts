/** What the tests of `UpdateOnRelease` run on other threads. */
import { context, Lock, StrictCentralized, UpdateOnRelease } from 'goaway'
import * as blocking from 'goaway/sync'
import { untilAborted } from './until-aborted.ts'

export interface Fields {
  [field: string]: unknown
  x: number
  y: number
}

export const o = UpdateOnRelease<Fields>('release-test', { x: 0, y: 0 })
export const sync = blocking.UpdateOnRelease<Fields>('release-test', { x: 0, y: 0 })
const signals = StrictCentralized<Record<string, number>>('release-signals')

/** Reads both until the signal comes; how often they were not alike. */
export function countUnlike(rounds: number): number {
  let unlike = 0
  for (let last = 0; last < rounds; ) {
    const { x, y } = sync.snapshot() as { x: number; y: number }
    if (x !== y) unlike++
    last = Math.max(last, x)
  }
  return unlike
}

export function writeBoth(from: number, to: number): void {
  for (let n = from; n <= to; n++) {
    sync.with(() => {
      sync.x = Math.max(n, sync.get('x') as number)
      sync.y = sync.x
    })
  }
}

export function addMany(times: number): void {
  for (let time = 0; time < times; time++) sync.with(() => sync.add('x'))
}

export async function addManyAsync(times: number): Promise<void> {
  for (let time = 0; time < times; time++) await o.with(() => o.update('x', (x) => x + 1))
}

export function readBoth(): unknown[] {
  return [sync.x, sync.y]
}

/** Ends with the lock held. */
export async function leaveHeld(value: number): Promise<void> {
  await o.acquire()
  await o.set('x', value)
}

export function throwHeld(value: number): void {
  sync.acquire()
  sync.x = value
  throw new RangeError('held')
}

/** Holds until it is stopped, and tells how it lost the lock. */
export async function holdForEver(): Promise<void> {
  const held = await o.acquire()
  await o.set('x', -1)
  await signals.set('held', context().id)
  await untilAborted(held.lost, context().signal)
}

export function exitHeld(): void {
  sync.acquire()
  sync.x = -2
  process.exit(3)
}

/** Its thread is alive when it is over: what it left behind writes no more. */
export async function leaveBehind(): Promise<void> {
  const held = await o.acquire()
  void (async () => {
    while (!held.lost.aborted) await new Promise((resolve) => setImmediate(resolve))
    const codes = [
      await o.set('x', -3).catch(({ code }) => code),
      await held.release().catch(({ code }) => code),
    ]
    await signals.set(`left ${codes.join(' ')}`, 1)
  })()
}

const inCircle = Lock('release-circle')

/** Has the object and wants the lock. */
export async function objectFirst(): Promise<string> {
  return o.with(async () => {
    await signals.set('object', 1)
    await signals.waitFor('lock')
    return inCircle.with(() => 'both').catch(({ code }) => code)
  })
}

/** Has the lock and wants the object. */
export async function lockFirst(): Promise<string> {
  return inCircle.with(async () => {
    await signals.set('lock', 1)
    await signals.waitFor('object')
    return o.with(() => 'both').catch(({ code }) => code)
  })
}

export function acquireTwice(): string {
  return sync.with(() => {
    try {
      sync.acquire()
      return 'twice'
    } catch (error) {
      return (error as { code: string }).code
    }
  })
}

export function tryToSet(value: number): 'set' | 'not free' {
  const held = sync.tryAcquire()
  if (held === null) return 'not free'
  sync.x = value
  held.release()
  return 'set'
}

export async function tryToSetAsync(value: number): Promise<'set' | 'not free'> {
  const held = await o.tryAcquire()
  if (held === null) return 'not free'
  await o.set('x', value)
  await held.release()
  return 'set'
}
