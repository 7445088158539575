/** `put(value)`: a large value that crosses to each node once, however many routines take it. */
import { currentNode } from '../client/current.ts'
import { checkShared, coreOf, type Ref, type RefGetOptions } from '../client/ref-object.ts'

export type { Ref, RefGetOptions } from '../client/ref-object.ts'

/**
 * Keeps a value, and gives a ref to it: an object that is small to pass. A routine that is given
 * the ref reads the value with `ref.get()`; it crosses to the routine's node when the first one
 * there reads it. The value is freed when nobody has the ref any more: no thread, no routine.
 *
 * @throws {GoawayError} ERR_GOAWAY_VALUE for what cannot be passed, naming its path
 * @example
 * const ref = put(new Float64Array(10_000_000))
 * await map(sumOfPart, parts.map((part) => [ref, part]))
 * ref.release()
 */
export function put<T>(value: T): Ref<T> {
  return currentNode('call put()').client.refs.put(value) as Ref<T>
}

/**
 * The value of a ref; blocks until it is there. What `ref.get()` says holds here as well.
 *
 * @throws {GoawayError} ERR_GOAWAY_NODE_LOST, ERR_GOAWAY_VALUE
 */
export function read<T>(ref: Ref<T>, options: RefGetOptions = {}): T {
  const core = coreOf(ref)
  const shared = checkShared(options)
  // Whether this thread may block at all is known there.
  currentNode('read a Ref')
  return core.read(shared) as T
}
