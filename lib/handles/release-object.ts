/**
 * `UpdateOnRelease` objects: written under their own lock, and what was written shows to others
 * when it is released, all of it at once.
 */
import { inspect, isDeepStrictEqual } from 'node:util'
import { fieldOrder } from './field-order.ts'
import { type AsyncObject, AsyncObjectHandle, waitArguments } from './object.ts'
import { checkReleaseOptions, type ReleaseCore, type ReleaseOptions } from './release-core.ts'
import { ReleaseSection } from './release-section.ts'
import { askWithin, checkWaitOptions, deadlineOf, type WaitOptions, within } from './wait.ts'

/** An `UpdateOnRelease` object whose lock is held. */
export interface HeldObject {
  /** The object's name. */
  readonly object: string
  /** Grows from holder to holder. */
  readonly token: number
  /**
   * Aborts when the lock is lost without having been released. What was written under it is gone,
   * and further writes are refused.
   */
  readonly lost: AbortSignal
  /**
   * Shows to all what was written, and gives the lock to the next. A second call does nothing.
   *
   * @throws {GoawayError} what the lock was lost by, or the refusal; nothing was written then,
   *   unless `maybeExecuted` says that it is not known
   */
  release(options?: ReleaseOptions): Promise<void>
  [Symbol.asyncDispose](): Promise<void>
}

/** An `UpdateOnRelease` object. What writes needs the object's lock. */
export interface AsyncReleaseObject<T extends object> extends AsyncObject<T> {
  /**
   * Waits for the object's lock. Then this node has what was released before.
   *
   * @throws {GoawayError} ERR_GOAWAY_LOCK_HELD when the calling routine holds it or waits for it,
   *   ERR_GOAWAY_DEADLOCK when it could never be granted, ERR_GOAWAY_TIMEOUT, ERR_GOAWAY_CANCELLED,
   *   ERR_GOAWAY_MASTER_LOST
   */
  acquire(options?: WaitOptions): Promise<HeldObject>
  /** The lock if nobody has it now, else `null`. @throws {GoawayError} ERR_GOAWAY_MASTER_LOST */
  tryAcquire(): Promise<HeldObject | null>
  /** Releases what the calling routine holds. @throws {GoawayError} ERR_GOAWAY_LOCK_NOT_HELD */
  release(options?: ReleaseOptions): Promise<void>
  /** Holds the lock while `act` runs; what was written is released also if it throws. */
  with<R>(
    act: (held: HeldObject) => R | PromiseLike<R>,
    options?: WaitOptions & ReleaseOptions,
  ): Promise<R>
}

class HeldReleaseObject implements HeldObject {
  readonly object: string
  readonly #core: ReleaseCore
  readonly #section: ReleaseSection
  #released: Promise<void> | undefined

  constructor(core: ReleaseCore, section: ReleaseSection) {
    this.object = core.name
    this.#core = core
    this.#section = section
  }

  get token(): number {
    return this.#section.token
  }

  get lost(): AbortSignal {
    return this.#section.lost
  }

  async release(options: ReleaseOptions = {}): Promise<void> {
    checkReleaseOptions(`release() of ${this.#core}`, options)
    this.#released ??= releaseSection(this.#core, this.#section, options)
    return this.#released
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.release()
  }

  [inspect.custom](): string {
    return inspect(this.#section)
  }
}

/** Sends it in call order, and is over when it is answered. */
async function releaseSection(
  core: ReleaseCore,
  section: ReleaseSection,
  options: ReleaseOptions,
): Promise<void> {
  if (!section.close()) return
  await fieldOrder().after(core.key, async () => {
    const { operation, fields, recordings } = core.leave(section, options)
    try {
      const { node, scope } = section
      const answer = node.client.askAsync(scope.owner, operation)
      core.local(node).unanswered(fields, answer)
      await answer
    } catch (error) {
      throw core.refused(error, recordings)
    } finally {
      section.ended()
    }
    for (const recording of recordings) recording.end()
  })
}

export class AsyncReleaseHandle extends AsyncObjectHandle {
  readonly #core: ReleaseCore

  constructor(core: ReleaseCore) {
    super(core)
    this.#core = core
  }

