/** What one thread asks of replicated objects takes effect in the order in which it asked. */
import t from 'tap'
import { CallOrder } from '../../lib/hub/call-order.ts'
import type { Operation } from '../../lib/wire/messages.ts'

/** Asks for many things, and says what was taken. */
function rig() {
  const order = new CallOrder()
  const taken: number[] = []
  const ask = (call: number, operation: Operation, client = 1): void => {
    const rest = { owner: 0, thread: 0, blocking: false }
    if (order.admits({ client, call, operation, ...rest })) taken.push(call)
  }
  const settle = (call: number, client = 1): void => {
    for (const request of order.settled(client, call)) taken.push(request.call)
  }
  return { order, taken, ask, settle }
}

const set = (object: string): Operation => ['lin-fast-read', ['set', object, 'x', 1, null]]
const get = (object: string): Operation => ['lin-fast-read', ['get', object, 'x', 0]]
const wait = (object: string): Operation => ['lin-fast-read', ['wait', object, 'x', 0]]

t.test('a read waits for the writes before it, and a write for the reads', async (t) => {
  const { taken, ask, settle } = rig()
  ask(1, set('o'))
  ask(2, set('o'))
  ask(3, get('o'))
  ask(4, get('o'))
  ask(5, set('o'))
  ask(6, get('o'))
  t.same(taken.splice(0), [1, 2], 'writes keep their order by themselves')
  settle(1)
  t.same(taken.splice(0), [])
  settle(2)
  t.same(taken.splice(0), [3, 4], 'and reads')
  settle(4)
  settle(3)
  t.same(taken.splice(0), [5])
  settle(5)
  t.same(taken.splice(0), [6])
})

t.test('other threads and other objects have nothing to do with it', async (t) => {
  const { taken, ask } = rig()
  ask(1, set('o'))
  ask(2, get('other'))
  ask(3, get('o'), 2)
  ask(4, ['weak', ['set', 'o', 'x', 1, null]])
  ask(5, ['weak', ['get', 'o', 'x', 0]])
  ask(6, ['get', 'o', 'x', 0])
  t.same(taken, [1, 2, 3, 4, 5, 6])
})

t.test('what waits for a change waits for writes, and nothing waits for it', async (t) => {
  const { order, taken, ask, settle } = rig()
  ask(1, wait('o'))
  ask(2, set('o'))
  ask(3, wait('o'))
  ask(4, wait('o'))
  ask(5, get('o'))
  t.same(taken.splice(0), [1, 2])
  t.equal(order.forget(1, 3), true, 'it may be given up meanwhile')
  t.equal(order.forget(1, 5), false, 'whose answer comes anyway')
  settle(2)
  t.same(taken.splice(0), [4, 5])
})

t.test('reads of all UpdateOnRelease objects wait for a release', async (t) => {
  const { taken, ask, settle } = rig()
  const release = (object: string): Operation => [
    'update-on-release',
    ['release', object, 1, [], false, null],
  ]
  ask(1, release('a'))
  ask(2, ['update-on-release', ['get', 'b', 'x', 0]])
  ask(3, ['update-on-release', ['acquire', 'b']])
  ask(4, release('b'))
  t.same(taken.splice(0), [1, 3, 4], 'its routine may be over before the read is answered')
  settle(1)
  t.same(taken.splice(0), [])
  settle(4)
  t.same(taken.splice(0), [2])
})

t.test('what a thread that is gone has asked is not taken any more', async (t) => {
  const { order, taken, ask, settle } = rig()
  ask(1, set('o'))
  ask(2, get('o'))
  order.clientLost(1)
  settle(1)
  t.same(taken, [1])
})
