// Sections and invariants (L1..) are those of docs/protocols/lock.md.
import t from 'tap'
import { lockQueueMax, locksMax } from '../../lib/limits.ts'
import type { LockInput, LockState } from '../../lib/protocol/lock.ts'
import { lock } from '../../lib/protocol/lock.ts'
import type { LockOperation } from '../../lib/wire/messages.ts'
import {
  blocking,
  LockMaster,
  main,
  routine1,
  routine2,
  routine3,
  routine4,
  words,
} from './lock-master.ts'

t.test('lock.step() acquire', async (t) => {
  t.test('L6: grants a free lock, and tells the stores before the caller', async (t) => {
    const master = new LockMaster()
    t.equal(master.acquire(routine1, 'a'), 'granted a#1, answer 1: 1')
  })
  t.test('L2: tokens of all locks come from one counter that outlives the locks', async (t) => {
    const master = new LockMaster()
    master.acquire(routine1, 'a')
    t.equal(master.acquire(routine1, 'b'), 'granted b#2, answer 1: 2')
    master.release(routine1, 'a', 1)
    master.release(routine1, 'b', 2)
    t.equal(master.acquire(routine1, 'a'), 'granted a#3, answer 1: 3')
  })
  t.test('L1, L3: parks whoever comes later, and hands over in the order of arrival', async (t) => {
    const master = new LockMaster()
    master.acquire(routine1, 'a')
    t.equal(master.acquire(routine3, 'a'), 'parked 3')
    t.equal(master.acquire(routine2, 'a'), 'parked 2')
    t.equal(master.release(routine1, 'a', 1), 'freed a#1, granted a#2, answer 1: null, answer 3: 2')
    t.equal(master.release(routine3, 'a', 2), 'freed a#2, granted a#3, answer 3: null, answer 2: 3')
  })
  t.test('L4: refuses the routine that holds it or waits for it', async (t) => {
    const master = new LockMaster()
    master.acquire(routine1, 'a')
    t.equal(master.acquire(routine1, 'a'), 'refuse 1: ERR_GOAWAY_LOCK_HELD')
    t.equal(master.acquire(blocking(routine1), 'a'), 'refuse 1: ERR_GOAWAY_LOCK_HELD')
    master.acquire(routine2, 'a')
    t.equal(master.acquire(routine2, 'a'), 'refuse 2: ERR_GOAWAY_LOCK_HELD')
    t.equal(master.acquire(routine1, 'b'), 'granted b#2, answer 1: 2', 'another lock is another')
  })
  t.test('lets tasks outside of routines contend with each other', async (t) => {
    const master = new LockMaster()
    master.acquire(main, 'a')
    t.equal(master.acquire(main, 'a'), 'parked 9')
    t.equal(master.acquire(main, 'a'), 'parked 9')
    t.equal(master.release(main, 'a', 1), 'freed a#1, granted a#2, answer 9: null, answer 9: 2')
  })
  t.test('tells routines of one thread apart, and equal ids of two threads', async (t) => {
    const master = new LockMaster()
    master.acquire(routine1, 'a')
    t.equal(master.acquire({ client: 1, owner: 99 }, 'a'), 'parked 1')
    t.equal(master.acquire({ client: 2, owner: 11 }, 'a'), 'parked 2')
  })
  t.test('without a call has no effect, since nobody would learn the token', async (t) => {
    const master = new LockMaster()
    const rest = { client: 1, call: 0, owner: 11, thread: 1, blocking: false } as const
    const operation = ['acquire', 'a'] as const
    t.strictSame(master.step({ type: 'request', ...rest, operation }), [])
    t.strictSame(master.state, lock.initial())
  })
  t.test('refuses a call that waits already', async (t) => {
    const master = new LockMaster()
    master.acquire(routine1, 'a')
    const rest = { client: 9, call: 50, owner: 0, thread: 9, blocking: false } as const
    const again: LockInput = { type: 'request', ...rest, operation: ['acquire', 'a'] }
    master.step(again)
    t.equal(words(master.step(again)), 'refuse 9: ERR_GOAWAY_PROTOCOL')
  })
})

