/**
 * Call order. What a thread sends travels in order, so most operations need nothing more. An update
 * takes several steps: what is called after it on the same field waits until it is done, so that
 * operations take effect in the order in which they were called, awaited or not.
 *
 * Kept by the object's name, as several handles may stand for one object. A blocking operation
 * cannot wait for an update that is not awaited: the answers to that one come when the thread is
 * free.
 */
import { type Node, place } from '../client/current.ts'

type Tails = Map<string, Promise<unknown>>

/** No field has this name. */
const allFields = ''

class FieldOrder {
  /** By object and field: the last operation that others have to wait for. */
  readonly #objects = new Map<string, Tails>()

  /**
   * Sends one message in its turn, which is over when it is sent. `send` rejects, and never throws.
   */
  send<R>(object: string, field: string, send: () => Promise<R>): Promise<R> {
    const before = this.#before(object, field)
    if (before === undefined) return send()
    let answer!: Promise<R>
    const sent = before.then(() => {
      answer = send()
    })
    this.#append(object, field, sent)
    return sent.then(() => answer)
  }

  /** Does something of several steps in its turn, which is over when it is settled. */
  work<R>(object: string, field: string, act: () => Promise<R>): Promise<R> {
    const before = this.#before(object, field)
    const result = before === undefined ? act() : before.then(act)
    this.#append(
      object,
      field,
      result.then(
        () => {},
        () => {},
      ),
    )
    return result
  }

  /** Looks at all fields when everything that was called before has taken effect. */
  whole<R>(object: string, act: () => Promise<R>): Promise<R> {
    const tails = this.#objects.get(object)
    return tails === undefined ? act() : Promise.all(tails.values()).then(act)
  }

  /** The same, where what is called later on any field of the object waits as well. */
  after<R>(object: string, act: () => Promise<R>): Promise<R> {
    const tails = this.#objects.get(object)
    if (tails === undefined) return act()
    let answer!: Promise<R>
    const begun = Promise.all(tails.values()).then(() => {
      answer = act()
    })
    // It stands for all of them from now on.
    tails.clear()
    this.#append(object, allFields, begun)
    return begun.then(() => answer)
  }

  #before(object: string, field: string): Promise<unknown> | undefined {
    const tails = this.#objects.get(object)
    return tails?.get(field) ?? tails?.get(allFields)
  }

  #append(object: string, field: string, tail: Promise<unknown>): void {
    let tails = this.#objects.get(object)
    if (tails === undefined) {
      tails = new Map()
      this.#objects.set(object, tails)
    }
    tails.set(field, tail)
    void tail.then(() => this.#settled(object, field, tail))
  }

  #settled(object: string, field: string, tail: Promise<unknown>): void {
    const tails = this.#objects.get(object)
    if (tails?.get(field) !== tail) return
    tails.delete(field)
    if (tails.size === 0) this.#objects.delete(object)
  }
}

const key = Symbol.for('goaway.order')
const globals = globalThis as { [key]?: FieldOrder }

/** The one of this thread; on the global object, for two copies of the library in one thread. */
globals[key] ??= new FieldOrder()
const ofThisThread: FieldOrder = globals[key]
const ofSimulatedThreads = new WeakMap<Node, FieldOrder>()

/** The one of the calling thread. */
export function fieldOrder(): FieldOrder {
  const node = place.simulated?.()
  if (node === undefined) return ofThisThread
  let order = ofSimulatedThreads.get(node)
  if (order === undefined) {
    order = new FieldOrder()
    ofSimulatedThreads.set(node, order)
  }
  return order
}
