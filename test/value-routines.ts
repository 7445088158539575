/** Routines that hand values of each kind about. */
import { goaway, StrictCentralized } from 'goaway'
import { StrictCentralized as BlockingStore } from 'goaway/sync'
import { isSame } from './client/same-value.ts'
import { equal as everyKind, refused } from './client/value-kinds.ts'

/**
 * Those that are the same in every thread, made of classes that are the program's own; without the
 * one that takes half a second each way, which the test of the codec has.
 */
const apart = /GoawayError|memoryUsage|of many keys/
export const equal = everyKind.filter(([kind]) => !apart.test(kind))

export const store = StrictCentralized('values')
const blocking = BlockingStore('values')

/** Whether the values from `from` on arrived as they are in this thread's own table. */
export function checkArguments(from: number, ...values: unknown[]): string[] {
  return differences(from, values)
}

export function differences(from: number, values: readonly unknown[]): string[] {
  const found: string[] = []
  for (const [index, value] of values.entries()) {
    const [kind, given] = equal[from + index] as [string, unknown]
    if (!isSame(given, value)) found.push(kind)
  }
  return found
}

export function produce(index: number): unknown {
  return equal[index]?.[1]
}

export function produceRefused(index: number): unknown {
  return refused[index]?.[1]
}

export function* produceAll(): Generator<unknown> {
  for (const [, value] of equal) yield value
}

/** Reads what the program stored, and stores each anew. */
export async function copyStored(): Promise<string[]> {
  const found: string[] = []
  for (const [index, [kind, given]] of equal.entries()) {
    if (!isSame(given, await store.get(`program ${index}`))) found.push(kind)
    if (!isSame(given, blocking.get(`program ${index}`))) found.push(`${kind}, blocking`)
    await store.set(`routine ${index}`, given)
  }
  return found
}

/** What changing values that were read does to the next read. */
export async function changeWhatWasRead(): Promise<unknown[]> {
  const map = (await store.get('map')) as Map<string, number>
  map.set('a', 2)
  const date = (await store.get('date')) as Date
  date.setTime(1)
  const floats = (await store.get('floats')) as Float64Array
  floats[0] = 2
  const list = (await store.get('list')) as number[][]
  let frozen = 'changed'
  try {
    list[0]?.push(2)
  } catch {
    frozen = 'frozen'
  }
  const again = ['map', 'date', 'floats', 'list'].map((field) => store.get(field))
  return [...(await Promise.all(again)), frozen]
}

export async function passOn(value: unknown): Promise<unknown> {
  return goaway(echo, value)
}

export function echo(value: unknown): unknown {
  return value
}
