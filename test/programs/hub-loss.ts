/** Loses the hub in the midst of things. */
import process from 'node:process'
import { goaway, init, isSpawner, Lock, StrictCentralized, shutdown } from 'goaway'
import { Lock as BlockingLock, StrictCentralized as BlockingStore } from 'goaway/sync'
import { crashHub, terminateHub } from './end-hub.ts'
import { tell, tellHow } from './tell.ts'

const way = process.argv[2] as string
const s = StrictCentralized<{ never: number; started: number; x: number }>('hub loss')
const blocking = BlockingStore<{ never: number; started: number; x: number }>('hub loss')

export function crashes(): void {
  crashHub()
}

export function loops(): void {
  blocking.add('started')
  for (;;);
}

export async function waits(): Promise<void> {
  await s.add('started')
  await s.waitFor('never')
}

export function blocks(): void {
  blocking.add('started')
  blocking.waitFor('never')
}

export function* generates(): Generator<number> {
  for (;;) yield 1
}

function end(): void {
  if (way.startsWith('terminate')) terminateHub()
  else crashHub()
}

async function awaiting(): Promise<void> {
  await init({ threads: 4 })
  await Lock('held').acquire()
  const pending = [
    tellHow('endless loop', () => goaway(loops)),
    tellHow('parked routine', () => goaway(waits)),
    tellHow('blocked routine', () => goaway(blocks)),
    tellHow('waitFor', () => s.waitFor('never')),
    tellHow('waitFor with a timeout', () => s.waitFor('never', { timeoutMs: 20_000 })),
    tellHow('watch', () => s.watch('never').next()),
    tellHow('acquire', () => goaway.with({ name: 'unused' })(acquires)),
  ]
  await s.waitFor('started', (started) => started === 3)
  const stream = goaway(generates)
  await stream.next()
  pending.push(
    tellHow('stream', async () => {
      for await (const _ of stream);
    }),
  )
  end()
  await Promise.all(pending)
  await tellHow('goaway afterwards', () => goaway(waits))
  await tellHow('get afterwards', () => s.get('x'))
  await tellHow('blocking get afterwards', () => blocking.x)
  await tellHow('acquire afterwards', () => Lock('other').acquire())
  await tellHow('blocking acquire afterwards', () => BlockingLock('other').acquire())
  await tellHow('init', () => init({ threads: 1 }))
  await tellHow('shutdown', () => shutdown())
  await tellHow('init anew', async () => {
    await init({ threads: 1 })
    return (await goaway(adds)) === 1 && (await s.get('never')) === undefined
  })
}

export function adds(): Promise<number> {
  return s.add('x', 1)
}

export async function acquires(): Promise<void> {
  await Lock('held').acquire()
}

/** Nothing but one call is pending, so nothing else keeps the program alive. */
async function lonely(): Promise<void> {
  await s.set('x', 1)
  end()
  await tellHow('waitFor', () => s.waitFor('never'))
}

async function lonelyRoutine(): Promise<void> {
  const routine = tellHow('routine', () => goaway(waits))
  await s.waitFor('started')
  end()
  await routine
}

/** When the hub was to end. */
let endingSince = performance.now()

/** The program's own thread blocks next: a hub that it does not terminate is ended by a routine. */
function endMeanwhile(): void {
  endingSince = performance.now()
  if (way.startsWith('terminate')) end()
  else goaway(crashes).catch(() => {})
}

/** The program's own thread sleeps when the hub ends, and sees no event of it. */
async function blocked(act: () => unknown): Promise<void> {
  blocking.x = 1
  endMeanwhile()
  await tellHow('blocking', act)
}

/** Each read of this loop is one of memory, and no event is seen. */
function spin(field: 'x' | 'never', value: unknown): void {
  while (blocking[field] === value);
}

function acquireForEver(): void {
  const lock = BlockingLock('held by a routine')
  goaway(holds).catch(() => {})
  blocking.waitFor('started')
  endMeanwhile()
  lock.acquire()
}

export function holds(): void {
  BlockingLock('held by a routine').acquire()
  blocks()
}

if (isSpawner) {
  if (way.endsWith('awaiting')) await awaiting()
  if (way.endsWith('lonely')) await lonely()
  if (way.endsWith('lonely routine')) await lonelyRoutine()
  if (way.endsWith('waitFor')) await blocked(() => blocking.waitFor('never'))
  if (way.endsWith('loop')) await blocked(() => spin('x', 1))
  if (way.endsWith('absent field')) await blocked(() => spin('never', undefined))
  if (way.endsWith('acquire')) await tellHow('blocking', acquireForEver)
  tell({ what: 'took', ms: performance.now() - endingSince })
}
