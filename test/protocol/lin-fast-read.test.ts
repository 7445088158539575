// Steps of docs/protocols/lin-fast-read.md, by their numbers.
import t from 'tap'
import { updatesPerEpoch } from '../../lib/limits.ts'
import type { LinFastReadMessage } from '../../lib/protocol/lin-fast-read.ts'
import type { StrictOperation } from '../../lib/wire/messages.ts'
import { kind, Stage, to } from './lin-fast-read-stage.ts'

const version = (epoch: number, ver: number): number => epoch * updatesPerEpoch + ver
const set = (field: string, value: number): StrictOperation => ['set', 'o', field, value, null]
const get = (field: string): StrictOperation => ['get', 'o', field, 0]
const one = version(1, 1)
const two = version(1, 2)

t.test(
  'step 1: a read is answered from the copy, and parked while that is not valid',
  async (t) => {
    const stage = Stage.of(2)
    t.equal(stage.run(2, get('x')), '[0,null]')
    t.equal(stage.count, 0, 'no message for a read')
    const update = stage.ask(0, set('x', 5))
    stage.deliver(kind('update', 'invalidate'))
    const atHome = stage.ask(1, get('x'))
    t.equal(stage.answer(atHome), '[0,null]', 'the home answers what was committed last')
    const reader = stage.ask(2, get('x'))
    const waiter = stage.ask(2, ['wait', 'o', 'x', 0])
    const names = stage.ask(2, ['keys', 'o'])
    t.equal(stage.answer(reader) ?? stage.answer(waiter) ?? stage.answer(names), undefined)
    stage.deliver()
    t.equal(stage.answer(update), `${one}`)
    t.equal(stage.answer(reader), `[${one},5]`)
    t.equal(stage.answer(waiter), `[${one},5]`)
    t.equal(stage.answer(names), '["x"]')
    const seen = stage.ask(2, ['get', 'o', 'x', one])
    t.equal(stage.answer(seen), `[${one}]`, 'what was seen is not sent again')
    t.equal(stage.run(0, ['entries', 'o']), `[["x",${one},5]]`)
  },
)

t.test('step 1: keys and entries read each field by itself', async (t) => {
  const stage = Stage.of(2)
  stage.run(1, set('x', 1))
  stage.run(1, set('y', 1))
  stage.ask(1, set('x', 2))
  stage.deliver(kind('invalidate'))
  const entries = stage.ask(2, ['entries', 'o'])
  stage.ask(1, set('y', 2))
  t.equal(stage.answer(entries), undefined)
  stage.deliver()
  const rows = `[["y",${two},1],["x",${version(1, 3)},2]]`
  t.equal(stage.answer(entries), rows, 'y as it was, x when it was valid')
})

t.test('steps 3 to 6: updates are pipelined and commit in order', async (t) => {
  const stage = Stage.of(2)
  const calls = [1, 2, 3].map(() => stage.ask(0, ['add', 'o', 'x', 1, null]))
  stage.deliver(kind('update', 'invalidate'))
  t.strictSame(
    stage.sent.map(({ message }) => message[0]),
    ['acknowledge', 'acknowledge', 'acknowledge', 'acknowledge', 'acknowledge', 'acknowledge'],
  )
  stage.deliver((sent) => sent.from === 0)
  t.strictSame(
    calls.map((call) => stage.answer(call)),
    [undefined, undefined, undefined],
  )
  stage.deliver()
  t.strictSame(
    calls.map((call) => stage.answer(call)),
    [`[true,${one},1]`, `[true,${two},2]`, `[true,${version(1, 3)},3]`],
  )
})

t.test('step 4: what is installed is not answered, and says so to who watches', async (t) => {
  const stage = Stage.of(1)
  stage.run(1, set('x', 1))
  t.strictSame(stage.cells, [
    '0 o.x [0,null] invalid',
    `1 o.x [${one},1] valid`,
    `0 o.x [${one},1] valid`,
  ])
})

t.test('step 7: what changes nothing waits for what it has seen', async (t) => {
  const stage = Stage.of(2)
  stage.ask(0, set('x', 1))
  stage.deliver(kind('update', 'invalidate'))
  const failed = stage.ask(2, ['compareAndSet', 'o', 'x', undefined, 9, null])
  const refused = stage.ask(2, ['add', 'o', 'x', 'one' as unknown as number, null])
  stage.deliver(kind('update', 'reply', 'refusal'))
  t.equal(stage.answer(failed) ?? stage.answer(refused), undefined)
  stage.deliver()
  t.equal(stage.answer(failed), `[false,${one},1]`)
  t.equal(stage.answer(refused), 'ERR_GOAWAY_NOT_A_NUMBER')
  const before = stage.count
  t.equal(stage.run(0, ['delete', 'o', 'y', null]), 'false')
  t.equal(stage.count - before, 2, 'to the home and back')
})

