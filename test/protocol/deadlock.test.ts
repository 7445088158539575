// Invariant L8 of docs/protocols/lock.md: by example, and by thousands of random requests, for
// which the search for cycles must agree with a plain count of who can go on.
import t from 'tap'
import type { LockInput, LockState } from '../../lib/protocol/lock.ts'
import { lock } from '../../lib/protocol/lock.ts'
import type { LockWaiter } from '../../lib/protocol/lock-state.ts'
import { randomOf } from '../hub/random.ts'
import {
  blocking,
  LockMaster,
  main,
  routine1,
  routine2,
  routine3,
  routine4,
} from './lock-master.ts'

t.test('lock.step() deadlock (L8)', async (t) => {
  const deadlock = (client: number) => `refuse ${client}: ERR_GOAWAY_DEADLOCK`
  t.test('refuses the request that closes a cycle of two, and names the cycle', async (t) => {
    const master = new LockMaster()
    master.acquire(routine1, 'a')
    master.acquire(routine2, 'b')
    t.equal(master.acquire(routine1, 'b'), 'parked 1')
    t.match(master.ask(routine2, 'acquire', 'a'), [
      {
        type: 'refuse',
        code: 'ERR_GOAWAY_DEADLOCK',
        message:
          'acquire lock "a": it would wait for itself: ' +
          'routine 12 (thread 2) waits for lock "a" of routine 11 (thread 1); ' +
          'routine 11 (thread 1) waits for lock "b" of routine 12 (thread 2)',
      },
    ])
    t.match(master.release(routine2, 'b', 2), /answer 1: 3$/, 'the refused one goes on')
  })
  t.test('refuses a cycle of four', async (t) => {
    const master = new LockMaster()
    const askers = [routine1, routine2, routine3, routine4]
    for (const [index, asker] of askers.entries()) master.acquire(asker, `${index}`)
    for (const [index, asker] of askers.slice(0, 3).entries()) {
      t.equal(master.acquire(asker, `${index + 1}`), `parked ${asker.client}`)
    }
    t.equal(master.acquire(routine4, '0'), deadlock(4))
  })
  t.test('lets a chain wait that comes to an end', async (t) => {
    const master = new LockMaster()
    master.acquire(routine1, 'a')
    master.acquire(routine2, 'b')
    t.equal(master.acquire(routine2, 'a'), 'parked 2')
    t.equal(master.acquire(routine3, 'b'), 'parked 3')
    t.equal(master.acquire(routine4, 'b'), 'parked 4')
  })
  t.test('sees the cycle that would close when a lock is handed on in its queue', async (t) => {
    const master = new LockMaster()
    master.acquire(routine1, 'a')
    master.acquire(routine3, 'b')
    master.acquire(routine2, 'a')
    // Routine 12 is before it in the queue of "a", and will need "b" before it lets go of "a".
    master.acquire(routine2, 'b')
    t.equal(master.acquire(routine3, 'a'), deadlock(3))
  })
  t.test('sees the same cycle if the second request comes last', async (t) => {
    const master = new LockMaster()
    master.acquire(routine1, 'a')
    master.acquire(routine3, 'b')
    master.acquire(routine2, 'a')
    t.equal(master.acquire(routine3, 'a'), 'parked 3')
    t.equal(master.acquire(routine2, 'b'), deadlock(2))
  })
  t.test('does not take those behind in a queue for an obstacle', async (t) => {
    const master = new LockMaster()
    master.acquire(routine1, 'a')
    master.acquire(routine2, 'b')
    master.acquire(routine3, 'a')
    t.equal(master.acquire(routine2, 'a'), 'parked 2')
    t.equal(master.acquire(routine3, 'c'), 'granted c#3, answer 3: 3')
    // Routine 13 is before 12 at "a"; 12 stands behind it and holds "b": this is a cycle.
    t.equal(master.acquire(routine3, 'b'), deadlock(3))
    // Routine 11 holds "a", for which 12 waits: also one. Nobody wants anything of routine 14.
    t.equal(master.acquire(routine1, 'b'), deadlock(1))
    t.equal(master.acquire(routine4, 'b'), 'parked 4')
  })
  t.test('forgets the edges of those who have left', async (t) => {
    const master = new LockMaster()
    master.acquire(routine1, 'a')
    master.acquire(routine2, 'b')
    master.acquire(routine1, 'b')
    master.step({ type: 'forget', client: 1, call: 3 })
    t.equal(master.acquire(routine2, 'a'), 'parked 2')
  })
  t.test('lets asynchronous tasks outside of routines wait crosswise', async (t) => {
    const master = new LockMaster()
    master.acquire(main, 'a')
    master.acquire(routine1, 'b')
    t.equal(master.acquire(main, 'b'), 'parked 9')
    t.equal(master.acquire(routine1, 'a'), 'parked 1', 'the task that holds "a" may go on')
    t.match(master.release(main, 'a', 1), /answer 1: 3$/)
  })
  t.test('refuses the blocking call outside of routines that closes a cycle', async (t) => {
    const master = new LockMaster()
    master.acquire(main, 'a')
    master.acquire(routine1, 'b')
    t.equal(master.acquire(routine1, 'a'), 'parked 1')
    t.equal(master.acquire(blocking(main), 'b'), deadlock(9))
  })
  t.test('refuses the blocking call for what a task of the same thread holds', async (t) => {
    const master = new LockMaster()
    master.acquire(main, 'a')
    t.match(master.ask(blocking(main), 'acquire', 'a'), [
      {
        code: 'ERR_GOAWAY_DEADLOCK',
        message:
          'acquire lock "a": it would wait for itself: ' +
          'the program on thread 9 waits for lock "a" of the program on thread 9',
      },
    ])
    t.equal(master.acquire(main, 'a'), 'parked 9', 'while an asynchronous one waits')
  })
  t.test('refuses the blocking call behind a task of the same thread', async (t) => {
    const master = new LockMaster()
    master.acquire(routine1, 'a')
    t.equal(master.acquire(main, 'a'), 'parked 9')
    t.equal(master.acquire(blocking(main), 'a'), deadlock(9), 'that task could not let go')
  })
  t.test('refuses the blocking call for what a routine of the same thread holds', async (t) => {
    const master = new LockMaster()
    master.acquire(routine1, 'a')
    const neighbour = { client: 1, owner: 99 }
    t.match(master.ask(blocking(neighbour), 'acquire', 'a'), [
      {
        code: 'ERR_GOAWAY_DEADLOCK',
        message:
          'acquire lock "a": it would wait for itself: ' +
          'routine 99 (thread 1) waits for lock "a" of routine 11 (thread 1); ' +
          'routine 11 (thread 1) shares thread 1, blocked by routine 99 (thread 1)',
      },
    ])
    t.equal(master.acquire(neighbour, 'a'), 'parked 1', 'while an asynchronous one waits')
  })
  t.test('follows a thread that another routine of it blocks', async (t) => {
    const master = new LockMaster()
    master.acquire(routine1, 'a')
    master.acquire(routine2, 'b')
    t.equal(master.acquire(blocking({ client: 1, owner: 99 }), 'b'), 'parked 1')
    // Routine 11 would release "a", were it not for routine 99, which waits for "b".
    t.equal(master.acquire(routine2, 'a'), deadlock(2))
    t.equal(master.acquire(routine3, 'a'), 'parked 3')
  })
  t.test('counts a wait of the blocked thread as something it will have to release', async (t) => {
    const master = new LockMaster()
    master.acquire(routine1, 'a')
    master.acquire(routine2, 'b')
    master.acquire(main, 'a')
    master.acquire(blocking(main), 'b')
    // "a" goes to the task of the main thread next, which cannot run before "b" is free.
    t.equal(master.acquire(routine2, 'a'), deadlock(2))
  })
  t.test('finds nothing where a blocked thread holds nothing', async (t) => {
    const master = new LockMaster()
    master.acquire(routine1, 'a')
    t.equal(master.acquire(blocking(main), 'a'), 'parked 9')
    t.equal(master.acquire(blocking(routine2), 'a'), 'parked 2')
  })
})

