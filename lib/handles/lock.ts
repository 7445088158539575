/**
 * Locks. Who holds one is the *held* object that `acquire` returns. While a routine holds a lock,
 * its writes carry the lock's token, and the stores refuse one that has passed on.
 */
import { inspect } from 'node:util'
import { currentNode, type Node } from '../client/current.ts'
import type { BlockingLimit } from '../client/hub-client.ts'
import { currentScope, type HeldEntry, type Scope, scopeOver } from '../client/scope.ts'
import { GoawayError } from '../errors.ts'
import type { Recording } from '../history/recorder.ts'
import type { Answer, LockOperation } from '../wire/messages.ts'
import { Loss } from './loss.ts'
import { checkName, handleMark } from './object-core.ts'
import {
  askWithin,
  blockingLimit,
  checkSignal,
  checkWaitOptions,
  deadlineOf,
  type WaitOptions,
} from './wait.ts'

/** A lock that is held. Leaving a `using` block releases it. */
export interface Held {
  readonly lock: string
  /** Grows from holder to holder: what the stores compare. */
  readonly token: number
  /**
   * Aborts when the lock is lost without having been released: its master is gone or cannot be
   * reached, this node was not heard of for `sessionMs`, its routine is over, or the hub is gone.
   * Writes are refused from then on. Code that never awaits sees it by these refusals alone.
   */
  readonly lost: AbortSignal
  /** Gives the lock to the next. Does not wait for the network; a second call does nothing. */
  release(): void
  [Symbol.dispose](): void
  [Symbol.asyncDispose](): Promise<void>
}

/** A lock for programs that must not block. First come, first served; not reentrant. */
export interface AsyncLock {
  readonly name: string
  /**
   * Waits for the lock.
   *
   * @throws {GoawayError} ERR_GOAWAY_LOCK_HELD when the calling routine holds it or waits for it,
   *   ERR_GOAWAY_DEADLOCK when it could never be granted, ERR_GOAWAY_TIMEOUT, ERR_GOAWAY_CANCELLED
   */
  acquire(options?: WaitOptions): Promise<Held>
  /** The lock if it is free now, else `null`. */
  tryAcquire(): Promise<Held | null>
  /** Releases what the calling routine holds. @throws {GoawayError} ERR_GOAWAY_LOCK_NOT_HELD */
  release(): void
  /** Holds the lock while `act` runs. */
  with<R>(act: (held: Held) => R | PromiseLike<R>, options?: WaitOptions): Promise<R>
}

/** A lock whose `acquire` blocks the thread. See {@link AsyncLock}. */
export interface SyncLock {
  readonly name: string
  /** A blocked thread sees no events: `signal` is looked at before it blocks. */
  acquire(options?: WaitOptions): Held
  tryAcquire(): Held | null
  release(): void
  /** Holds the lock while `act` runs, or until the promise that it returns is settled. */
  with<R>(act: (held: Held) => R, options?: WaitOptions): R
}

const lockAsked = (key: string) => ({ kind: 'lock', store: 'lock', key }) as const

class HeldLock implements Held, HeldEntry {
  readonly lock: string
  readonly token: number
  readonly #node: Node
  readonly #scope: Scope
  readonly #loss = new Loss()
  #released = false

  constructor(lock: string, token: number, node: Node, scope: Scope) {
    this.lock = lock
    this.token = token
    this.#node = node
    this.#scope = scope
    scope.held.set(lock, this)
    node.client.heldLocks.add(this)
  }

  /** Another hub, of this program's next start, counts its tokens from 1 again. */
  get fence(): number {
    return this.#node.client.lost === undefined ? this.token : 0
  }

  get lost(): AbortSignal {
    return this.#loss.signal
  }