t.test('all operations answer as those of a strict object', async (t) => {
  const stage = Stage.of(2)
  t.equal(
    stage.run(0, [
      'init',
      'o',
      [
        ['x', 1],
        ['x', 2],
        ['y', 3],
      ],
    ]),
    'null',
  )
  t.equal(
    stage.run(2, [
      'init',
      'o',
      [
        ['x', 7],
        ['z', 4],
      ],
    ]),
    'null',
  )
  t.equal(stage.run(0, ['entries', 'o']), `[["x",${one},1],["y",${one},3],["z",${two},4]]`)
  t.equal(stage.run(0, ['compareAndSet', 'o', 'x', 1, 2, null]), `[true,${version(1, 3)},2]`)
  t.equal(stage.run(1, ['replace', 'o', 'x', version(1, 3), 3, null]), `[true,${version(1, 4)},3]`)
  t.equal(stage.run(1, ['replace', 'o', 'x', one, 4, null]), `[false,${version(1, 4)},3]`)
  t.equal(stage.run(2, ['delete', 'o', 'x', null]), 'true')
  t.equal(stage.run(2, ['init', 'o', [['x', 1]]]), 'null')
  t.equal(stage.run(0, get('x')), '[0,null]', 'no init after the first, not even of what is gone')
  t.equal(
    stage.run(0, ['compareAndSet', 'o', 'x', undefined, 5, null]),
    `[true,${version(1, 6)},5]`,
  )
  for (const { objects } of stage.nodes) t.equal(objects.get('o')?.fields.size, 3)
})

t.test(
  'step 8: what comes before its view waits for it, what comes after is dropped',
  async (t) => {
    const stage = Stage.of(2)
    stage.view(2, [0, 1, 2], [1])
    const late = stage.ask(1, set('x', 1))
    stage.deliver()
    t.equal(stage.answer(late), undefined, 'the others are in the first view')
    t.equal(stage.nodes[0]?.held.length, 1)
    stage.view(2, [0, 1, 2], [0, 2])
    stage.deliver()
    t.equal(stage.answer(late), `${version(2, 1)}`)
    stage.view(3, [0, 1, 2], [0])
    const early = stage.ask(1, set('x', 2))
    stage.deliver()
    t.equal(stage.answer(early), undefined, 'one of them has dropped it')
    stage.view(3, [0, 1, 2], [1, 2])
    stage.deliver()
    t.equal(stage.answer(early), `${version(2, 2)}`, 'it was proposed anew, and kept its version')
    t.equal(stage.run(0, get('x')), `[${version(2, 2)},2]`)
  },
)

t.test('step 10: a node that joined answers no read before it has everything', async (t) => {
  const stage = Stage.of(2)
  stage.run(2, set('x', 5))
  stage.add(3)
  stage.view(2, [0, 1, 2, 3])
  const value = stage.ask(3, get('x'))
  const absent = stage.ask(3, ['get', 'p', 'x', 0])
  stage.deliver(kind('restore'))
  t.equal(stage.answer(value) ?? stage.answer(absent), undefined)
  stage.deliver()
  t.equal(stage.answer(value), `[${one},5]`)
  t.equal(stage.answer(absent), '[0,null]')
  t.equal(stage.run(3, ['add', 'o', 'x', 1, null]), `[true,${version(2, 2)},6]`)
})

t.test('step 10: what a joiner missed in one view it gets in the next', async (t) => {
  const stage = Stage.of(2)
  stage.run(2, set('x', 5))
  stage.add(3)
  stage.view(2, [0, 1, 2, 3])
  stage.view(3, [0, 1, 3], [3])
  stage.deliver()
  t.notOk(stage.nodes[3]?.isComplete, 'it dropped all of the second view')
  stage.view(3, [0, 1, 3], [0, 1])
  stage.deliver()
  t.ok(stage.nodes[3]?.isComplete)
  t.equal(stage.run(3, get('x')), `[${one},5]`)
})

t.test(
  'steps 11 and 12: the next founder takes over, and what took place is not repeated',
  async (t) => {
    const stage = Stage.of(2)
    stage.run(0, set('x', 5))
    const call = stage.ask(0, ['add', 'o', 'x', 1, null])
    stage.deliver(kind('update'))
    stage.deliver(to(2))
    t.equal(stage.answer(call), undefined)
    stage.sent = []
    stage.view(2, [0, 2])
    const reader = stage.ask(0, get('x'))
    t.equal(stage.answer(reader), `[${one},5]`, 'it has not heard of the update')
    stage.deliver()
    t.equal(stage.answer(call), `[true,${two},6]`, 'the version that the lost home gave it')
    t.equal(stage.run(2, get('x')), `[${two},6]`)
    t.equal(stage.run(0, ['add', 'o', 'x', 1, null]), `[true,${version(2, 3)},7]`)
    stage.view(3, [0])
    t.equal(stage.run(0, ['add', 'o', 'x', 1, null]), `[true,${version(3, 4)},8]`, 'the spawner')
  },
)

