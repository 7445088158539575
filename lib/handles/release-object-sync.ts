/** `UpdateOnRelease` objects in code that may block. See `release-object.ts`. */
import { inspect, isDeepStrictEqual } from 'node:util'
import { GoawayError } from '../errors.ts'
import { waitArguments } from './object.ts'
import type { ReservedName } from './object-proxy.ts'
import { BlockingMethods, readField, type SyncMethods } from './object-sync.ts'
import { checkReleaseOptions, type ReleaseCore, type ReleaseOptions } from './release-core.ts'
import { ReleaseSection } from './release-section.ts'
import {
  blockingLimit,
  checkSignal,
  checkWaitOptions,
  deadlineOf,
  type WaitOptions,
} from './wait.ts'

/** An `UpdateOnRelease` object whose lock is held. Leaving a `using` block releases it. */
export interface SyncHeldObject {
  readonly object: string
  readonly token: number
  readonly lost: AbortSignal
  /** As of the asynchronous handle, answered at once. */
  release(options?: ReleaseOptions): void
  [Symbol.dispose](): void
  [Symbol.asyncDispose](): Promise<void>
}

/** The methods of a blocking `UpdateOnRelease` handle. */
export interface SyncReleaseMethods<T extends object> extends SyncMethods<T> {
  /** A blocked thread sees no events: `signal` is looked at before it blocks. */
  acquire(options?: WaitOptions): SyncHeldObject
  /** The object's lock if it is free now, else `null`. */
  tryAcquire(): SyncHeldObject | null
  release(options?: ReleaseOptions): void
  /** Holds the lock while `act` runs, or until the promise that it returns is settled. */
  with<R>(act: (held: SyncHeldObject) => R, options?: WaitOptions & ReleaseOptions): R
}

/** Names that are methods here and nowhere else. */
export type ReleaseName = 'acquire' | 'tryAcquire' | 'release' | 'with'

/** An `UpdateOnRelease` object whose fields are properties. */
export type SyncReleaseObject<T extends object> = SyncReleaseMethods<T> &
  Omit<T, ReservedName | ReleaseName>

class SyncHeldReleaseObject implements SyncHeldObject {
  readonly object: string
  readonly #core: ReleaseCore
  readonly #section: ReleaseSection

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

  release(options: ReleaseOptions = {}): void {
    checkReleaseOptions(`release() of ${this.#core}`, options)
    releaseSection(this.#core, this.#section, options)
  }

  [Symbol.dispose](): void {
    this.release()
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.release()
  }

  [inspect.custom](): string {
    return inspect(this.#section)
  }
}

function releaseSection(core: ReleaseCore, section: ReleaseSection, options: ReleaseOptions): void {
  if (!section.close()) return
  const { operation, recordings } = core.leave(section, options)
  try {
    section.node.client.askBlocking(section.scope.owner, operation)
  } catch (error) {
    throw core.refused(error, recordings)
  } finally {
    section.ended()
  }
  for (const recording of recordings) recording.end()
}

export class ReleaseMethods extends BlockingMethods {
  readonly #core: ReleaseCore

  constructor(core: ReleaseCore) {
    super(core)
    this.#core = core
  }

  acquire(options: WaitOptions = {}): SyncHeldObject {
    const core = this.#core
    const what = `acquire() of ${core}`
    checkWaitOptions(what, options)
    checkSignal(what, options)
    const node = core.node('acquire', true)
    const scope = core.scope()
    const limit = blockingLimit(what, deadlineOf(options))
    const token = node.client.askBlocking(scope.owner, core.acquisition(scope), limit)
    core.scope()
    return new SyncHeldReleaseObject(core, new ReleaseSection(core, token as number, node, scope))
  }

  tryAcquire(): SyncHeldObject | null {
    const core = this.#core
    const node = core.node('acquire', true)
    const scope = core.scope()
    const token = node.client.askBlocking(scope.owner, core.attempt()) as number
    core.scope()
    if (token === 0) return null
    return new SyncHeldReleaseObject(core, new ReleaseSection(core, token, node, scope))
  }

  release(options: ReleaseOptions = {}): void {
    checkReleaseOptions(`release() of ${this.#core}`, options)
    releaseSection(this.#core, this.#core.section('release'), options)
  }

  with<R>(act: (held: SyncHeldObject) => R, options: WaitOptions & ReleaseOptions = {}): R {
    checkReleaseOptions(`with() of ${this.#core}`, options)
    const held = this.acquire(options)
    let result: R
    try {
      result = act(held)
    } catch (error) {
      return releaseAndThrow(held, options, error)
    }
    if (typeof (result as { then?: unknown } | null)?.then !== 'function') {
      held.release(options)
      return result
    }
    const done = (result as PromiseLike<unknown>).then(
      (value) => {
        held.release(options)
        return value
      },
      (error: unknown) => releaseAndThrow(held, options, error),
    )
    return done as R
  }

  override set(field: string, value: unknown): void {
    const core = this.#core
    core.checkField(field)
    core.section('write').set(field, core.encode(field, value))
  }

  override add(field: string, delta = 1): number {
    const core = this.#core
    core.checkField(field)
    if (typeof delta !== 'number') throw new TypeError(`add() takes a number: ${typeof delta}`)
    const section = core.section('add to')
    const sum = core.sum(field, readField(core, field), delta)
    section.set(field, sum)
    return sum
  }

  override delete(field: string): boolean {
    const core = this.#core
    core.checkField(field)
    const section = core.section('write')
    if (readField(core, field).version === 0) return false
    section.delete(field)
    return true
  }

  override update(field: string, change: (value: unknown) => unknown): unknown {
    if (typeof change !== 'function') {
      throw new TypeError(`update() takes a function: ${typeof change}`)
    }
    const core = this.#core
    core.checkField(field)
    const section = core.section('write')
    section.set(field, core.encode(field, change(readField(core, field).value)))
    return section.read(field)?.value
  }

  override compareAndSet(field: string, expected: unknown, value: unknown): boolean {
    const core = this.#core
    core.checkField(field)
    const section = core.section('write')
    const encoded = core.encode(field, value)
    const own = core.ownCopy(field, expected)
    if (!isDeepStrictEqual(readField(core, field).value, own)) return false
    section.set(field, encoded)
    return true
  }

  override waitFor(
    field: string,
    untilOrOptions?: ((value: unknown) => boolean) | WaitOptions,
    options: WaitOptions = {},
  ): unknown {
    const core = this.#core
    const section = core.sectionHere()
    if (section === undefined) return super.waitFor(field, untilOrOptions as never, options)
    const [until] = waitArguments(untilOrOptions, options)
    const read = readField(core, field)
    if (until(read.value)) return read.value
    throw new GoawayError(
      'ERR_GOAWAY_DEADLOCK',
      `Cannot wait for ${core}.${field}: this routine holds the object's lock, and nobody else ` +
        'can write it; release() it before',
    )
  }
}

/** What was thrown is what its caller has to know. */
function releaseAndThrow(held: SyncHeldObject, options: ReleaseOptions, error: unknown): never {
  try {
    held.release(options)
  } catch {}
  throw error
}
