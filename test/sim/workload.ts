/** Clients that use one object and one lock for as long as they are told, on all nodes. */
import { setTimeout as sleep } from 'node:timers/promises'
import { GoawayError, goaway, Lock, StrictCentralized } from '../../lib/index.ts'

const object = StrictCentralized<{ [field: string]: number }>('o')
const lock = Lock('l')

/** What the world may do to an operation. */
const expected = new Set([
  'ERR_GOAWAY_MASTER_LOST',
  'ERR_GOAWAY_NODE_LOST',
  'ERR_GOAWAY_STALE_TOKEN',
  'ERR_GOAWAY_TIMEOUT',
  'ERR_GOAWAY_CANCELLED',
  'ERR_GOAWAY_SESSION_LOST',
])

export function isExpected(error: unknown): boolean {
  return error instanceof GoawayError && expected.has(error.code)
}

async function operate(number: number): Promise<void> {
  const field = `f${number % 3}`
  switch (Math.floor(Math.random() * 6)) {
    case 0:
      return object.set(field, number)
    case 1:
      return void (await object.add(field, 1))
    case 2:
      return void (await object.compareAndSet(field, await object.get(field), number))
    case 3:
      return void (await object.update(field, (value) => (value ?? 0) + 1))
    case 4:
      return await lock.with(async () => {
        const before = (await object.get('locked')) ?? 0
        await sleep(Math.random() * 50)
        await object.set('locked', before + 1)
      })
    default:
      return void (await object.get(field))
  }
}

/** One routine: some operations one after the other. */
export async function client(id: number, operations: number): Promise<number> {
  let done = 0
  for (let at = 0; at < operations; at++) {
    try {
      await operate(id * 1000 + at)
      done++
    } catch (error) {
      if (!isExpected(error)) throw error
    }
    await sleep(Math.random() * 200)
  }
  return done
}

/** Clients in routines, and one in the program. Resolves when all have ended. */
export async function work(clients: number, operations: number): Promise<number> {
  const routines = Array.from({ length: clients }, (_, id) =>
    goaway(client, id + 1, operations).catch((error: unknown) => {
      if (!isExpected(error)) throw error
      return 0
    }),
  )
  const counts = await Promise.all([...routines, client(0, operations)])
  return counts.reduce((sum, count) => sum + count, 0)
}