t.test('lock.step() tryAcquire', async (t) => {
  t.test('takes a free lock', async (t) => {
    const master = new LockMaster()
    t.equal(words(master.ask(routine1, 'tryAcquire', 'a')), 'granted a#1, answer 1: 1')
  })
  t.test('answers 0 for a lock that another has, and does not wait', async (t) => {
    const master = new LockMaster()
    master.acquire(main, 'a')
    t.equal(words(master.ask(routine1, 'tryAcquire', 'a')), 'answer 1: 0')
    t.equal(words(master.ask(main, 'tryAcquire', 'a')), 'answer 9: 0', 'nor for its own tasks')
    t.equal(master.release(main, 'a', 1), 'freed a#1, answer 9: null')
  })
  t.test('L4: refuses the routine that holds it or waits for it', async (t) => {
    const master = new LockMaster()
    master.acquire(routine1, 'a')
    master.acquire(routine2, 'a')
    for (const asker of [routine1, routine2]) {
      const outputs = words(master.ask(asker, 'tryAcquire', 'a'))
      t.equal(outputs, `refuse ${asker.client}: ERR_GOAWAY_LOCK_HELD`)
    }
  })
})

t.test('lock.step() release', async (t) => {
  t.test('L7: leaves nothing behind but the counter', async (t) => {
    const master = new LockMaster()
    master.acquire(routine1, 'a')
    master.acquire(routine2, 'a')
    master.release(routine1, 'a', 1)
    master.release(routine2, 'a', 2)
    t.strictSame(master.state, { ...lock.initial(), lastToken: 2 })
  })
  t.test('refuses a wrong token, a wrong thread, a free lock, a second time', async (t) => {
    const master = new LockMaster()
    const refused = 'refuse 1: ERR_GOAWAY_LOCK_NOT_HELD'
    t.equal(master.release(routine1, 'a', 1), refused)
    master.acquire(routine1, 'a')
    t.equal(master.release(routine1, 'a', 2), refused)
    t.equal(master.release(routine2, 'a', 1), 'refuse 2: ERR_GOAWAY_LOCK_NOT_HELD')
    t.equal(master.release(routine1, 'a', 1), 'freed a#1, answer 1: null')
    t.equal(master.release(routine1, 'a', 1), refused)
  })
  t.test('without a call answers nothing, whether it holds or not', async (t) => {
    const master = new LockMaster()
    master.acquire(routine1, 'a')
    const rest = { client: 1, call: 0, owner: 11, thread: 1, blocking: false } as const
    const tell: LockInput = { type: 'request', ...rest, operation: ['release', 'a', 1] }
    t.equal(words(master.step(tell)), 'freed a#1')
    t.equal(words(master.step(tell)), '')
  })
  t.test('may come from another routine of the holding thread', async (t) => {
    const master = new LockMaster()
    master.acquire(routine1, 'a')
    t.equal(master.release({ client: 1, owner: 0 }, 'a', 1), 'freed a#1, answer 1: null')
  })
})

t.test('lock.step() forget', async (t) => {
  t.test('leaves the queue, and is passed over', async (t) => {
    const master = new LockMaster()
    master.acquire(routine1, 'a')
    master.acquire(routine2, 'a')
    master.acquire(routine3, 'a')
    t.equal(words(master.step({ type: 'forget', client: 2, call: 2 })), 'forgotten true a#0')
    t.match(words(master.step({ type: 'forget', client: 2, call: 2 })), 'forgotten false #0')
    t.match(master.release(routine1, 'a', 1), /answer 3: 2$/)
  })
  t.test('says what to release if the lock was granted before', async (t) => {
    const master = new LockMaster()
    master.acquire(routine1, 'b')
    master.acquire(routine1, 'a')
    t.equal(words(master.step({ type: 'forget', client: 1, call: 2 })), 'forgotten false a#2')
    t.equal(master.release(routine1, 'a', 2), 'freed a#2, answer 1: null')
    t.equal(words(master.step({ type: 'forget', client: 1, call: 2 })), 'forgotten false #0')
  })
  t.test('says the same of a lock that was handed over', async (t) => {
    const master = new LockMaster()
    master.acquire(routine1, 'a')
    master.acquire(routine2, 'a')
    master.release(routine1, 'a', 1)
    t.equal(words(master.step({ type: 'forget', client: 2, call: 2 })), 'forgotten false a#2')
  })
})

