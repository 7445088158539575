/** Which names of fields the types take: compiled with the tests, never run. */
import { StrictCentralized as AsyncObject } from 'goaway'
import { StrictCentralized } from 'goaway/sync'

export function ofBlockingHandles(): void {
  const s = StrictCentralized('types', { counter: 0, list: ['a'] })
  s.counter += 1
  const text: string | undefined = s.list[0]
  // @ts-expect-error a field keeps its type
  s.counter = 'one'
  // @ts-expect-error there is no such field
  s.other = 1
  // @ts-expect-error there is no such field
  s.get('other')
  // @ts-expect-error the method's name is no property
  s.keys = 1
  // @ts-expect-error a handle is not thenable
  s.then?.()
  // @ts-expect-error initial values may not be named like a method
  StrictCentralized('types', { keys: 1 })
  // @ts-expect-error nor like what makes a thenable
  // biome-ignore lint/suspicious/noThenProperty: it is what is refused
  StrictCentralized('types', { counter: 0, then: 1 })
  // @ts-expect-error nor like what every object has
  StrictCentralized('types', { toString: 'x' })
  // @ts-expect-error nor where the names are open
  StrictCentralized<Record<string, number>>('types', { get: 1 })
  StrictCentralized<Record<string, number>>('types', { anything: 1 }).anything = 2
  const named = StrictCentralized<{ keys: number; own: number }>('types')
  named.own = 1
  // @ts-expect-error `keys` is the method
  named.keys += 1
  named.set('keys', named.get('keys') + 1)
  void text
}

export async function ofAsynchronousHandles(): Promise<void> {
  const s = AsyncObject('types', { counter: 0, keys: 'fields of any name' })
  const sum: number = await s.update('counter', (value) => value + 1)
  const name: string = await s.get('keys')
  // @ts-expect-error a field keeps its type
  await s.set('counter', 'one')
  // @ts-expect-error there is no such field
  await s.get('other')
  // @ts-expect-error fields are no properties here
  s.counter = 1
  void sum
  void name
}
