/** What the tests of blocking objects run on other threads. */
import { context } from 'goaway'
import { StrictCentralized } from 'goaway/sync'

export interface Fields {
  [field: string]: unknown
  count: number
}

export const s = StrictCentralized<Fields>('sync-test')

/** Every method and every way to use a field as a property, on an object that nobody else uses. */
export function everyMethod(name: string): unknown[] {
  const own = StrictCentralized<{ n: number; list: number[]; gone?: string }>(name, {
    n: 1,
    list: [1],
  })
  const seen: unknown[] = []
  seen.push(own.get('n'), own.n, own.gone)
  own.n = 2
  own.n += 1
  seen.push(
    own.n,
    own.set('n', 2),
    own.n,
    own.update('list', (list) => [...list, 2]),
  )
  seen.push(own.add('n', 5), own.add('n'))
  seen.push(own.compareAndSet('n', 8, 9), own.compareAndSet('n', 8, 10))
  seen.push(own.compareAndSet('list', [1, 2], [3]), own.compareAndSet('list', [1], []))
  seen.push('gone' in own, own.has('gone'))
  own.gone = 'x'
  seen.push('gone' in own, own.keys(), Object.keys(own), own.entries(), own.snapshot(), { ...own })
  seen.push(JSON.stringify(own), Object.entries(own))
  seen.push(delete own.gone, own.delete('gone'), own.has('gone'), Object.hasOwn(own, 'n'))
  seen.push(own.waitFor('n', (n) => n === 9))
  for (const value of own.watch('n')) {
    seen.push(value)
    break
  }
  return seen
}

export function addMany(field: string, times: number): void {
  for (let time = 0; time < times; time++) s.add(field)
}

export function updateMany(field: string, times: number): void {
  for (let time = 0; time < times; time++) s.update(field, (value) => (value as number) + 1)
}

/** Raises a number by one once it is there: with others of its kind, a chain. */
export function passOn(field: string, from: number): number {
  s.waitFor(field, (value) => value === from)
  return s.add(field)
}

export function readLength(field: string, times: number): number {
  let length = 0
  for (let time = 0; time < times; time++) length += (s.get(field) as Uint8Array).byteLength
  return length
}

export function sumOf(field: string): number {
  const values = s.get(field) as Float64Array
  return (values[0] as number) + (values.at(-1) as number) + values.length
}

/** Blocks its thread in a wait for what never comes, and tells why it was woken. */
export function blockForEver(prefix = ''): void {
  s.set(`${prefix}blocking`, context().id)
  try {
    s.waitFor('never', { timeoutMs: 120_000 })
  } catch (error) {
    const { code, message } = error as { code: string; message: string }
    s.set(`${prefix}woken`, [code, message, context().cancelled])
    throw error
  }
}

export function waitWithLimit(timeoutMs: number): unknown {
  return s.waitFor('never', { timeoutMs })
}

export function valueOfInitial(name: string, value: number): unknown {
  return StrictCentralized<{ x: number }>(name, { x: value }).x
}
