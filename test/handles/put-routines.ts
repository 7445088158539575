/** Functions that the tests of `put` run on threads, here and at other nodes. */
import process from 'node:process'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { context, goaway, put, type Ref } from 'goaway'
import { read, StrictCentralized } from 'goaway/sync'

export async function sumOf(ref: Ref<Float64Array>): Promise<number> {
  const value = await ref.get()
  return value.reduce((sum, one) => sum + one, 0)
}

export function readSum(ref: Ref<Float64Array>): number {
  return read(ref, { shared: true }).reduce((sum, one) => sum + one, 0)
}

export function nothing(..._refs: unknown[]): void {}

export function nodeName(..._refs: unknown[]): string {
  return context().node
}

/** What the value is in this thread. */
export function kindOf(ref: Ref<object>): { name: string; frozen: boolean; same: boolean } {
  const value = read(ref)
  const again = read(ref)
  return { name: value.constructor.name, frozen: Object.isFrozen(value), same: value === again }
}

export function putHere(value: unknown): Ref<unknown> {
  return put(value)
}

export function putAndExit(value: unknown): void {
  kept = put(value)
  process.exit(1)
}

export function putInside<T>(value: T): { refs: Ref<T>[] } {
  return { refs: [put(value)] }
}

export function* nowAndLater<T>(ref: Ref<T>): Generator<Ref<T>> {
  yield ref
  yield ref
}

interface Within {
  readonly deep: readonly Map<string, Ref<string>>[]
  readonly same: Ref<string>
}

export async function readWithin({ deep, same }: Within): Promise<[number, boolean]> {
  const ref = deep[0]?.get('ref') as Ref<string>
  return [(await ref.get()).length, ref === same]
}

export async function refSquares([ref, times]: [Ref<string>, number]): Promise<number> {
  return (await ref.get()).length * times
}

interface Rows {
  readonly rows: number
  readonly data: Float64Array
}

/** Writes to its copy. */
export async function writeOwn(ref: Ref<Rows>): Promise<number> {
  const { data } = await ref.get()
  data[0] = 9
  return data[0]
}

export async function writeShared(ref: Ref<Rows>, value: number): Promise<void> {
  const { data } = await ref.get({ shared: true })
  data[0] = value
}

export async function lengthOfValue(ref: Ref<{ readonly length: number }>): Promise<number> {
  return (await ref.get()).length
}

/** Gives the ref on, to one node after the other; the last one reads it. */
export async function passOn(
  ref: Ref<Uint8Array>,
  [next, ...rest]: readonly string[],
): Promise<[node: string, length: number]> {
  if (next === undefined) return [context().node, (await ref.get()).length]
  return goaway.with({ on: next })(passOn, ref, rest)
}

export function countShared({ deep: [shared] }: { readonly deep: readonly Int32Array[] }): number {
  return Atomics.add(shared as Int32Array, 0, 1) + 1
}

export function detachedLength(buffer: ArrayBuffer): number {
  return buffer.byteLength
}

export function killSelf(): void {
  process.kill(process.pid, 'SIGKILL')
}

let kept: unknown

/** This thread keeps the object. */
export function keep(ref: unknown): void {
  kept = ref
}

export async function getKept(): Promise<unknown> {
  return (kept as Ref<unknown>).get()
}

export function letKeptGo(): void {
  ;(kept as Ref<unknown> | undefined)?.release()
  kept = undefined
}

const meetings = StrictCentralized<Record<string, number>>('put-meetings')

/** Comes back when so many routines have come, each of which has a thread to itself until then. */
function meet(name: string, threads: number): void {
  meetings.add(name)
  // A thread that blocked would let another one run in its place.
  while (meetings.get(name) < threads);
}

/** Asks so many threads, if it is called so many times: what they keep. */
export async function getKeptApart(meeting: string, threads: number): Promise<unknown> {
  meet(meeting, threads)
  return getKept()
}

/** Has so many threads let go of what they keep, if it is called so many times. */
export function letKeptGoApart(meeting: string, threads: number): void {
  meet(meeting, threads)
  letKeptGo()
}

setFlagsFromString('--expose-gc')
const collectGarbage = runInNewContext('gc') as () => void

const rounds: (() => void)[] = []
const sentinels = new FinalizationRegistry<0>(() => {
  for (const end of rounds.splice(0)) end()
})

/**
 * Resolves when the collector has found objects that nobody has, and their callbacks have run. The
 * second round ends when all that the first has found is told of.
 */
export async function collect(): Promise<void> {
  for (let round = 0; round < 2; round++) {
    sentinels.register({}, 0)
    const again = setInterval(collectGarbage, 1)
    await new Promise<void>((resolve) => rounds.push(resolve))
    clearInterval(again)
  }
}
