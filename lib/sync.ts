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
import { type InitialFields, type SyncObject, syncObject } from './handles/object-proxy.ts'
import { BlockingMethods } from './handles/object-sync.ts'
import { ReleaseCore } from './handles/release-core.ts'
import {
  ReleaseMethods,
  type ReleaseName,
  type SyncReleaseObject,
} from './handles/release-object-sync.ts'
import { type WeakOptions, weakCore } from './handles/weak-object.ts'
import { type SyncWeakObject, WeakMethods, type WeakName } from './handles/weak-object-sync.ts'

export { GoawayError, type GoawayErrorCode } from './errors.ts'
export type { Held, SyncLock } from './handles/lock.ts'
export type { SyncObject } from './handles/object-proxy.ts'
export type { SyncMethods } from './handles/object-sync.ts'
export { put, type Ref, type RefGetOptions, read } from './handles/put.ts'
export type { ReleaseOptions } from './handles/release-core.ts'
export type {
  SyncHeldObject,
  SyncReleaseMethods,
  SyncReleaseObject,
} from './handles/release-object-sync.ts'
export type { WeakOptions } from './handles/weak-object.ts'
export type { SyncWeakMethods, SyncWeakObject } from './handles/weak-object-sync.ts'

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
  const core = new ObjectCore('StrictCentralized', 'strict', name, initial)
  return syncObject(core, new BlockingMethods(core)) as SyncObject<T>
}

/**
 * A linearizable object of which every node has a copy, whose fields are properties. What it
 * promises and costs is told at `LinFastRead` of `goaway`.
 */
export function LinFastRead<T extends object = Record<string, unknown>>(
  name: string,
  initial?: InitialFields<T>,
): SyncObject<T> {
  const core = new ObjectCore('LinFastRead', 'lin-fast-read', name, initial)
  return syncObject(core, new BlockingMethods(core)) as SyncObject<T>
}

/**
 * An object that each node reads and writes at once, whose fields are properties. `set`, `delete`
 * and assignment do not wait for the hub, unless the calling routine holds a lock. What it promises
 * and costs is told at `Weak` of `goaway`.
 */
export function Weak<T extends object = Record<string, unknown>>(
  name: string,
  initial?: InitialFields<T, WeakName>,
  options?: WeakOptions,
): SyncWeakObject<T> {
  const core = weakCore(name, initial, options)
  return syncObject(core, new WeakMethods(core)) as SyncWeakObject<T>
}

/**
 * An object that is written under its own lock, whose fields are properties. What it promises and
 * costs is told at `UpdateOnRelease` of `goaway`.
 *
 * @example
 * const s = UpdateOnRelease('s', { counter: 0 })
 *
 * export function increase(value: number) {
 *   using held = s.acquire()
 *   s.counter += value
 * }
 */
export function UpdateOnRelease<T extends object = Record<string, unknown>>(
  name: string,
  initial?: InitialFields<T, ReleaseName>,
): SyncReleaseObject<T> {
  const core = new ReleaseCore(name, initial)
  return syncObject(core, new ReleaseMethods(core)) as SyncReleaseObject<T>
}

/** A lock whose `acquire` blocks: first come, first served, fenced by tokens, not reentrant. */
export function Lock(name: string): SyncLock {
  return new SyncLockHandle(name)
}