t.test('lock.step() looks for cycles quickly in a long queue', async (t) => {
  const master = new LockMaster()
  master.acquire({ client: 1, owner: 1 }, 'a')
  // Each of them holds a lock of its own, so that each request has to look for a cycle.
  const started = process.hrtime.bigint()
  for (let owner = 2; owner <= 2000; owner += 1) {
    master.acquire({ client: owner, owner }, `own ${owner}`)
    master.acquire({ client: owner, owner }, 'a')
  }
  const elapsedMs = Number(process.hrtime.bigint() - started) / 1e6
  t.comment(`2,000 routines with a lock each queued in ${Math.round(elapsedMs)} ms`)
  t.ok(elapsedMs < 1000, 'linear in the queue, per request')
  t.equal(master.state.locks.get('a')?.queue.length, 1999)
})

const threads = [1, 2, 3, 4]
const owners = [0, 1, 2]
const names = ['a', 'b', 'c', 'd', 'e']

t.test('lock.step() refuses exactly those requests that could never be granted', async (t) => {
  const seeds = [1, 2, 3, 4, 5, 6, 7, 8]
  let refused = 0
  let parked = 0
  for (const seed of seeds) {
    const counts = run(seed, 4000)
    t.equal(counts.wrong, null, `seed ${seed}`)
    refused += counts.refused
    parked += counts.parked
  }
  t.comment(`seeds ${seeds.join()}: ${parked} parked, ${refused} refused`)
  t.ok(refused > 500 && parked > 5000, 'both happen often')
})

