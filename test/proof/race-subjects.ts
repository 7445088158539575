/**
 * The stores as litmus tests on real threads and processes use them: through the public handles
 * alone, by both entry points.
 */
import {
  LinFastRead as AsyncLinFastRead,
  UpdateOnRelease as AsyncRelease,
  StrictCentralized as AsyncStrict,
  Weak as AsyncWeak,
} from 'goaway'
import { LinFastRead, StrictCentralized, UpdateOnRelease, Weak } from 'goaway/sync'

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

/** Each write has a section of its own. */
function released(name: string, isLocked: boolean): RaceObject {
  const object = UpdateOnRelease<Fields>(name)
  const read = (field: string): number => object.get(field) ?? 0
  return {
    read: isLocked ? (field) => object.with(() => read(field)) : read,
    write: (field, value, synced) =>
      object.with(() => object.set(field, value), synced ? { ack: 'all' } : {}),
    sync: () => {},
  }
}

function releasedLater(name: string, isLocked: boolean): RaceObject {
  const object = AsyncRelease<Fields>(name)
  const read = async (field: string): Promise<number> => (await object.get(field)) ?? 0
  return {
    read: isLocked ? (field) => object.with(() => read(field)) : read,
    write: (field, value, synced) =>
      object.with(() => object.set(field, value), synced ? { ack: 'all' } : {}),
    sync: () => {},
  }
}

/** By the names that the table of litmus tests has for them. */
export const raceObjects: ReadonlyMap<string, Readonly<Record<RaceStyle, Make>>> = new Map([
  [
    'Strict',
    {
      blocking: (name: string) => blocking(StrictCentralized<Fields>(name)),
      promised: (name: string) => promised(AsyncStrict<Fields>(name)),
    },
  ],
  [
    'LinFastRead',
    {
      blocking: (name: string) => blocking(LinFastRead<Fields>(name)),
      promised: (name: string) => promised(AsyncLinFastRead<Fields>(name)),
    },
  ],
  [
    'Weak',
    {
      blocking: (name: string) => blocking(Weak<Fields>(name)),
      promised: (name: string) => promised(AsyncWeak<Fields>(name)),
    },
  ],
  [
    'Weak causal',
    {
      blocking: (name: string) => blocking(Weak<Fields>(name, {}, { order: 'causal' })),
      promised: (name: string) => promised(AsyncWeak<Fields>(name, {}, { order: 'causal' })),
    },
  ],
  [
    'UpdateOnRelease',
    {
      blocking: (name: string) => released(name, false),
      promised: (name: string) => releasedLater(name, false),
    },
  ],
  [
    'UpdateOnRelease, locked',
    {
      blocking: (name: string) => released(name, true),
      promised: (name: string) => releasedLater(name, true),
    },
  ],
])

export function raceObject(subject: string, style: RaceStyle, name: string): RaceObject {
  const make = raceObjects.get(subject)
  if (make !== undefined) return make[style](name)
  throw new Error(`No store of that name: ${subject}; take one of ${[...raceObjects.keys()]}`)
}
