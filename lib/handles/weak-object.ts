/**
 * `Weak` objects: reads and writes never leave the node, and the other nodes hear of a write some
 * time later. No node knows the latest value, so what has to know it is refused.
 */
import { currentScope } from '../client/scope.ts'
import { GoawayError } from '../errors.ts'
import { type AsyncObject, AsyncObjectHandle } from './object.ts'
import { ObjectCore } from './object-core.ts'
import { askWithin, checkWaitOptions, deadlineOf, type WaitOptions } from './wait.ts'

export interface WeakOptions {
  /**
   * In which order writes show at other nodes. `fifo`: those of one node in its order. `causal`:
   * and none before what its writer had seen.
   *
   * @default 'fifo'
   */
  order?: 'fifo' | 'causal'
}

/** A `Weak` object. It has no `update` and no `compareAndSet`. */
export interface AsyncWeakObject<T extends object>
  extends Omit<AsyncObject<T>, 'update' | 'compareAndSet'> {
  /**
   * Resolves when all that this node has written to `Weak` objects of this order so far shows at
   * every member of the cluster.
   *
   * @throws {GoawayError} ERR_GOAWAY_TIMEOUT, ERR_GOAWAY_CANCELLED, ERR_GOAWAY_NODE_LOST
   */
  sync(options?: WaitOptions): Promise<void>
  /** As `sync()`; and what the other members had written when it was called shows here. */
  fence(options?: WaitOptions): Promise<void>
}

export function weakCore(name: string, initial: object | undefined, options: unknown): ObjectCore {
  return new ObjectCore('Weak', storeOf(name, options), name, initial)
}

function storeOf(name: string, options: unknown): 'weak' | 'weak-causal' {
  if (options === undefined) return 'weak'
  if (typeof options !== 'object' || options === null) {
    throw new TypeError(`Cannot make Weak('${name}'): its options are no object: ${options}`)
  }
  const { order = 'fifo' } = options as { order?: unknown }
  if (order === 'fifo') return 'weak'
  if (order === 'causal') return 'weak-causal'
  throw new TypeError(
    `Cannot make Weak('${name}'): option order is 'fifo' or 'causal': ${String(order)}`,
  )
}

/** What a `Weak` object cannot do, and what can. */
export function unsupported(core: ObjectCore, method: string): GoawayError {
  return new GoawayError(
    'ERR_GOAWAY_UNSUPPORTED',
    `Cannot ${method}() a field of ${core}: no node knows the latest value of a Weak field; use ` +
      'set() or add(), or a LinFastRead or StrictCentralized object',
  )
}

export class AsyncWeakHandle extends AsyncObjectHandle {
  readonly #core: ObjectCore

  constructor(core: ObjectCore) {
    super(core)
    this.#core = core
  }

  override async update(): Promise<never> {
    throw unsupported(this.#core, 'update')
  }

  override async compareAndSet(): Promise<never> {
    throw unsupported(this.#core, 'compareAndSet')
  }

  sync(options: WaitOptions = {}): Promise<void> {
    return this.#wait('sync', options)
  }

  fence(options: WaitOptions = {}): Promise<void> {
    return this.#wait('fence', options)
  }

  async #wait(name: 'sync' | 'fence', options: WaitOptions): Promise<void> {
    const core = this.#core
    const what = `${name}() of ${core}`
    checkWaitOptions(what, options)
    const node = core.node(name, false)
    await askWithin(node, currentScope().owner, core.wrap([name]), deadlineOf(options), what)
  }
}