t.test('lock.step() ownerEnded', async (t) => {
  t.test('frees what the routine holds, and refuses what it still waits for', async (t) => {
    const master = new LockMaster()
    master.acquire(routine1, 'a')
    master.acquire(routine2, 'b')
    master.acquire(routine1, 'b')
    master.acquire(routine3, 'a')
    t.equal(
      words(master.step({ type: 'ownerEnded', client: 1, owner: 11 })),
      'freed a#1, granted a#3, refuse 1: ERR_GOAWAY_CANCELLED, answer 3: 3',
    )
    t.equal(master.release(routine2, 'b', 2), 'freed b#2, answer 2: null')
  })
  t.test('leaves the other routines of the thread alone', async (t) => {
    const master = new LockMaster()
    master.acquire({ client: 1, owner: 99 }, 'a')
    t.strictSame(master.step({ type: 'ownerEnded', client: 1, owner: 11 }), [])
    t.strictSame(master.step({ type: 'ownerEnded', client: 2, owner: 99 }), [])
    t.equal(master.acquire(routine2, 'a'), 'parked 2')
  })
  t.test('does not end the code outside of routines', async (t) => {
    const master = new LockMaster()
    master.acquire(main, 'a')
    t.strictSame(master.step({ type: 'ownerEnded', client: 9, owner: 0 }), [])
    t.equal(master.acquire(routine2, 'a'), 'parked 2')
  })
})

t.test('lock.step() clientLost', async (t) => {
  t.test('L5: frees all that the thread holds, and drops its waits', async (t) => {
    const master = new LockMaster()
    master.acquire(routine1, 'a')
    master.acquire({ client: 1, owner: 99 }, 'b')
    master.acquire(routine4, 'c')
    master.acquire(routine1, 'c')
    master.acquire({ client: 1, owner: 99 }, 'a')
    master.acquire(routine2, 'a')
    master.acquire(routine3, 'b')
    t.equal(
      words(master.step({ type: 'clientLost', client: 1 })),
      'freed a#1, granted a#4, freed b#2, granted b#5, answer 2: 4, answer 3: 5',
    )
    t.equal(master.release(routine4, 'c', 3), 'freed c#3, answer 4: null')
  })
  t.test('of a thread that holds nothing does nothing', async (t) => {
    t.strictSame(new LockMaster().step({ type: 'clientLost', client: 1 }), [])
  })
})

t.test('lock.step() sessionEnded', async (t) => {
  const ask = (state: LockState, client: number, call: number, session: number): string => {
    const who = { client, call, owner: 0, thread: client, blocking: false, session }
    return words(lock.step(state, { type: 'request', ...who, operation: ['acquire', 'a'] }))
  }
  t.test('N2: refuses who waits under it, and passes its locks on to others', async (t) => {
    const state = lock.initial()
    ask(state, 1, 1, 7)
    ask(state, 2, 2, 7)
    ask(state, 3, 3, 4)
    const ended = { type: 'sessionEnded', clients: [1, 2], session: 7 } as const
    const told = 'freed a#1, granted a#2, refuse 2: ERR_GOAWAY_SESSION_LOST, answer 3: 2'
    t.equal(words(lock.step(state, ended)), told)
    t.strictSame(lock.step(state, ended), [], 'once')
  })
  t.test('leaves what is held under another session, or under none', async (t) => {
    const state = lock.initial()
    ask(state, 1, 1, 8)
    const ended = { type: 'sessionEnded', clients: [1], session: 7 } as const
    t.strictSame(lock.step(state, ended), [])
    t.equal(state.locks.get('a')?.token, 1)
  })
})

t.test('lock.step() limits', async (t) => {
  t.test('refuses one waiter too many', async (t) => {
    const master = new LockMaster()
    master.acquire(routine1, 'a')
    for (let index = 0; index < lockQueueMax; index += 1) master.acquire(main, 'a')
    t.equal(master.acquire(main, 'a'), 'refuse 9: ERR_GOAWAY_LIMIT')
    t.equal(words(master.ask(routine2, 'tryAcquire', 'a')), 'answer 2: 0')
    master.step({ type: 'forget', client: 9, call: 5 })
    t.equal(master.acquire(routine2, 'a'), 'parked 2')
  })
  t.test('refuses one lock too many', async (t) => {
    const master = new LockMaster()
    master.acquire(main, '7')
    master.acquire(main, '8')
    const entry = master.state.locks.get('7')
    if (entry === undefined) return t.fail('lock "7" is held')
    // To acquire a million of them would take seconds.
    for (let index = 9; index < locksMax + 7; index += 1) master.state.locks.set(`${index}`, entry)
    t.equal(master.acquire(main, 'more'), 'refuse 9: ERR_GOAWAY_LIMIT')
    t.equal(master.acquire(main, '7'), 'parked 9')
    master.release(main, '8', 2)
    t.match(master.acquire(main, 'more'), /^granted/)
  })
})

t.test('lock.step() refuses an operation that it does not know', async (t) => {
  const operation = ['burn', 'a'] as unknown as LockOperation
  t.equal(words(new LockMaster().ask(routine1, ...operation)), 'refuse 1: ERR_GOAWAY_PROTOCOL')
})
