/** What the tests of asynchronous objects run on other threads. */
import { context, StrictCentralized } from 'goaway'

export interface Fields {
  [field: string]: unknown
  count: number
}

export const s = StrictCentralized<Fields>('object-test')

/** Every method once, on an object that nobody else uses. */
export async function everyMethod(name: string): Promise<unknown[]> {
  const own = StrictCentralized<{ n: number; list: number[]; gone?: string }>(name, {
    n: 1,
    list: [1],
  })
  const seen: unknown[] = []
  seen.push(await own.get('n'), await own.get('gone'))
  seen.push(await own.set('n', 2), await own.get('n'))
  seen.push(await own.update('list', (list) => [...list, 2]))
  seen.push(await own.add('n', 5), await own.add('n'))
  seen.push(await own.compareAndSet('n', 8, 9), await own.compareAndSet('n', 8, 10))
  seen.push(await own.compareAndSet('list', [1, 2], [3]), await own.compareAndSet('list', [1], []))
  seen.push(await own.has('gone'), await own.set('gone', 'x'), await own.has('gone'))
  seen.push(await own.keys(), await own.entries(), await own.snapshot())
  seen.push(await own.delete('gone'), await own.delete('gone'), await own.keys())
  seen.push(await own.waitFor('n', (n) => n === 9))
  for await (const value of own.watch('n')) {
    seen.push(value)
    break
  }
  return seen
}

export async function addMany(field: string, times: number): Promise<void> {
  for (let time = 0; time < times; time++) await s.add(field)
}

export async function updateMany(field: string, times: number): Promise<void> {
  for (let time = 0; time < times; time++) await s.update(field, (value) => (value as number) + 1)
}

export async function valueOfInitial(name: string, value: number): Promise<unknown> {
  return StrictCentralized<{ x: number }>(name, { x: value }).get('x')
}

/** Writes without waiting, and looks at what is there. */
export async function inCallOrder(name: string, round: number): Promise<unknown[]> {
  const one = StrictCentralized<{ x: number }>(name)
  const other = StrictCentralized<{ x: number }>(name)
  const slow = one.update('x', () => round)
  const late = one.update('x', (value) => value * 10)
  void other.set('x', 7)
  const early = other.get('x')
  void one.add('x', 1)
  const all = one.entries()
  await slow
  // Sent after the first update is over, while what was called before has not been sent.
  const last = await other.get('x')
  return [await late, await early, last, await all]
}

/** Ends while it waits; what is left of it tells how the wait ended. */
export async function leaveWaiting(): Promise<void> {
  s.waitFor('never').catch((error: { code: string }) => s.set('left', error.code))
  await s.has('never')
}

export async function leaveUnhandled(): Promise<void> {
  void s.waitFor('never')
  await s.has('never')
}

/** Waits for what never comes, and tells why it was woken. */
export async function waitForEver(): Promise<string> {
  try {
    const waiting = s.waitFor('never')
    await s.set('waiting', true)
    await waiting
    return 'was there'
  } catch (error) {
    const { code } = error as { code: string }
    await s.set('woken', `${code} ${context().cancelled}`)
    throw error
  }
}

/** Begins to wait after it was cancelled. */
export async function waitWhenCancelled(): Promise<void> {
  await s.set('looping', true)
  while (!context().cancelled) await s.has('never')
  await s.waitFor('never').catch((error: { code: string }) => s.set('refusedLater', error.code))
}

export async function sumOf(field: string): Promise<number> {
  const values = (await s.get(field)) as Float64Array
  return (values[0] as number) + (values.at(-1) as number) + values.length
}

export async function bump(field: string, times: number): Promise<void> {
  for (let time = 1; time <= times; time++) await s.set(field, time)
}