interface Counts {
  wrong: string | null
  parked: number
  refused: number
}

function run(seed: number, steps: number): Counts {
  const random = randomOf(seed)
  const pick = <Item>(items: readonly Item[]): Item | undefined => {
    return items[Math.floor(random() * items.length)]
  }
  const state = lock.initial()
  const counts: Counts = { wrong: null, parked: 0, refused: 0 }
  for (let call = 1; call <= steps; call += 1) {
    const chance = random()
    const held = pick([...state.locks.values()])
    const waiter = pick(waitersOf(state))
    const blocked = new Set(waitersOf(state).flatMap((each) => (each.blocking ? each.client : [])))
    if (chance < 0.3 && held !== undefined) {
      // A thread that is blocked releases nothing; only a kill would end its routines.
      if (blocked.has(held.client)) continue
      lock.step(state, releaseOf(held.client, held.name, held.token))
    } else if (chance < 0.35 && waiter !== undefined) {
      lock.step(state, { type: 'forget', client: waiter.client, call: waiter.call })
    } else if (chance < 0.36) {
      lock.step(state, { type: 'clientLost', client: pick(threads) ?? 1 })
    } else {
      const client = pick(threads) ?? 1
      if (blocked.has(client)) continue
      const owner = pick(owners) ?? 0
      const asked = { client, call, owner, thread: client, blocking: random() < 0.4 }
      request(state, asked, pick(names) ?? 'a', counts)
    }
    if (counts.wrong !== null) return counts
  }
  return counts
}

interface Asked {
  readonly client: number
  readonly call: number
  readonly owner: number
  readonly thread: number
  readonly blocking: boolean
}

function request(state: LockState, asked: Asked, name: string, counts: Counts): void {
  const ticket = (state.locks.get(name)?.lastTicket ?? 0) + 1
  const stuck = isStuck(state, { ...asked, session: 0, lock: name, ticket })
  const outputs = lock.step(state, { type: 'request', ...asked, operation: ['acquire', name] })
  const output = outputs[0]
  if (output?.type === 'parked') {
    counts.parked += 1
    if (stuck) counts.wrong = `missed: ${JSON.stringify([asked, name])}`
  } else if (output?.type === 'refuse' && output.code === 'ERR_GOAWAY_DEADLOCK') {
    counts.refused += 1
    if (!stuck) counts.wrong = `false alarm: ${output.message}`
  }
}

function waitersOf(state: LockState): LockWaiter[] {
  return [...state.locks.values()].flatMap((held) => held.queue)
}

/**
 * Whoever is not stopped will let go of what it holds; then so will those who were stopped by such
 * alone; and so on. Who is left over, is stuck.
 */
function isStuck(state: LockState, asked: LockWaiter): boolean {
  const all = [...waitersOf(state), asked]
  const free = new Set<string>()
  const key = (client: number, owner: number): string => `${client}.${owner}`
  const isServed = (waiter: LockWaiter): boolean => {
    const held = state.locks.get(waiter.lock)
    if (held === undefined) return true
    const before = all.filter((each) => each.lock === waiter.lock && each.ticket < waiter.ticket)
    return [held, ...before].every((each) => free.has(key(each.client, each.owner)))
  }
  const canGoOn = (client: number, owner: number): boolean => {
    return all.every((waiter) => {
      if (waiter.client !== client) return true
      if (waiter.owner !== owner) return !waiter.blocking || free.has(key(client, waiter.owner))
      return (!waiter.blocking && owner === 0) || isServed(waiter)
    })
  }
  for (let size = -1; size !== free.size; ) {
    size = free.size
    for (const client of threads) {
      for (const owner of owners) if (canGoOn(client, owner)) free.add(key(client, owner))
    }
  }
  return !free.has(key(asked.client, asked.owner))
}

function releaseOf(client: number, name: string, token: number): LockInput {
  const rest = { client, call: 0, owner: 0, thread: client, blocking: false }
  return { type: 'request', ...rest, operation: ['release', name, token] }
}