t.test('step 11: what nobody else had of a lost home is taken away', async (t) => {
  const stage = Stage.of(2)
  const call = stage.ask(1, set('x', 5))
  stage.ask(1, ['set', 'p', 'y', 5, null])
  stage.deliver(to(0))
  stage.sent = []
  stage.view(2, [0, 2])
  const reader = stage.ask(0, get('x'))
  t.equal(stage.answer(reader), undefined)
  stage.deliver()
  t.equal(stage.answer(reader), '[0,null]')
  t.equal(stage.nodes[0]?.objects.size, 0)
  t.equal(stage.answer(call), undefined, 'its node is gone')
})

t.test(
  'step 11: a part of a new object comes after what takes an orphan of its name',
  async (t) => {
    const stage = Stage.of(2)
    const call = stage.ask(0, set('x', 5))
    stage.deliver(kind('update'))
    stage.deliver(to(0))
    stage.sent = []
    stage.view(2, [0, 2])
    stage.deliver(kind('update'))
    stage.add(3)
    stage.view(3, [0, 2, 3], [0])
    stage.deliver(to(0))
    t.ok(stage.nodes[0]?.objects.get('o')?.isOrphan, 'it has dropped all of the second view')
    stage.view(3, [0, 2, 3], [2, 3])
    stage.deliver()
    t.equal(stage.answer(call), `${version(2, 1)}`)
    t.equal(stage.run(0, get('x')), `[${version(2, 1)},5]`)
  },
)

t.test('step 13: fences refuse former holders, also at the next home', async (t) => {
  const stage = Stage.of(2)
  const write = (token: number): StrictOperation => ['set', 'o', 'x', token, [['l', token]]]
  t.equal(stage.run(0, write(7)), `${one}`)
  t.equal(stage.run(2, write(6)), 'ERR_GOAWAY_STALE_TOKEN')
  stage.step(1, { type: 'lockGranted', lock: 'l', token: 9 })
  t.equal(stage.run(2, write(7)), 'ERR_GOAWAY_STALE_TOKEN', 'the home serves the lock')
  t.equal(stage.run(2, write(9)), `${two}`)
  stage.step(1, { type: 'lockFreed', lock: 'l', token: 9 })
  t.equal(stage.run(2, write(9)), 'ERR_GOAWAY_STALE_TOKEN', 'nobody holds it')
  stage.view(2, [0, 2])
  t.equal(stage.run(0, write(7)), 'ERR_GOAWAY_STALE_TOKEN', 'the next home has seen 9')
  t.equal(stage.run(0, write(10)), `${version(2, 3)}`)
})

t.test('step 14: a node whose lease is over serves no more', async (t) => {
  const stage = Stage.of(2)
  const update = stage.ask(2, set('x', 1))
  stage.deliver(kind('update', 'invalidate'))
  const reader = stage.ask(2, get('x'))
  stage.over.add(2)
  const refused = stage.ask(2, get('y'))
  t.equal(stage.answer(refused), 'ERR_GOAWAY_NODE_LOST')
  t.equal(stage.answer(reader), 'ERR_GOAWAY_NODE_LOST')
  t.equal(stage.answer(update), 'ERR_GOAWAY_NODE_LOST maybe')
  stage.over.add(1)
  stage.deliver()
  stage.over.clear()
  t.equal(stage.run(1, get('x')), 'ERR_GOAWAY_NODE_LOST', 'for ever')
})

t.test('step 14: views may come before the first lease', async (t) => {
  const stage = new Stage(2)
  stage.view(1, [0, 1, 2], [0, 1])
  stage.over.add(2)
  stage.view(1, [0, 1, 2], [2])
  stage.view(2, [0, 2])
  stage.over.clear()
  stage.deliver()
  t.equal(stage.run(2, set('x', 1)), `${version(2, 1)}`)
  t.equal(stage.run(0, get('x')), `[${version(2, 1)},1]`)
})

