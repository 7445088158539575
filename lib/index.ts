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
export type { AsyncObject } from './handles/object.ts'
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
  const core = new ObjectCore('StrictCentralized', name, initial)
  return new AsyncObjectHandle(core) as unknown as AsyncObject<T>
}

/** A lock: mutual exclusion, first come, first served, fenced by tokens, not reentrant. */
export function Lock(name: string): AsyncLock {
  return new AsyncLockHandle(name)
}
