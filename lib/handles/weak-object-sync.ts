/** `Weak` objects in code that may block. Plain writes do not block: the hub takes them later. */
import { currentScope } from '../client/scope.ts'
import type { StrictOperation } from '../wire/messages.ts'
import type { ObjectCore } from './object-core.ts'
import type { ReservedName } from './object-proxy.ts'
import { BlockingMethods, readField, type SyncMethods } from './object-sync.ts'
import { beginWrite } from './recorded.ts'
import {
  blockingLimit,
  checkSignal,
  checkWaitOptions,
  deadlineOf,
  type WaitOptions,
} from './wait.ts'
import { unsupported } from './weak-object.ts'

/** The methods of a blocking `Weak` handle: without `update` and `compareAndSet`. */
export interface SyncWeakMethods<T extends object>
  extends Omit<SyncMethods<T>, 'update' | 'compareAndSet'> {
  /** As of the asynchronous handle. A blocked thread sees no events: see {@link SyncMethods}. */
  sync(options?: WaitOptions): void
  fence(options?: WaitOptions): void
}

/** Names that are methods here and nowhere else. */
export type WeakName = 'sync' | 'fence'

/** A `Weak` object whose fields are properties. */
export type SyncWeakObject<T extends object> = SyncWeakMethods<T> & Omit<T, ReservedName | WeakName>

type OneWayWrite = Extract<StrictOperation, readonly ['set' | 'delete', ...unknown[]]>

/**
 * Sends a write and does not wait. It takes effect before anything that this thread asks later, as
 * the hub takes what a thread sends in its order. While thousands are on their way, one waits until
 * all are taken.
 */
function writeOneWay(core: ObjectCore, operation: OneWayWrite): void {
  const node = core.node('write', true)
  const { client, recorder } = node
  const scope = currentScope()
  const recording =
    recorder === undefined ? undefined : beginWrite(recorder, scope, core.recordedStore, operation)
  const local = core.local(node)
  if (local.isFull) client.askBlocking(scope.owner, core.wrap(operation))
  else {
    client.tellBlocking(scope.owner, core.wrap(operation))
    const [name, , field, value] = operation
    if (name === 'set') local.sent(field, value)
    else local.sent(field)
  }
  // It shows to this thread from now on, and nobody waits for more.
  recording?.end(operation[0] === 'delete' ? true : undefined)
}

export class WeakMethods extends BlockingMethods {
  readonly #core: ObjectCore

  constructor(core: ObjectCore) {
    super(core)
    this.#core = core
  }

  override set(field: string, value: unknown): void {
    const core = this.#core
    // Whoever holds a lock has to hear that it is lost.
    if (core.fences() !== null) return super.set(field, value)
    core.checkField(field)
    writeOneWay(core, ['set', core.name, field, core.encode(field, value), null])
  }

  override delete(field: string): boolean {
    const core = this.#core
    if (core.fences() !== null) return super.delete(field)
    if (readField(core, field, false).version === 0) return false
    writeOneWay(core, ['delete', core.name, field, null])
    return true
  }

  override update(): never {
    throw unsupported(this.#core, 'update')
  }

  override compareAndSet(): never {
    throw unsupported(this.#core, 'compareAndSet')
  }

  sync(options: WaitOptions = {}): void {
    waitFor(this.#core, 'sync', options)
  }

  fence(options: WaitOptions = {}): void {
    waitFor(this.#core, 'fence', options)
  }
}

function waitFor(core: ObjectCore, name: 'sync' | 'fence', options: WaitOptions): void {
  const what = `${name}() of ${core}`
  checkWaitOptions(what, options)
  checkSignal(what, options)
  const { client } = core.node(name, true)
  const limit = blockingLimit(what, deadlineOf(options))
  client.askBlocking(currentScope().owner, core.wrap([name]), limit)
}