  async acquire(options: WaitOptions = {}): Promise<HeldObject> {
    const core = this.#core
    const what = `acquire() of ${core}`
    checkWaitOptions(what, options)
    const node = core.node('acquire', false)
    const scope = core.scope()
    const operation = core.acquisition(scope)
    const deadline = deadlineOf(options)
    const giveBack = (token: unknown): void => core.giveBack(node, scope, token as number)
    const token = await fieldOrder().whole(core.key, () =>
      askWithin(node, scope.owner, operation, deadline, what, giveBack),
    )
    core.scope()
    return new HeldReleaseObject(core, new ReleaseSection(core, token as number, node, scope))
  }

  async tryAcquire(): Promise<HeldObject | null> {
    const core = this.#core
    const node = core.node('acquire', false)
    const scope = core.scope()
    const token = (await fieldOrder().whole(core.key, () =>
      node.client.askAsync(scope.owner, core.attempt()),
    )) as number
    core.scope()
    if (token === 0) return null
    return new HeldReleaseObject(core, new ReleaseSection(core, token, node, scope))
  }

  async release(options: ReleaseOptions = {}): Promise<void> {
    checkReleaseOptions(`release() of ${this.#core}`, options)
    await releaseSection(this.#core, this.#core.section('release'), options)
  }

  async with<R>(
    act: (held: HeldObject) => R | PromiseLike<R>,
    options: WaitOptions & ReleaseOptions = {},
  ): Promise<R> {
    checkReleaseOptions(`with() of ${this.#core}`, options)
    const held = await this.acquire(options)
    let result: R
    try {
      result = await act(held)
    } catch (error) {
      // It is what its caller has to know.
      await held.release(options).catch(() => {})
      throw error
    }
    await held.release(options)
    return result
  }

  override async set(field: string, value: unknown): Promise<void> {
    const core = this.#core
    core.checkField(field)
    const section = core.section('write')
    const encoded = core.encode(field, value)
    await fieldOrder().send(core.key, field, async () => section.set(field, encoded))
  }

  override async add(field: string, delta = 1): Promise<number> {
    const core = this.#core
    core.checkField(field)
    if (typeof delta !== 'number') throw new TypeError(`add() takes a number: ${typeof delta}`)
    const section = core.section('add to')
    return fieldOrder().work(core.key, field, async () => {
      const sum = core.sum(field, await this.readNow(field), delta)
      section.set(field, sum)
      return sum
    })
  }

  override async delete(field: string): Promise<boolean> {
    const core = this.#core
    core.checkField(field)
    const section = core.section('write')
    return fieldOrder().work(core.key, field, async () => {
      if ((await this.readNow(field)).version === 0) return false
      section.delete(field)
      return true
    })
  }

  override async update(field: string, change: (value: unknown) => unknown): Promise<unknown> {
    const core = this.#core
    core.checkField(field)
    if (typeof change !== 'function') {
      throw new TypeError(`update() takes a function: ${typeof change}`)
    }
    const section = core.section('write')
    return fieldOrder().work(core.key, field, async () => {
      const { value } = await this.readNow(field)
      section.set(field, core.encode(field, change(value)))
      return section.read(field)?.value
    })
  }

  override async compareAndSet(field: string, expected: unknown, value: unknown): Promise<boolean> {
    const core = this.#core
    core.checkField(field)
    const section = core.section('write')
    const encoded = core.encode(field, value)
    const own = core.ownCopy(field, expected)
    return fieldOrder().work(core.key, field, async () => {
      if (!isDeepStrictEqual((await this.readNow(field)).value, own)) return false
      section.set(field, encoded)
      return true
    })
  }

  /** What the caller has written itself counts; what it hides does not. */
  override async waitFor(
    field: string,
    untilOrOptions?: ((value: unknown) => boolean) | WaitOptions,
    options: WaitOptions = {},
  ): Promise<unknown> {
    const core = this.#core
    core.checkField(field)
    const [until, limits] = waitArguments(untilOrOptions, options)
    const section = core.sectionHere()
    const own = core.buffered(field)
    if (own === undefined || section === undefined) return super.waitFor(field, until, limits)
    if (until(own.value)) return own.value
    const what = `waitFor('${field}') of ${core}`
    checkWaitOptions(what, limits)
    const deadline = deadlineOf(limits)
    // Nobody else can change it before.
    await within(section.over, deadline, what)
    const timeoutMs = Math.max(0, deadline.at - performance.now())
    return super.waitFor(field, until, deadline.at === Infinity ? limits : { ...limits, timeoutMs })
  }
}
