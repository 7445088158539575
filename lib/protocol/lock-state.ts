/**
 * What the lock machine remembers. A tree of plain data: records that stand in two places (a waiter
 * in its queue and with its client) are never written, so that a copy of the tree is a copy of the
 * state.
 */

/**
 * How the name of a lock begins that belongs to an object. Its store's machine orders its release
 * when its holder is gone: the news of that comes to the two machines by different ways, and the
 * last release of a routine must not be overtaken by the end of the routine.
 */
export const objectLockPrefix = '\u0000'

export function isObjectLock(name: string): boolean {
  return name.startsWith(objectLockPrefix)
}

/** A lock in words: that of an object is known to its user by the object. */
export function lockText(name: string): string {
  if (!isObjectLock(name)) return `lock ${JSON.stringify(name)}`
  return `object ${JSON.stringify(name.slice(name.indexOf(' ') + 1))}`
}

/** A parked `acquire`. */
export interface LockWaiter {
  readonly lock: string
  readonly client: number
  readonly thread: number
  readonly call: number
  readonly owner: number
  /** Of its node, under which it waits; 0: for as long as the client lives. */
  readonly session: number
  /** Its thread does nothing else until the answer has come. */
  readonly blocking: boolean
  /** Its place in the queue: grows along it, and is never given twice while the lock is held. */
  readonly ticket: number
}

/** A lock that is held. A lock that nobody holds is not kept, so nobody can wait for it either. */
export interface HeldLock {
  readonly name: string
  client: number
  thread: number
  owner: number
  session: number
  /** The call that was answered with the token. */
  call: number
  token: number
  lastTicket: number
  /** Those who wait, in the order of arrival. */
  readonly queue: LockWaiter[]
}

/** What one thread holds and waits for. A client with neither is not kept. */
export interface LockClient {
  /** By lock, in the order of the grants: the call it was granted to. */
  readonly holds: Map<string, number>
  /** By call, in the order of arrival. */
  readonly waits: Map<number, LockWaiter>
}

/** Faults that tests plant, to see whether they are found out. */
export type LockMutant = 'token not raised'

export interface LockState {
  readonly mutant: LockMutant | null
  /** The token given last. One counter for all locks of the master; it never goes back. */
  lastToken: number
  readonly locks: Map<string, HeldLock>
  readonly clients: Map<number, LockClient>
}
