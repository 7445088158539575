/**
 * The methods of all models by one piece of code: what needs the object's lock takes it, if the
 * model has one, and what a model does not have is left out.
 */
import {
  type AsyncObject,
  type AsyncReleaseObject,
  goaway,
  LinFastRead,
  StrictCentralized,
  UpdateOnRelease,
  Weak,
} from 'goaway'
import * as blocking from 'goaway/sync'

export const models = ['StrictCentralized', 'LinFastRead', 'Weak', 'UpdateOnRelease'] as const
export type ModelName = (typeof models)[number]

interface Fields {
  [field: string]: unknown
  n: number
  list: readonly number[]
}

/** By name, for a routine takes no function as an argument. */
const asynchronous = { StrictCentralized, LinFastRead, Weak, UpdateOnRelease }
const sync = {
  StrictCentralized: blocking.StrictCentralized,
  LinFastRead: blocking.LinFastRead,
  Weak: blocking.Weak,
  UpdateOnRelease: blocking.UpdateOnRelease,
}

type AnyAsync = AsyncObject<Fields> & Partial<Pick<AsyncReleaseObject<Fields>, 'with'>>
type AnySync = blocking.SyncObject<Fields> &
  Partial<Pick<blocking.SyncReleaseObject<Fields>, 'with'>>

const initial = (): Fields => ({ n: 1, list: [1] })

export async function everyMethod(model: ModelName, name: string): Promise<unknown[]> {
  const own = asynchronous[model]<Fields>(name, initial()) as AnyAsync
  const isWeak = model === 'Weak'
  const seen: unknown[] = []
  seen.push(await own.get('n'), await own.get('gone'))
  const write = async (): Promise<void> => {
    seen.push(await own.set('n', 2), await own.get('n'), await own.add('n', 5), await own.add('n'))
    if (isWeak) await own.set('n', 9)
    else seen.push(await own.compareAndSet('n', 8, 9), await own.compareAndSet('n', 8, 10))
    if (isWeak) await own.set('list', [1, 2])
    else seen.push(await own.update('list', (list) => [...list, 2]))
    if (!isWeak) seen.push(await own.compareAndSet('list', [1], []))
    seen.push(await own.has('gone'), await own.set('gone', 'x'), await own.has('gone'))
    seen.push(await own.keys(), await own.entries(), await own.snapshot())
    seen.push(Object.isFrozen(await own.get('list')), await own.delete('gone'))
    seen.push(await own.delete('gone'), await own.keys())
  }
  if (model === 'UpdateOnRelease') await own.with?.(write)
  else await write()
  seen.push(await own.waitFor('n', (n) => n === 9), await own.snapshot())
  for await (const value of own.watch('n')) {
    seen.push(value)
    break
  }
  return seen
}

export function everyMethodBlocking(model: ModelName, name: string): unknown[] {
  const own = sync[model]<Fields>(name, initial()) as unknown as AnySync
  const isWeak = model === 'Weak'
  const seen: unknown[] = []
  seen.push(own.n, own.get('gone'))
  const write = (): void => {
    own.n = 2
    seen.push(undefined, own.n, own.add('n', 5), own.add('n'))
    if (isWeak) own.n = 9
    else seen.push(own.compareAndSet('n', 8, 9), own.compareAndSet('n', 8, 10))
    if (isWeak) own.list = [1, 2]
    else
      seen.push(
        own.update('list', (list) => [...list, 2]),
        own.compareAndSet('list', [1], []),
      )
    seen.push('gone' in own, own.set('gone', 'x'), 'gone' in own)
    seen.push(Object.keys(own), Object.entries(own), { ...own })
    seen.push(
      Object.isFrozen(own.list),
      Reflect.deleteProperty(own, 'gone'),
      own.delete('gone'),
      own.keys(),
    )
  }
  if (model === 'UpdateOnRelease') own.with?.(write)
  else write()
  seen.push(
    own.waitFor('n', (n) => n === 9),
    JSON.parse(JSON.stringify(own)),
  )
  for (const value of own.watch('n')) {
    seen.push(value)
    break
  }
  return seen
}

/** The routine of a routine. */
export async function nested(model: ModelName, name: string): Promise<unknown[]> {
  const own = `${name} nested`
  return [
    await goaway(everyMethod, model, own),
    await goaway(everyMethodBlocking, model, `${own} blocking`),
  ]
}

const turns = (model: ModelName) => sync[model]<Fields>(`turns ${model}`) as unknown as AnySync

/** What one thread changes shows to another, however it looks. */
export function change(model: ModelName, turn: number): void {
  const own = turns(model)
  const act = (): void => {
    if (turn % 2 === 1) own.set('here', turn)
    else own.delete('here')
    own.set('turn', turn)
  }
  if (model === 'UpdateOnRelease') own.with?.(act)
  else act()
  // The next turn may be another node's, which is to have seen this one.
  if (model === 'Weak') blocking.Weak<Fields>(`turns ${model}`).sync()
}

/** Blocks until it is this turn, then looks. */
export function lookAt(model: ModelName, turn: number): unknown[] {
  const own = turns(model)
  own.waitFor('turn', (now) => now === turn)
  return ['here' in own, Object.hasOwn(own, 'here'), Object.keys(own).sort(), own.get('here')]
}

/** Reads its own write right after, awaited or not, and in call order. */
export async function ownWrites(model: ModelName, name: string): Promise<unknown[]> {
  const own = asynchronous[model]<Fields>(name) as AnyAsync
  const fast = sync[model]<Fields>(name) as unknown as AnySync
  const seen: unknown[] = []
  const act = async (): Promise<void> => {
    const first = own.set('n', 1)
    const read = own.get('n')
    const second = own.set('n', 2)
    seen.push(fast.n, await read, await own.get('n'), await first, await second)
    fast.n = 3
    seen.push(await own.get('n'), fast.n)
  }
  if (model !== 'UpdateOnRelease') {
    await act()
    return seen
  }
  const held = await UpdateOnRelease(name).acquire()
  await act()
  const released = held.release()
  // It is on its way, and what is read after it comes after it.
  seen.push(await own.get('n'), fast.n)
  await released
  return seen
}

/** What a condition is shown of a field that is written after the wait has begun. */
export async function shownToCondition(model: ModelName, name: string): Promise<unknown[]> {
  const own = asynchronous[model]<Fields>(name) as AnyAsync
  const shown: unknown[] = []
  const written = own.waitFor('n', (n) => shown.push(n) > 0)
  const write = (): Promise<void> => own.set('n', 2)
  await (model === 'UpdateOnRelease' ? own.with?.(write) : write())
  return [await written, ...shown]
}
