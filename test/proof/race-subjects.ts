/**
 * The stores as litmus tests on real threads and processes use them: through the public handles
 * alone, by both entry points.
 */
import { StrictCentralized as AsyncStrict } from 'goaway'
import { StrictCentralized } from 'goaway/sync'

type Later<R> = R | Promise<R>

/** An object whose fields are numbers. A blocking one answers at once, another by promises. */
export interface RaceObject {
  read(field: string): Later<number>
  /** `synced`: a sync follows. */
  write(field: string, value: number, synced: boolean): Later<void>
  sync(): Later<void>
}

export type RaceStyle = 'blocking' | 'promised'

type Fields = Record<string, number>
type Make = (name: string) => RaceObject

interface PlainBlocking {
  get(field: string): number
  set(field: string, value: number): void
  sync?(): void
}

interface PlainPromised {
  get(field: string): Promise<number>
  set(field: string, value: number): Promise<void>
  sync?(): Promise<void>
}

function blocking(object: PlainBlocking): RaceObject {
  return {
    read: (field) => object.get(field) ?? 0,
    write: (field, value) => object.set(field, value),
    sync: () => object.sync?.(),
  }
}

function promised(object: PlainPromised): RaceObject {
  return {
    read: async (field) => (await object.get(field)) ?? 0,
    write: (field, value) => object.set(field, value),
    sync: () => object.sync?.(),
  }
}

/** By the names that the table of litmus tests has for them. */
export const raceObjects: ReadonlyMap<string, Readonly<Record<RaceStyle, Make>>> = new Map([
  [
    'Strict',
    {
      blocking: (name) => blocking(StrictCentralized<Fields>(name)),
      promised: (name) => promised(AsyncStrict<Fields>(name)),
    },
  ],
])

export function raceObject(subject: string, style: RaceStyle, name: string): RaceObject {
  const make = raceObjects.get(subject)
  if (make !== undefined) return make[style](name)
  throw new Error(`No store of that name: ${subject}; take one of ${[...raceObjects.keys()]}`)
}
