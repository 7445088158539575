/**
 * A ref as user code holds it: an object that stands for a value that was put. What it is of is
 * kept beside it, known to every copy of the library in this thread.
 */
import { type InspectOptions, inspect } from 'node:util'
import { GoawayError } from '../errors.ts'

export interface RefGetOptions {
  /**
   * Large memory in the value is not copied: its typed arrays lie over memory that all threads of
   * the node share, and its ArrayBuffers are SharedArrayBuffers. It is to be read only: what is
   * written there others see, at this node and at no other. @default false
   */
  readonly shared?: boolean
}

/** All objects of one ref in a thread. */
export interface RefCore {
  readonly ref: number
  /** The thread it belongs to, while its hub is there. */
  readonly home: object
  get(shared: boolean): Promise<unknown>
  /** The same, blocking. */
  read(shared: boolean): unknown
  /** One of the objects is no more. */
  letGo(): void
}

/** What an object of a ref stands for. */
export interface HeldRef {
  readonly core: RefCore
  released: boolean
}

const key = Symbol.for('goaway.refs')
const globals = globalThis as { [key]?: WeakMap<object, HeldRef> }
globals[key] ??= new WeakMap()
const heldRefs = globals[key]

/** Undefined for what is no ref. */
export function heldOf(value: object): HeldRef | undefined {
  return heldRefs.get(value)
}

/** What type of value a ref stands for. */
declare const valueType: unique symbol

/**
 * A value that crosses to each node once, however many routines take it: see {@link put}. Whoever
 * has one holds the value; it is freed when nobody does.
 */
export class Ref<T> {
  declare readonly [valueType]?: T

  // Only `put` and what reads values make one.
  private constructor() {}

  get [Symbol.for('goaway.handle')](): boolean {
    return true
  }

  /**
   * The value; it crosses to this node if it is not there. Plain objects and arrays are frozen, and
   * decoded once in each thread; of a value with memory in it, or a Map, Set or Date, each call
   * makes a copy.
   *
   * @throws {GoawayError} ERR_GOAWAY_NODE_LOST when the node that put it is lost and this one has
   *   no copy; ERR_GOAWAY_VALUE when this object was released
   */
  async get(options: RefGetOptions = {}): Promise<T> {
    return (await coreOf(this).get(checkShared(options))) as T
  }

  /** This object is wanted no more: from now on it cannot be read or passed. */
  release(): void {
    const held = heldRefs.get(this)
    if (held === undefined || held.released) return
    held.released = true
    held.core.letGo()
  }

  [Symbol.dispose](): void {
    this.release()
  }

  [inspect.custom](_depth: number, options: InspectOptions): string {
    const held = heldRefs.get(this)
    const id = inspect(held?.core.ref ?? 0, options)
    return held?.released === true ? `Ref { ${id}, released }` : `Ref { ${id} }`
  }
}

/** Makes the object one of that ref, whatever it was. */
export function stampRef(target: object, held: HeldRef): Ref<unknown> {
  Object.setPrototypeOf(target, Ref.prototype)
  heldRefs.set(target, held)
  return Object.freeze(target) as Ref<unknown>
}

/** @throws {GoawayError} ERR_GOAWAY_VALUE for one that was released */
export function coreOf(ref: unknown): RefCore {
  const held = typeof ref === 'object' && ref !== null ? heldRefs.get(ref) : undefined
  if (held === undefined) throw new TypeError(`Cannot read a Ref: ${inspect(ref)} is none`)
  if (!held.released) return held.core
  const text = 'Cannot read a Ref: it was released; release it when all that is read is read'
  throw new GoawayError('ERR_GOAWAY_VALUE', text)
}

/** @throws {TypeError} naming the option and the value received */
export function checkShared(options: RefGetOptions): boolean {
  const { shared = false } = options
  if (typeof shared === 'boolean') return shared
  throw new TypeError(`Option shared has to be a boolean: ${inspect(shared, { depth: 1 })}`)
}