  lose(reason: GoawayError): void {
    if (this.#released || this.#loss.reason !== undefined) return
    this.#node.client.heldLocks.delete(this)
    this.#loss.happened(reason, this.#scope)
  }

  release(): void {
    if (this.#released) return
    this.#released = true
    this.#node.client.heldLocks.delete(this)
    if (this.#scope.held.get(this.lock) === this) this.#scope.held.delete(this.lock)
    const { client, recorder } = this.#node
    recorder?.told(this.#scope, { ...lockAsked(this.lock), op: 'release', arg: this.token })
    client.tell(this.#scope.owner, ['release', this.lock, this.token])
  }

  [Symbol.dispose](): void {
    this.release()
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.release()
  }

  [inspect.custom](): string {
    return `Held('${this.lock}', token ${this.token}${this.#released ? ', released' : ''})`
  }
}

class LockBase {
  readonly name: string

  constructor(name: string) {
    this.name = checkName('Lock(name)', name)
    Object.defineProperty(this, handleMark, { value: true })
  }

  /** An attempt to get it that is about to leave, if this thread records. */
  protected recordAcquire({ recorder }: Node, scope: Scope): Recording | undefined {
    return recorder?.begin(scope, { ...lockAsked(this.name), op: 'acquire' })
  }

  protected acquisition({ context }: Scope): LockOperation {
    return context?.noticed === true ? ['acquire', this.name, true] : ['acquire', this.name]
  }

  /** The scope of the caller, if it may hold locks. */
  protected scope(): Scope {
    const scope = currentScope()
    if (scope.over) throw scopeOver(scope)
    return scope
  }

  /** The lock that was granted: no more to one who is over by now. */
  protected take(token: Answer, node: Node, scope: Scope, recorded?: Recording): Held {
    recorded?.end(token as number)
    if (scope.over) throw scopeOver(scope)
    return new HeldLock(this.name, token as number, node, scope)
  }

  release(): void {
    const entry = currentScope().held.get(this.name)
    if (entry === undefined) {
      throw new GoawayError(
        'ERR_GOAWAY_LOCK_NOT_HELD',
        `Cannot release ${this}: the calling routine does not hold it`,
      )
    }
    entry.release()
  }

  toString(): string {
    return `Lock('${this.name}')`
  }

  [inspect.custom](): string {
    return this.toString()
  }
}

async function unlessRefused(
  asked: Promise<Answer>,
  recorded: Recording | undefined,
): Promise<Answer> {
  try {
    return await asked
  } catch (error) {
    recorded?.fail(error)
    throw error
  }
}

export class AsyncLockHandle extends LockBase implements AsyncLock {
  async acquire(options: WaitOptions = {}): Promise<Held> {
    const what = `acquire() of ${this}`
    checkWaitOptions(what, options)
    const node = currentNode(`acquire ${this}`, false)
    const scope = this.scope()
    const giveBack = (token: unknown): void =>
      node.client.tell(scope.owner, ['release', this.name, token as number])
    const operation = this.acquisition(scope)
    const deadline = deadlineOf(options)
    const recorded = this.recordAcquire(node, scope)
    const asked = askWithin(node, scope.owner, operation, deadline, what, giveBack)
    const token = await unlessRefused(asked, recorded)
    return this.take(token, node, scope, recorded)
  }

  async tryAcquire(): Promise<Held | null> {
    const node = currentNode(`acquire ${this}`, false)
    const scope = this.scope()
    const recorded = this.recordAcquire(node, scope)
    const asked = node.client.askAsync(scope.owner, ['tryAcquire', this.name])
    const token = await unlessRefused(asked, recorded)
    if (token !== 0) return this.take(token, node, scope, recorded)
    recorded?.drop()
    return null
  }

  async with<R>(act: (held: Held) => R | PromiseLike<R>, options: WaitOptions = {}): Promise<R> {
    const held = await this.acquire(options)
    try {
      return await act(held)
    } finally {
      held.release()
    }
  }
}

export class SyncLockHandle extends LockBase implements SyncLock {
  acquire(options: WaitOptions = {}): Held {
    const what = `acquire() of ${this}`
    checkWaitOptions(what, options)
    checkSignal(what, options)
    const node = currentNode(`acquire ${this}`)
    const scope = this.scope()
    const limit = blockingLimit(what, deadlineOf(options))
    const recorded = this.recordAcquire(node, scope)
    const token = this.#ask(node, scope, this.acquisition(scope), recorded, limit)
    return this.take(token, node, scope, recorded)
  }

  tryAcquire(): Held | null {
    const node = currentNode(`acquire ${this}`)
    const scope = this.scope()
    const recorded = this.recordAcquire(node, scope)
    const token = this.#ask(node, scope, ['tryAcquire', this.name], recorded)
    if (token !== 0) return this.take(token, node, scope, recorded)
    recorded?.drop()
    return null
  }

  #ask(
    { client }: Node,
    { owner }: Scope,
    operation: LockOperation,
    recorded: Recording | undefined,
    limit?: BlockingLimit,
  ): Answer {
    try {
      return client.askBlocking(owner, operation, limit)
    } catch (error) {
      recorded?.fail(error)
      throw error
    }
  }

  with<R>(act: (held: Held) => R, options: WaitOptions = {}): R {
    const held = this.acquire(options)
    let result: R
    try {
      result = act(held)
    } catch (error) {
      held.release()
      throw error
    }
    if (typeof (result as { then?: unknown } | null)?.then !== 'function') {
      held.release()
      return result
    }
    const done = (result as PromiseLike<unknown>).then(
      (value) => {
        held.release()
        return value
      },
      (error: unknown) => {
        held.release()
        throw error
      },
    )
    return done as R
  }
}
