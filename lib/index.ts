/**
 * goaway: routines on threads, and objects they share. Nothing here blocks; `goaway/sync` has the
 * same objects for code that may.
 *
 * @example
 * import { goaway, isSpawner, StrictCentralized } from 'goaway'
 *
 * const s = StrictCentralized('s', { counter: 0 })
 *
 * export async function increase(value: number) {
 *   await s.add('counter', value)
 * }
 *
 * if (isSpawner) {
 *   await Promise.all(Array.from({ length: 20 }, () => goaway(increase, 1)))
 *   console.log(await s.get('counter')) // 20
 * }
 */

import type { AsyncLock } from './handles/lock.ts'
import { AsyncLockHandle } from './handles/lock.ts'
import { type AsyncObject, AsyncObjectHandle } from './handles/object.ts'
import { ObjectCore } from './handles/object-core.ts'
import { ReleaseCore } from './handles/release-core.ts'
import { AsyncReleaseHandle, type AsyncReleaseObject } from './handles/release-object.ts'
import {
  AsyncWeakHandle,
  type AsyncWeakObject,
  type WeakOptions,
  weakCore,
} from './handles/weak-object.ts'

export type { ClusterNode } from './client/members.ts'
export type { NodeStatus } from './deploy/node-status.ts'
export { GoawayError, type GoawayErrorCode } from './errors.ts'
export type { Executor, ExecutorFactory, Outcome, Report, Task } from './executor/contract.ts'
export { context, type RoutineInfo } from './handles/context.ts'
export {
  type Cluster,
  type ClusterOptions,
  type InitOptions,
  init,
  isSpawner,
  type ShutdownOptions,
  shutdown,
} from './handles/init.ts'
export type { AsyncLock, Held } from './handles/lock.ts'
export { type Mapping, map } from './handles/map.ts'
export type { MapError, MapFailure } from './handles/map-error.ts'
export type { MapOptions, MapProgress } from './handles/map-options.ts'
export type { AsyncObject } from './handles/object.ts'
export { put, type Ref, type RefGetOptions } from './handles/put.ts'
export type { ReleaseOptions } from './handles/release-core.ts'
export type { AsyncReleaseObject, HeldObject } from './handles/release-object.ts'
export {
  type Goaway,
  goaway,
  type Routine,
  type Started,
} from './handles/routine.ts'
export type { RoutineOptions } from './handles/routine-options.ts'
export type { RoutineControl, RoutineStatus } from './handles/routine-state.ts'
export type { RoutineStream } from './handles/stream.ts'
export type { WaitOptions } from './handles/wait.ts'
export type { AsyncWeakObject, WeakOptions } from './handles/weak-object.ts'

/**
 * A linearizable object with one master. Everyone who gives the name gets the same object.
 *
 * @param name 1 to 1,024 characters
 * @param initial values of fields, each set once for the whole cluster if it is absent
 */
export function StrictCentralized<T extends object = Record<string, unknown>>(
  name: string,
  initial?: T,
): AsyncObject<T> {
  const core = new ObjectCore('StrictCentralized', 'strict', name, initial)
  return new AsyncObjectHandle(core) as unknown as AsyncObject<T>
}

/**
 * A linearizable object of which every node has a copy: what it promises is what
 * {@link StrictCentralized} does. A read is answered at the node; it waits while a write of that
 * field is on its way. A write is over when every node has it: so many messages. It outlives any
 * node but the spawner.
 *
 * @param name 1 to 1,024 characters
 * @param initial values of fields, each set once for the whole cluster if it is absent
 */
export function LinFastRead<T extends object = Record<string, unknown>>(
  name: string,
  initial?: T,
): AsyncObject<T> {
  const core = new ObjectCore('LinFastRead', 'lin-fast-read', name, initial)
  return new AsyncObjectHandle(core) as unknown as AsyncObject<T>
}

/**
 * An object of which every node has a copy that it reads and writes at once; other nodes see a
 * write some time later. Each sees the writes of one node in their order; of writes that did not
 * know of each other one wins, the same everywhere. `add` loses nothing: sums are merged, and it
 * resolves to the sum as this node knows it. There is no `update` and no `compareAndSet`:
 * ERR_GOAWAY_UNSUPPORTED. `entries` and `snapshot` are of one moment at this node.
 *
 * @param name 1 to 1,024 characters
 * @param initial values of fields, for those that nobody has written
 */
export function Weak<T extends object = Record<string, unknown>>(
  name: string,
  initial?: T,
  options?: WeakOptions,
): AsyncWeakObject<T> {
  return new AsyncWeakHandle(weakCore(name, initial, options)) as unknown as AsyncWeakObject<T>
}

/**
 * An object that is written under its own lock: `acquire()`, write, `release()`. What was written
 * shows to others with the release, all of it at once; until then it is in this thread, costs no
 * message, and is read by the routine that wrote it. Who reads under the lock reads the latest; who
 * reads without it sees all objects of this kind as they were after some release. To write without
 * the lock is ERR_GOAWAY_LOCK_NOT_HELD. A routine, thread or node that ends without a release has
 * written nothing.
 *
 * @param name 1 to 1,024 characters
 * @param initial values of fields, each set once for the whole cluster if it is absent
 */
export function UpdateOnRelease<T extends object = Record<string, unknown>>(
  name: string,
  initial?: T,
): AsyncReleaseObject<T> {
  return new AsyncReleaseHandle(new ReleaseCore(name, initial)) as unknown as AsyncReleaseObject<T>
}

/** A lock: mutual exclusion, first come, first served, fenced by tokens, not reentrant. */
export function Lock(name: string): AsyncLock {
  return new AsyncLockHandle(name)
}