t.test('homes that are spread lose only their own objects', async (t) => {
  const stage = Stage.of(3, 'hash')
  const names = Array.from({ length: 30 }, (_, at) => `object ${at}`)
  for (const name of names) stage.run(0, ['set', name, 'x', 1, null])
  const homes = (): unknown[] => names.map((name) => stage.nodes[0]?.objects.get(name)?.home)
  const before = homes()
  t.strictSame([...new Set(before)].sort(), [1, 2, 3])
  stage.add(4)
  stage.view(2, [0, 1, 2, 3, 4])
  stage.deliver((sent) => sent.from !== 3)
  const read = stage.ask(4, ['get', names[before.indexOf(1)] as string, 'x', 0])
  const late = stage.ask(4, ['get', names[before.indexOf(3)] as string, 'x', 0])
  t.ok(stage.answer(read), 'its home has sent everything')
  t.equal(stage.answer(late), undefined, 'that one has not')
  stage.deliver()
  t.ok(stage.answer(late))
  stage.view(3, [0, 2, 3, 4])
  stage.deliver()
  const after = homes()
  for (const [at, home] of before.entries()) {
    t.equal(after[at] === home, home !== 1)
    t.match(stage.run(4, ['get', names[at] as string, 'x', 0]), /,1\]$/)
  }
})

t.test('step 15: records go when their answers have come, and with their nodes', async (t) => {
  const stage = Stage.of(2)
  for (let count = 0; count < 5; count += 1) stage.run(2, ['add', 'o', 'x', 1, null])
  for (const { clients } of stage.nodes) {
    t.strictSame([...(clients.get(2)?.records.keys() ?? [])], [5], 'the last may be asked for')
  }
  stage.view(2, [0, 1])
  for (const place of [0, 1]) t.notOk(stage.nodes[place]?.clients.has(2))
})

t.test('who gave up is not answered, and leaves nothing behind', async (t) => {
  const stage = Stage.of(2)
  const calls = [
    stage.ask(2, ['wait', 'o', 'x', 0]),
    stage.ask(2, ['wait', 'o', 'x', 0], 2),
    stage.ask(2, set('x', 1)),
  ]
  stage.step(2, { type: 'forget', client: 1, call: calls[0] as number })
  stage.step(2, { type: 'clientLost', client: 2 })
  stage.step(2, { type: 'forget', client: 1, call: calls[2] as number })
  stage.deliver()
  t.strictSame(stage.told, [])
  const { reads, waiting, parkedReads, updates } = stage.nodes[2] as (typeof stage.nodes)[number]
  t.strictSame([reads.size, waiting.size, parkedReads, updates.size], [0, 0, 0, 0])
  t.equal(stage.run(0, get('x')), `[${one},1]`, 'what was sent takes place')
})

t.test('a node that is alone serves itself', async (t) => {
  const stage = Stage.of(0)
  t.equal(stage.run(0, set('x', 1)), `${one}`)
  t.equal(stage.run(0, get('x')), `[${one},1]`)
  t.equal(stage.count, 0)
})

t.test('names are only names', async (t) => {
  const stage = Stage.of(1)
  stage.run(0, ['set', '__proto__', 'constructor', 1, null])
  t.equal(stage.run(1, ['keys', '__proto__']), '["constructor"]')
})

t.test('a message or an operation of another version does no harm', async (t) => {
  const stage = Stage.of(1)
  const strange = ['strange', 1] as unknown as LinFastReadMessage
  stage.step(0, { type: 'message', from: 1, message: strange, mayServe: true })
  t.equal(stage.run(0, ['strange', 'o'] as unknown as StrictOperation), 'ERR_GOAWAY_PROTOCOL')
})

t.test('messages for each operation are those of the page', async (t) => {
  for (const n of [2, 3, 8, 64, 256]) {
    const stage = Stage.of(n - 1)
    const home = 1
    const elsewhere = n === 2 ? 0 : 2
    const counted = (place: number, operation: StrictOperation): number => {
      const before = stage.count
      stage.run(place, operation)
      return stage.count - before
    }
    const all = stage.nodes.map((_, place) => place)
    t.equal(counted(home, set('x', 1)), 3 * (n - 1), `${n} nodes, an update at the home`)
    t.equal(counted(elsewhere, set('x', 1)), 3 * (n - 1) + 2, 'elsewhere')
    t.equal(counted(elsewhere, get('x')) + counted(elsewhere, ['keys', 'o']), 0, 'reads')
    t.equal(counted(home, ['delete', 'o', 'z', null]), 0, 'nothing changed, at the home')
    t.equal(counted(elsewhere, ['delete', 'o', 'z', null]), 2, 'elsewhere')
    stage.run(home, ['set', 'p', 'x', 1, null])
    const objects = 2
    const before = stage.count
    stage.add(n)
    stage.view(2, [...all, n])
    stage.deliver()
    t.equal(stage.count - before, 2 * objects + 2, 'a node joins')
    const then = stage.count
    stage.view(
      3,
      [...all, n].filter((place) => place !== home),
    )
    stage.deliver()
    t.equal(stage.count - then, 2 * objects * (n - 1) + 2 * (n - 1), 'the home is lost')
  }
})
