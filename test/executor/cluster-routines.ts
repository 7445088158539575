/** Routines of the cluster's tests. */
import { context, goaway } from 'goaway'
import { equal } from '../value-routines.ts'

/** Words that a test and its routines share. */
export const begun = 0
export const released = 1
export const turns = 2

export function where(): string {
  return context().node
}

export async function whereOfChildren(count: number): Promise<string[]> {
  return Promise.all(Array.from({ length: count }, () => goaway(where)))
}

/** Keeps its thread until it is released, and says where that was. */
export function hold(words: Int32Array): string {
  Atomics.add(words, begun, 1)
  Atomics.notify(words, begun)
  Atomics.wait(words, released, 0)
  return context().node
}

/** The same, but says as the how manieth it went on. */
export function holdForTurn(words: Int32Array): number {
  hold(words)
  return Atomics.add(words, turns, 1)
}

/** The same as `hold`, but sees that it is to stop. */
export async function holdOpenly(words: Int32Array): Promise<string> {
  Atomics.add(words, begun, 1)
  while (Atomics.load(words, released) === 0 && !context().cancelled) {
    await new Promise(setImmediate)
  }
  return context().node
}

/** A tree of routines: how many there are in it. */
export async function tree(depth: number): Promise<number> {
  if (depth === 0) return 1
  const children = [goaway(tree, depth - 1), goaway(tree, depth - 1)]
  const sizes = await Promise.all(children)
  return sizes.reduce((sum, size) => sum + size, 1)
}

export async function withOneChild(value: number): Promise<number> {
  return goaway(double, value)
}

export function double(value: number): number {
  return value * 2
}

/** Where it was made last, after it held its thread the first time. */
export function holdFirst(name: string): string {
  const { node, attempt } = context()
  return attempt > 1 ? `${node} ${attempt}` : tellAndHold(name)
}

function tell(name: string): void {
  const channel = new BroadcastChannel(name)
  channel.postMessage(context().node)
  channel.close()
}

function tellAndHold(name: string): string {
  tell(name)
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0)
  return 'never'
}

/** Fails until its third attempt, which holds its thread. */
export function failThenHold(name: string): string {
  const { node, attempt } = context()
  if (attempt < 3) throw new Error(`attempt ${attempt}`)
  return attempt > 3 ? `${node} ${attempt}` : tellAndHold(name)
}

export async function* countFrom(name: string): AsyncGenerator<number> {
  yield context().attempt
  tell(name)
  await new Promise(() => {})
}

/** Begins, and never comes to its first value. */
export async function* neverYield(name: string): AsyncGenerator<number> {
  tell(name)
  await new Promise(() => {})
  yield 1
}

export function echo(value: unknown): unknown {
  return value
}

export function kindAt(index: number): unknown {
  return equal[index]?.[1]
}

export function* allKinds(): Generator<unknown> {
  for (const [, value] of equal) yield value
}

export function giveShared(): Int32Array {
  return new Int32Array(new SharedArrayBuffer(8))
}

export function* streamShared(): Generator<unknown> {
  yield 1
  yield giveShared()
  yield 3
}

export function lengthOf(bytes: Uint8Array): number {
  return bytes.length
}

/** Says where it runs, for who listens to that name. */
export function tellWhere(name: string): void {
  tell(name)
}

/** Starts others, and keeps its thread until it is released. */
export async function startAndHold(words: Int32Array, name: string, count: number): Promise<void> {
  const children = Array.from({ length: count }, () => goaway(tellWhere, name))
  hold(words)
  await Promise.all(children)
}

export function* countTo(last: number): Generator<unknown> {
  for (let value = 1; value <= last; value++) yield [context().node, value]
}
