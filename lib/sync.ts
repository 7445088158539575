/**
 * The same objects and locks as in `goaway`, for code that may block: fields are properties, and
 * every method answers at once. The calling thread sleeps until its hub has answered.
 *
 * @example
 * import { Lock, StrictCentralized } from 'goaway/sync'
 *
 * const lock = Lock('lock')
 * const s = StrictCentralized('s', { counter: 0 })
 *
 * export function increase(value: number) {
 *   using held = lock.acquire()
 *   s.counter += value
 * }
 */
import './handles/init.ts'
import { type SyncLock, SyncLockHandle } from './handles/lock.ts'
import { ObjectCore } from './handles/object-core.ts'
import { type InitialFields, type SyncObject, syncObject } from './handles/object-sync.ts'

export { GoawayError, type GoawayErrorCode } from './errors.ts'
export type { Held, SyncLock } from './handles/lock.ts'
export type { SyncMethods, SyncObject } from './handles/object-sync.ts'

/**
 * A linearizable object with one master, whose fields are properties.
 *
 * @param name 1 to 1,024 characters
 * @param initial values of fields, each set once for the whole cluster if it is absent
 */
export function StrictCentralized<T extends object = Record<string, unknown>>(
  name: string,
  initial?: InitialFields<T>,
): SyncObject<T> {
  return syncObject(new ObjectCore('StrictCentralized', name, initial)) as SyncObject<T>
}

/** A lock whose `acquire` blocks: first come, first served, fenced by tokens, not reentrant. */
export function Lock(name: string): SyncLock {
  return new SyncLockHandle(name)
}
