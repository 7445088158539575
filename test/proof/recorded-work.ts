/**
 * What routines do to one store while they are recorded: in all ways there are, a routine one thing
 * at a time. Of stores whose checker has to know which write a read saw, no value is written twice.
 */
import { StrictCentralized as AsyncStrict } from 'goaway'
import { LinFastRead, Lock, StrictCentralized, UpdateOnRelease, Weak } from 'goaway/sync'
import { randomOf } from '../hub/random.ts'

export const recordedStores = [
  'strict',
  'lin-fast-read',
  'lock',
  'weak',
  'weak-causal',
  'update-on-release',
] as const
export type RecordedStore = (typeof recordedStores)[number]

export interface RecordedWork {
  readonly store: RecordedStore
  /** A number for each routine. */
  readonly worker: number
  /** What the names of its objects and locks begin with. */
  readonly prefix: string
  readonly seed: number
  /** Things to do; each is an operation of the history at least. */
  readonly operations: number
}

/** Counts what is done. It is no part of the store that is looked at. */
const progress = AsyncStrict<{ done: number }>('progress', { done: 0 })
const toldEvery = 100
const objects = 3
const fieldsEach = 4

type Fields = Record<string, number>
type Chance = (below: number) => number
type Act = () => void

/** What all stores can do with a field. */
interface Writable {
  get(field: string): number
  has(field: string): boolean
  set(field: string, value: number): void
  add(field: string, delta?: number): number
}

interface Conditional extends Writable {
  delete(field: string): boolean
  compareAndSet(field: string, expected: number | undefined, value: number): boolean
  update(field: string, change: (value: number) => number): number
}

/** Fields of linearizable objects, each judged by itself: few values, so that conditions hold. */
function conditionalActs(
  make: (name: string) => Conditional,
  prefix: string,
  chance: Chance,
): () => Act {
  const all = Array.from({ length: objects }, (_, at) => make(`${prefix} ${at}`))
  return () => {
    const object = all[chance(objects)] as Conditional
    const field = `f${chance(fieldsEach)}`
    const value = chance(5)
    const kind = chance(20)
    if (kind < 9) return () => object.get(field)
    if (kind < 10) return () => object.has(field)
    if (kind < 14) return () => object.set(field, value)
    if (kind < 16) return () => object.add(field, 1)
    if (kind < 18) return () => object.compareAndSet(field, chance(5), value)
    if (kind < 19) return () => object.update(field, (now) => (now ?? 0) + 2)
    return () => object.delete(field)
  }
}

/** Each value is written once: that of which worker, and which of its own. */
function uniqueOf(worker: number): () => number {
  let made = 0
  return () => (worker + 1) * 1e7 + ++made
}

/** Some fields are counters, which are added to alone. */
function weakActs(
  order: 'fifo' | 'causal',
  { worker, prefix }: Pick<RecordedWork, 'worker' | 'prefix'>,
  chance: Chance,
): () => Act {
  const all = Array.from({ length: objects }, (_, at) =>
    Weak<Fields>(`${prefix} ${at}`, { f0: 0, f1: 0, f2: 0, f3: 0, sum: 0 }, { order }),
  )
  const unique = uniqueOf(worker)
  return () => {
    const object = all[chance(objects)] as (typeof all)[number]
    const field = `f${chance(fieldsEach)}`
    const kind = chance(40)
    if (kind < 22) return () => object.get(field)
    if (kind < 24) return () => object.get('sum')
    if (kind < 26) return () => object.add('sum', 1 + chance(3))
    // What only waits is no operation of a history: something is done after it.
    if (kind === 26) object.sync()
    if (kind === 27) object.fence()
    return () => object.set(field, unique())
  }
}

/** Sections of some writes, with reads under the lock; and reads without it. */
function releaseActs(
  { worker, prefix }: Pick<RecordedWork, 'worker' | 'prefix'>,
  chance: Chance,
): () => Act {
  const all = Array.from({ length: objects }, (_, at) =>
    UpdateOnRelease<Fields>(`${prefix} ${at}`, { f0: 0, f1: 0, f2: 0, f3: 0 }),
  )
  const unique = uniqueOf(worker)
  return () => {
    const object = all[chance(objects)] as (typeof all)[number]
    const fields = Array.from({ length: 3 }, () => `f${chance(fieldsEach)}`)
    const ackAll = chance(8) === 0
    if (chance(3) > 0) {
      return () => {
        for (const field of fields) object.get(field)
      }
    }
    return () =>
      object.with(
        () => {
          for (const field of fields) {
            object.get(field)
            if (chance(2) === 0) object.set(field, unique())
          }
        },
        ackAll ? { ack: 'all' } : {},
      )
  }
}

/** Locks that guard a counter which would miss some without them. */
function lockActs(prefix: string, chance: Chance): () => Act {
  const counts = StrictCentralized<Fields>(`${prefix} counts`)
  return () => {
    const name = `${prefix} ${chance(4)}`
    const lock = Lock(name)
    if (chance(4) > 0) return () => lock.with(() => counts.set(name, (counts.get(name) ?? 0) + 1))
    return () => lock.tryAcquire()?.release()
  }
}

/** What comes next to do, again and again. */
export function actsOf(
  work: Pick<RecordedWork, 'store' | 'worker' | 'prefix'>,
  chance: Chance,
): () => Act {
  const { store, prefix } = work
  switch (store) {
    case 'strict':
      return conditionalActs((name) => StrictCentralized<Fields>(name), prefix, chance)
    case 'lin-fast-read':
      return conditionalActs((name) => LinFastRead<Fields>(name), prefix, chance)
    case 'lock':
      return lockActs(prefix, chance)
    case 'weak':
      return weakActs('fifo', work, chance)
    case 'weak-causal':
      return weakActs('causal', work, chance)
    case 'update-on-release':
      return releaseActs(work, chance)
  }
}

/** @returns how many things were done */
export async function workRecorded(work: RecordedWork): Promise<number> {
  const random = randomOf(work.seed * 100 + work.worker)
  const next = actsOf(work, (below) => Math.floor(random() * below))
  for (let done = 1; done <= work.operations; done++) {
    next()()
    if (done % toldEvery !== 0) continue
    // Here the routine hears that it is to end.
    await progress.add('done', toldEvery)
  }
  return work.operations
}

/** Comes back when so many things were done, by all together. */
export async function workIsAt(operations: number): Promise<void> {
  await progress.waitFor('done', (done) => done >= operations)
}
